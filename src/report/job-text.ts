// The report of a copy, export or import for people: what did not move first, then what changed, then totals.
import type { Action } from "../engine/change.ts";
import type { EntityKey } from "../model/entities.ts";
import { KINDS } from "../model/entities.ts";
import type { LossRecord, NotCarried } from "../ports/source.ts";
import { reachSections } from "./came-along.ts";
import type { Reach } from "./came-along.ts";
import { idOf } from "../model/keys.ts";
import type { HostPace } from "./host-pace.ts";
import { requestRows } from "./host-pace.ts";
import { leftOutRow } from "./left-out-totals.ts";
import { section } from "./list-text.ts";
import { knownLossRows, notCarriedRows } from "./loss-text.ts";
import type { JobTotals, OutcomeState } from "./outcome-totals.ts";
import { STATES } from "./outcome-totals.ts";
import { bytesText, countOf, countText, durationText, kindPlural } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown, table } from "./table.ts";

/** What a job's report knows beside its outcomes. */
export interface JobContext extends Reach {
  readonly source: string;
  readonly target: string;
  readonly notCarried: readonly NotCarried[];
  readonly losses: readonly LossRecord[];
  readonly points: number;
  readonly durationMs: number;
  /** Requests sent, by host. */
  readonly requests: ReadonlyMap<string, number>;
  /** How hosts were paced. */
  readonly pace?: ReadonlyMap<string, HostPace>;
  /** Where the bundle lies, and its size in bytes, when one was written. */
  readonly bundle?: { readonly path: string; readonly sizeBytes?: number };
  /** The plan that the job was held to, and how the source differs from it. */
  readonly plan?: {
    readonly path: string;
    /** Objects that it does not know. */
    readonly leftOut: readonly EntityKey[];
    /** Objects that it knows and the source does not have any more; `due`: they were still to be written. */
    readonly gone: readonly { readonly key: EntityKey; readonly action: Action; readonly due: boolean }[];
  };
}

/** The lines of a job's report. */
export function jobText(totals: JobTotals, context: JobContext, style: Style): string[] {
  return [
    ...lossSections(totals, context, style),
    ...(totals.objects === 0 || isNothingToDo(totals) ? [] : reachSections(context, style)),
    ...numberSection(totals, style),
    ...changeSection(totals, style),
    ...planSections(context, style),
    ...summary(totals, context, style),
  ];
}

function planSections({ plan }: JobContext, style: Style): string[] {
  if (plan === undefined) return [];
  const gone = plan.gone.map(({ key, action, due }) => [shown(key), due ? `was to be written (${action})` : ""]);
  const isNew = plan.leftOut.map((key) => [shown(key)]);
  return [
    ...section({ title: "gone from the source since the plan was made", tone: "bad", rows: gone, flexible: [0] }, style),
    ...section({ title: "new at the source, not in the plan, left out", tone: "quiet", rows: isNew, flexible: [0] }, style),
  ];
}

function lossSections(totals: JobTotals, context: JobContext, style: Style): string[] {
  const flexible = [0, 1, 2];
  const lost = totals.lost
    .filter((loss) => style.verbose || loss.leftOut === undefined)
    .map(({ key, field, reason, agreed }) => [shown(key), shown(field), shown(agreed ? `${reason} (agreed)` : reason)]);
  const notMoved = totals.notMoved.map(({ key, state, message }) => [shown(key), state, shown(message)]);
  const again = totals.lost.some(({ agreed }) => !agreed) ? [RETRY_HINT, ""] : [];
  const hints = [...new Set(totals.notMoved.flatMap(({ hint }) => (hint === undefined ? [] : [hint])))];
  return [
    ...section({ title: "not moved, and why", tone: "bad", rows: notMoved, flexible }, style),
    ...(hints.length === 0 ? [] : [...hints.slice(0, 5).map((hint) => `  hint: ${hint}`), ""]),
    ...section({ title: "not carried by this version", tone: "bad", rows: notCarriedRows(context.notCarried) }, style),
    ...section(
      { title: "lost before, when the source was written", tone: "warning", rows: knownLossRows(context.losses), flexible },
      style,
    ),
    ...section({ title: "lost", tone: "warning", rows: lost, flexible }, style),
    ...again,
    ...section({ title: "files left out, as asked", tone: "quiet", rows: totals.leftOut.map(leftOutRow), flexible: [0] }, style),
  ];
}

