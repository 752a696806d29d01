// A plan for people: what would be left out first, then every change as a row, then totals.
import type { Change } from "../engine/change.ts";
import type { EntityKey } from "../model/entities.ts";
import { KINDS } from "../model/entities.ts";
import { kindOf } from "../model/keys.ts";
import type { LossRecord, NotCarried } from "../ports/source.ts";
import { reachSections } from "./came-along.ts";
import type { Reach } from "./came-along.ts";
import { section } from "./list-text.ts";
import { notCarriedRows, knownLossRows } from "./loss-text.ts";
import { ACTIONS } from "./plan-totals.ts";
import type { PlannedStep, PlanTotals } from "./plan-totals.ts";
import { countOf, countText, kindPlural } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

/** What a plan knows beside its steps. */
export interface PlanContext extends Reach {
  readonly source: string;
  readonly target: string;
  readonly notCarried: readonly NotCarried[];
  readonly losses: readonly LossRecord[];
  /** The file that the plan was saved in. */
  readonly saved?: string;
}

/** The lines of a plan's report. */
export function planText(totals: PlanTotals, context: PlanContext, style: Style): string[] {
  const refused = totals.steps.filter((step) => step.refusal !== undefined);
  const lost = changeRows(totals.steps, (change) => change.class === "lost");
  const translated = changeRows(totals.steps, (change) => change.class === "translated");
  const flexible = [0, 1, 2, 3, 4];
  return [
    ...section({ title: "would not move, and why", tone: "bad", rows: refused.map(refusalRow), flexible }, style),
    ...section({ title: "not carried by this version", tone: "bad", rows: notCarriedRows(context.notCarried), flexible }, style),
    ...section(
      { title: "lost before, when the source was written", tone: "warning", rows: knownLossRows(context.losses), flexible },
      style,
    ),
    ...section({ title: "would be lost", tone: "warning", head: CHANGE_HEAD, rows: lost, flexible }, style),
    ...(totals.objects === 0 ? [] : reachSections(context, style)),
    ...section({ title: "would be kept in another form", tone: "quiet", head: CHANGE_HEAD, rows: translated, flexible }, style),
    ...inherentSection(totals.steps, style),
    ...actionSection(totals, style),
    ...factLines(totals, style),
    closingLine(totals, context, style),
    ...(context.saved === undefined ? [] : [`saved as ${context.saved}: mlferry apply carries out exactly this`]),
  ];
}

const CHANGE_HEAD = ["object", "field", "old value", "new place", "rule"];

function changeRows(steps: readonly PlannedStep[], wanted: (change: Change) => boolean): string[][] {
  return steps
    .filter((step) => step.action !== "refuse")
    .flatMap((step) => step.changes.filter(wanted).map((change) => changeRow(step.key, change)));
}

function changeRow(key: EntityKey, change: Change): string[] {
  const rule = change.class === "lost" && change.agreed === true ? `${change.rule} (agreed)` : change.rule;
  return [shown(key), shown(change.field), shown(change.from), shown(change.to ?? "-"), shown(rule)];
}

function refusalRow(step: PlannedStep): string[] {
  return [shown(step.key), shown(step.refusal?.message ?? "")];
}

/** What the target assigns by itself is alike for every object: one row a field, unless everything is wanted. */
function inherentSection(steps: readonly PlannedStep[], style: Style): string[] {
  const title = "assigned by the target, the original kept as a tag";
  if (style.verbose) {
    const rows = changeRows(steps, (change) => change.class === "inherent");
    return section({ title, tone: "quiet", head: CHANGE_HEAD, rows, flexible: [0, 1, 2, 3, 4] }, style);
  }
  const groups = new Map<string, { row: string[]; count: number }>();
  for (const step of steps) {
    for (const change of step.changes) {
      if (change.class !== "inherent" || step.action === "refuse") continue;
      const kind = kindPlural(kindOf(step.key));
      const id = JSON.stringify([kind, change.field, change.to]);
      const group = groups.get(id) ?? { row: [kind, change.field, change.to ?? ""], count: 0 };
      groups.set(id, { ...group, count: group.count + 1 });
    }
  }
  const rows = [...groups.values()].map(({ row, count }) => [...row.map(shown), countText(count)]);
  return section({ title, tone: "quiet", head: ["objects", "field", "kept in", "count"], rows, right: [3] }, style);
}

/** How many objects of each kind would be created, updated and so on. */
export function actionSection(totals: Pick<PlanTotals, "byKind" | "actions">, style: Style): string[] {
  const used = ACTIONS.filter((action) => totals.actions[action] > 0);
  const rows = KINDS.flatMap((kind) => {
    const counts = totals.byKind[kind];
    return counts === undefined ? [] : [[kindPlural(kind), ...used.map((action) => countText(counts[action]))]];
  });
  const right = used.map((_action, index) => index + 1);
  return section({ title: "what would be done", tone: "quiet", head: ["", ...used], rows, right }, style);
}

function factLines(totals: PlanTotals, style: Style): string[] {
  const { facts, moved, translated, inherent, lost, refused } = totals.facts;
  if (facts === 0) return [];
  const parts = [
    `${countText(moved)} moved as they are`,
    `${countText(translated)} translated`,
    `${countText(inherent)} assigned by the target`,
    `${countText(lost)} lost`,
    ...(refused === 0 ? [] : [`${countText(refused)} of objects left out`]),
  ];
  return [`${paint(style, "heading", countOf(facts, "fact"))} of the source: ${parts.join(", ")}`];
}

function closingLine(totals: PlanTotals, { source, target }: PlanContext, style: Style): string {
  const { skip, drop, refuse } = totals.actions;
  const work = totals.objects - skip - drop - refuse;
  if (totals.objects === 0) return "nothing to do: the source holds nothing that is selected";
  if (work === 0 && refuse === 0) {
    return paint(style, "good", `nothing to do: the target already holds everything (${countOf(totals.objects, "object")} checked)`);
  }
  const left = refuse === 0 ? "" : `, ${countText(refuse)} would be left out`;
  const what = work === totals.objects ? `all ${countOf(work, "object")}` : `${countText(work)} of ${countOf(totals.objects, "object")}`;
  return `${what} would be written from ${source} to ${target}${left}; nothing was written`;
}
