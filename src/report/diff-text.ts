// A comparison of two places for people, line by line as it comes, in the manner of a unified diff.
import type { Card } from "../engine/card.ts";
import type { Compared } from "../engine/diff.ts";
import type { Difference } from "../engine/diff-facts.ts";
import type { Level } from "../engine/finding.ts";
import type { NotCarried } from "../ports/source.ts";
import type { DiffTotals } from "./diff-totals.ts";
import { section } from "./list-text.ts";
import { isThere, notCarriedRows } from "./loss-text.ts";
import { bytesText, countOf, countText, durationText } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

export interface DiffContext {
  readonly a: string;
  readonly b: string;
  readonly level: Level;
  readonly notCarried: { readonly a: readonly NotCarried[]; readonly b: readonly NotCarried[] };
  readonly durationMs: number;
}

/** Which place the signs stand for: written before the first difference. */
export function diffHead({ a, b }: Pick<DiffContext, "a" | "b">, style: Style): string[] {
  return [paint(style, "heading", `--- ${shown(a)}`), paint(style, "heading", `+++ ${shown(b)}`)];
}

/** The lines of one object; none where both places have it and nothing differs. */
export function comparedText(compared: Compared, style: Style): string[] {
  if ("only" in compared) {
    const { only, card } = compared;
    return [paint(style, only === "a" ? "bad" : "good", `${only === "a" ? "-" : "+"} ${labelOf(card)}`)];
  }
  const { pair, cards, differences } = compared;
  if (differences.length === 0) return [];
  const other = pair.a === pair.b ? "" : ` = ${shown(pair.b)}`;
  return [
    paint(style, "warning", `~ ${labelOf(cards.a)}${other}`),
    ...differences.map((difference) => `    ${differenceText(difference, style)}`),
  ];
}

/** How the objects were matched, and what it comes to. */
export function diffSummary(totals: DiffTotals, context: DiffContext, style: Style): string[] {
  const renamed = totals.renamed.map(({ kind, a, b }) => [kind, shown(a), shown(b)]);
  const uncounted = [
    ...notCarriedRows(context.notCarried.a.filter(isThere)).map((row) => [...row, "-"]),
    ...notCarriedRows(context.notCarried.b.filter(isThere)).map((row) => [...row, "+"]),
  ];
  const gap = totals.differences > 0 ? [""] : [];
  return [
    ...gap,
    ...section({ title: "the same under another name", tone: "heading", rows: renamed, flexible: [1, 2] }, style),
    ...section({ title: "not carried by this version, so not compared", tone: "warning", rows: uncounted }, style),
    matchedLine(totals),
    comparedLine(totals, context),
    verdict(totals, style),
  ];
}

function labelOf({ key, kind, name }: Card): string {
  const named = kind === "run" || kind === "logged-model" || kind === "experiment";
  return `${shown(key)}${named ? ` ${quoted(name)}` : ""}`;
}

function differenceText({ field, a, b, unreadable }: Difference, style: Style): string {
  const name = field === "" ? "(whole)" : shown(field);
  if (unreadable !== undefined) return paint(style, "warning", `! ${name}: cannot be compared: ${shown(unreadable)}`);
  if (a === undefined) return paint(style, "good", `+ ${name}: ${valueText(b ?? "", undefined, style)}`);
  if (b === undefined) return paint(style, "bad", `- ${name}: ${valueText(a, undefined, style)}`);
  return `~ ${name}: ${paint(style, "bad", valueText(a, b, style))} -> ${paint(style, "good", valueText(b, a, style))}`;
}

/** Longest text of a value in a line, unless the report is verbose. */
const LONGEST = 100;
/** Of what both values begin with, so much is shown before the place where they part. */
const BEFORE = 20;

/** The value in quotes; of a long one the part around where the other differs. */
function valueText(value: string, other: string | undefined, style: Style): string {
  const characters = [...value];
  if (style.verbose || characters.length <= LONGEST) return quoted(value);
  const others = [...(other ?? "")];
  const parting = characters.findIndex((character, index) => character !== others[index]);
  const start = other === undefined || parting <= LONGEST - BEFORE ? 0 : parting - BEFORE;
  const end = start + LONGEST;
  return `${start > 0 ? "…" : ""}${quoted(characters.slice(start, end).join(""))}${end < characters.length ? "…" : ""}`;
}

function quoted(text: string): string {
  return shown(JSON.stringify(text));
}

function matchedLine({ matchedBy: { key, provenance, name } }: DiffTotals): string {
  const how = [
    ...(key > 0 ? [`${countText(key)} by key, since both places are one registry`] : []),
    ...(provenance > 0 ? [`${countText(provenance)} by provenance`] : []),
    ...(name > 0 ? [`${countText(name)} by name only`] : []),
  ];
  return how.length === 0 ? "no object of one place was found in the other" : `matched ${how.join(", ")}`;
}

function comparedLine(totals: DiffTotals, { level, durationMs }: DiffContext): string {
  const { facts, points, files, bytes } = totals;
  const what = [
    countOf(totals.equal + totals.different, "object"),
    ...(level === "counts" ? [] : [countOf(facts, "fact"), countOf(points, "metric point")]),
    ...(level === "sizes" ? [countOf(files, "file")] : []),
    ...(level === "bytes" ? [`${countOf(files, "file")} (${bytesText(bytes)} read)`] : []),
  ];
  return `compared ${what.join(", ")} at level ${level} in ${durationText(durationMs)}`;
}

function verdict(totals: DiffTotals, style: Style): string {
  const { onlyA, onlyB, different, equal } = totals;
  if (totals.differences === 0) return paint(style, "good", equal === 0 ? "both places are empty" : "no differences");
  return paint(
    style,
    "bad",
    `${countOf(totals.differences, "difference")}: ${countText(onlyA)} only in the first, ${countText(onlyB)} only in the second, ` +
      `${countOf(different, "object differs", "objects differ")}, ${countText(equal)} equal`,
  );
}