const RETRY_HINT = "  hint: the same command tries again; with --on-loss drop what cannot be moved is left behind and counts as agreed";

function changeSection({ translated }: JobTotals, style: Style): string[] {
  const rows = translated
    .filter((change) => style.verbose || change.class === "translated")
    .map(({ field, count, rule }) => [shown(field), `${countText(count)} ×`, shown(rule)]);
  return section({ title: "kept in another form", tone: "quiet", rows, flexible: [0, 2], right: [1] }, style);
}

/** The table by which people find a version again. */
function numberSection({ renumbered }: JobTotals, style: Style): string[] {
  const rows = renumbered.map(({ source, target }) => [shown(idOf(source)), shown(idOf(target))]);
  return section({ title: "versions under another number", tone: "quiet", head: ["source", "target"], rows, flexible: [0, 1] }, style);
}

const HEADS: Readonly<Record<OutcomeState, string>> = {
  done: "moved",
  skipped: "there already",
  partial: "partly",
  dropped: "left behind",
  failed: "failed",
  refused: "refused",
  blocked: "blocked",
};

function summary(totals: JobTotals, context: JobContext, style: Style): string[] {
  if (totals.objects === 0)
    return ["nothing to do: the source holds nothing that is selected", ...table(bundleRows(context), { indent: "  " })];
  if (isNothingToDo(totals)) return [paint(style, "good", nothingToDo(totals))];
  const used = STATES.filter((state) => state === "done" || totals.states[state] > 0);
  const rows = KINDS.flatMap((kind) => {
    const counts = totals.byKind[kind];
    return counts === undefined ? [] : [[kindPlural(kind), ...used.map((state) => countText(counts[state]))]];
  });
  const right = used.map((_state, index) => index + 1);
  return [
    ...section({ title: headline(totals, context), tone: "quiet", head: ["", ...used.map((state) => HEADS[state])], rows, right }, style),
    ...detailLines(totals, context),
  ];
}

function isNothingToDo(totals: JobTotals): boolean {
  return totals.objects > 0 && totals.states.skipped === totals.objects;
}

function nothingToDo(totals: JobTotals): string {
  return `nothing to do: the target already holds everything (${countOf(totals.objects, "object")} checked)`;
}

function headline(totals: JobTotals, { source, target, durationMs }: JobContext): string {
  const there = totals.states.done + totals.states.skipped;
  const how =
    there === totals.objects ? `all ${countOf(totals.objects, "object")}` : `${countText(there)} of ${countOf(totals.objects, "object")}`;
  return `${how} from ${source} ${there === 1 && totals.objects === 1 ? "is" : "are"} at ${target} after ${durationText(durationMs)}`;
}

function detailLines(totals: JobTotals, context: JobContext): string[] {
  const { points, requests } = context;
  const rows = [
    ["files moved", totals.files === 0 ? "none" : `${countText(totals.files)} (${bytesText(totals.bytes)})`],
    ["metric points moved", points === 0 ? "none" : countText(points)],
    ...[...requests].flatMap(([host, count]) => requestRows(host, count, context.pace?.get(host))),
    ...bundleRows(context),
  ];
  return table(rows, { indent: "  " });
}

function bundleRows({ bundle }: JobContext): string[][] {
  if (bundle === undefined) return [];
  const size = bundle.sizeBytes === undefined ? "" : ` (${bytesText(bundle.sizeBytes)})`;
  return [["bundle", `${bundle.path}${size}`]];
}
