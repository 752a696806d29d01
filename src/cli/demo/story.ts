// What the demo tells: the results of its jobs as lines of at most 80 columns. Pure.
import type { Step } from "../../engine/change.ts";
import type { EntityKey, ModelVersion } from "../../model/entities.ts";
import { KINDS } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { Mapping } from "../../model/mapping.ts";
import type { NotCarried } from "../../ports/source.ts";
import type { JobTotals } from "../../report/outcome-totals.ts";
import type { PlanTotals } from "../../report/plan-totals.ts";
import { bytesText, countOf, countText, durationText, kindPlural } from "../../report/quantities.ts";
import { paint } from "../../report/style.ts";
import type { Style, Tone } from "../../report/style.ts";
import { shown, table } from "../../report/table.ts";
import type { VerifyTotals } from "../../report/verify-totals.ts";

export const DEMO_COLUMNS = 80;
const INDENT = "   ";

/** A step's heading with the time that it took, and below it the command that does the same. */
export function heading(title: string, { ms, command }: { readonly ms: number; readonly command?: string }, style: Style): string[] {
  const time = durationText(ms);
  const gap = " ".repeat(Math.max(1, DEMO_COLUMNS - title.length - time.length));
  const line = `${paint(style, "heading", title)}${gap}${paint(style, "quiet", time)}`;
  return ["", line, ...(command === undefined ? [] : [paint(style, "quiet", `${INDENT}$ ${command}`)])];
}

/** Text below a heading, broken between words. */
export function paragraph(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && INDENT.length + line.length + 1 + word.length > DEMO_COLUMNS) {
      lines.push(INDENT + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, INDENT + line];
}

/** `1 prompt, 1 trace`: the kinds are plural nouns. */
export function notCarriedText(notCarried: readonly NotCarried[]): string {
  return notCarried.map(({ what, count }) => countOf(count, what.replace(/s$/, ""), what)).join(", ");
}

export function movedText({ totals, points }: { readonly totals: JobTotals; readonly points: number }): string {
  return `${countOf(totals.states.done, "object")}, ${countOf(totals.files, "file")} (${bytesText(totals.bytes)}), ${countOf(points, "metric point")}`;
}

export function factsText({ facts, objects }: PlanTotals): string {
  const parts = [
    `${countText(facts.moved)} move as they are`,
    `${countText(facts.translated)} are kept in another form`,
    `${countText(facts.inherent)} are the target's to assign (the original is kept as a tag)`,
    `${countText(facts.lost)} cannot be kept`,
  ];
  return `${countOf(objects, "object")} with ${countOf(facts.facts, "fact")}: ${parts.join(", ")}.`;
}

/** How many objects of each kind are where. */
export function movedTable(bundle: JobTotals, target: JobTotals, style: Style): string[] {
  const rows = KINDS.flatMap((kind) => {
    const [before, after] = [bundle.byKind[kind]?.done, target.byKind[kind]?.done];
    return before === undefined && after === undefined ? [] : [[kindPlural(kind), countText(before ?? 0), countText(after ?? 0)]];
  });
  return titled("what moved", [["", "bundle", "target"], ...rows], { style, right: [1, 2] });
}

/** Every version with a stage, and what keeps the stage now. */
export function stageTable(steps: readonly Step[], mapping: Mapping, style: Style): string[] {
  const versions = steps.flatMap(({ source, entity }) =>
    source.kind === "model-version" && source.stage !== "None" && entity.kind === "model-version" ? [{ source, entity }] : [],
  );
  const rows = versions
    .sort((a, b) => (a.entity.model < b.entity.model ? -1 : a.entity.model > b.entity.model ? 1 : a.entity.version - b.entity.version))
    .map(({ source, entity }) => [
      `${shown(entity.model)} ${String(entity.version)}`,
      source.stage,
      placeOfStage(source, entity, { steps, mapping }),
    ]);
  return titled("what the stages became (beside an alias, the tag source_stage keeps it)", rows, { style });
}

function placeOfStage(
  source: ModelVersion,
  entity: ModelVersion,
  { steps, mapping }: { steps: readonly Step[]; mapping: Mapping },
): string {
  const rule = mapping.stage(source.stage);
  if (rule === undefined) return "";
  if ("tag" in rule) return `tag ${rule.tag}=${rule.value}`;
  const aliases = steps.flatMap((step) => (step.entity.kind === "alias" ? [step.entity] : []));
  const holder = aliases.find(({ model, alias }) => model === entity.model && alias === rule.alias);
  if (holder === undefined || holder.version === entity.version) return `alias ${rule.alias}`;
  return `only a tag: ${rule.alias} is ${String(holder.version)}`;
}

/** Everything else that is kept in another form, grouped by the rule that did it. */
export function changesTable({ translated }: JobTotals, style: Style): string[] {
  const groups = new Map<string, { fact: string; count: number; reason: string }>();
  for (const { field, count, rule, to, class: how } of translated) {
    if (field === "model-version stage") continue;
    const fact = field.slice(field.indexOf(" ") + 1);
    // A registered model's name is also its versions' and aliases'.
    const reason = how === "inherent" ? `${rule} (${to})` : rule;
    const group = groups.get(reason) ?? { fact: fact === "model" ? "name" : fact, count: 0, reason };
    groups.set(reason, { ...group, count: group.count + count });
  }
  const rows = [...groups.values()].map(({ fact, count, reason }) => [`${countText(count)} ×`, shown(fact), shown(reason)]);
  return titled("what else is kept in another form, and by which rule", rows, { style, right: [0] });
}

/** Facts that are not at the target. */
export function lostTable({ lost }: JobTotals, style: Style): string[] {
  const rows = lost.map(({ key, field, reason }) => [shown(idOf(key as EntityKey)), shown(field), shown(reason)]);
  return titled("what could not be represented, and why", rows, { style, tone: "warning" });
}

export function proofText({ objects, facts, points, files, bytes, differences }: VerifyTotals): string {
  const compared = [
    countOf(objects, "object"),
    countOf(facts, "fact"),
    countOf(points, "metric point"),
    `${countOf(files, "file")} (${bytesText(bytes)})`,
  ];
  return `${compared.join(", ")} read again on both sides and compared, with these rules applied: ${countOf(differences, "difference")}`;
}

interface TitledOptions {
  readonly style: Style;
  readonly tone?: Tone;
  readonly right?: readonly number[];
}

function titled(title: string, rows: readonly (readonly string[])[], { style, tone = "heading", right = [] }: TitledOptions): string[] {
  if (rows.length === 0) return [];
  const lines = table(rows, { indent: `${INDENT}  `, width: DEMO_COLUMNS, flexible: [0, 1, 2], right });
  return [`${INDENT}${paint(style, tone, title)}`, ...lines];
}
