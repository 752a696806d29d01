// The report of a verification for people.
import type { Finding, Level } from "../engine/finding.ts";
import type { NotCarried } from "../ports/source.ts";
import { section } from "./list-text.ts";
import { notCarriedRows } from "./loss-text.ts";
import { bytesText, countOf, countText, durationText } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";
import type { VerifyTotals } from "./verify-totals.ts";

export interface VerifyContext {
  readonly source: string;
  readonly target: string;
  readonly level: Level;
  readonly notCarried: readonly NotCarried[];
  readonly durationMs: number;
}

/** The lines of a verification's report. */
export function verifyText(totals: VerifyTotals, context: VerifyContext, style: Style): string[] {
  const flexible = [0, 1, 3, 4];
  const unagreed = totals.findings.filter((finding) => !finding.agreed);
  const agreed = totals.findings.filter((finding) => finding.agreed);
  const rest = { head: HEAD, flexible };
  return [
    ...section({ title: "differences", tone: "bad", rows: unagreed.map(findingRow), ...rest }, style),
    ...section({ title: "agreed losses", tone: "quiet", rows: agreed.map(findingRow), ...rest }, style),
    ...section({ title: "not carried by this version, so not compared", tone: "warning", rows: notCarriedRows(context.notCarried) }, style),
    comparedLine(totals, context),
    verdict(totals, style),
  ];
}

const HEAD = ["object", "field", "what", "expected", "found"];

function findingRow(finding: Finding): string[] {
  const { key, field, kind, expected, found } = finding;
  return [shown(key), shown(field === "" ? "(whole)" : field), kind, shown(expected ?? "-"), shown(found ?? "-")];
}

function comparedLine(totals: VerifyTotals, { source, target, level, durationMs }: VerifyContext): string {
  const what = [
    countOf(totals.objects, "object"),
    ...(level === "counts" ? [] : [countOf(totals.facts, "fact"), countOf(totals.points, "metric point")]),
    ...(level === "sizes" ? [countOf(totals.files, "file")] : []),
    ...(level === "bytes" ? [`${countOf(totals.files, "file")} (${bytesText(totals.bytes)} read)`] : []),
  ];
  return `compared ${what.join(", ")} of ${source} with ${target} at level ${level} in ${durationText(durationMs)}`;
}

function verdict(totals: VerifyTotals, style: Style): string {
  if (totals.differences === 0) return paint(style, "good", totals.objects === 0 ? "nothing was compared" : "no differences");
  return paint(style, "bad", `${countText(totals.differences)} ${totals.differences === 1 ? "difference" : "differences"}`);
}
