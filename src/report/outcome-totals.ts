// Folds the outcomes of a job: what arrived, what did not and why, and where everything is now.
import type { Action, LeftOut, Outcome } from "../engine/change.ts";
import type { EntityKey, Kind } from "../model/entities.ts";
import { KINDS } from "../model/entities.ts";
import { kindOf, numberIn } from "../model/keys.ts";
import type { LossRecord, NotCarried } from "../ports/source.ts";
import { leftOutTotals } from "./left-out-totals.ts";
import type { LeftOutTotals } from "./left-out-totals.ts";
import { isThere } from "./loss-text.ts";

export type OutcomeState = Outcome["state"];

/** The states in the order in which reports name them. */
export const STATES = ["done", "skipped", "partial", "dropped", "failed", "refused", "blocked"] as const satisfies readonly OutcomeState[];

export type StateCounts = Readonly<Record<OutcomeState, number>>;

/** An object that is not at the target as planned. */
export interface NotMoved {
  readonly key: EntityKey;
  readonly state: OutcomeState;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** A fact or a file that did not arrive, of an object that did. */
export interface Lost extends Omit<LossRecord, "agreed"> {
  /** True when the user asked for it. */
  readonly agreed: boolean;
  /** Set where it stands for files that a filter left out, which are summed up in {@link JobTotals.leftOut}. */
  readonly leftOut?: LeftOut;
}

/** Facts that are kept in another place or form, grouped by what happened to them. */
export interface Translated {
  readonly field: string;
  readonly to: string;
  readonly rule: string;
  readonly class: "translated" | "inherent";
  readonly count: number;
}

/** Everything that a report of a job tells about its objects. */
export interface JobTotals {
  readonly byKind: Readonly<Partial<Record<Kind, StateCounts>>>;
  readonly states: StateCounts;
  readonly actions: Readonly<Record<Action, number>>;
  readonly objects: number;
  readonly files: number;
  readonly bytes: number;
  readonly notMoved: readonly NotMoved[];
  readonly lost: readonly Lost[];
  readonly leftOut: readonly LeftOutTotals[];
  readonly translated: readonly Translated[];
  readonly placed: ReadonlyMap<EntityKey, EntityKey>;
  /** Versions that have another number at the target, in the order in which they ended. */
  readonly renumbered: readonly Renumbered[];
}

export interface Renumbered {
  readonly source: EntityKey;
  readonly target: EntityKey;
}

export interface OutcomeFold {
  add(outcome: Outcome): void;
  totals(): JobTotals;
}

/** Begins a fold. */
export function foldOutcomes(): OutcomeFold {
  const states = new Map<EntityKey, OutcomeState>();
  const notMoved: NotMoved[] = [];
  const lost: Lost[] = [];
  const translated = createTranslations();
  const placed = new Map<EntityKey, EntityKey>();
  const actions: Record<Action, number> = { create: 0, update: 0, link: 0, skip: 0, refuse: 0, drop: 0 };
  let [files, bytes] = [0, 0];
  return {
    add(outcome) {
      const { key } = outcome.step.source;
      // A late link or deletion that failed is a second outcome of an object that counted as done.
      if (!states.has(key)) actions[outcome.step.action] += 1;
      states.set(key, outcome.state);
      if (outcome.placed !== undefined) placed.set(key, outcome.placed);
      if (outcome.state !== "done" && outcome.state !== "skipped" && outcome.state !== "dropped") notMoved.push(notMovedOf(outcome));
      if (outcome.state === "done" || outcome.state === "partial") translated.add(outcome);
      lost.push(...lostOf(outcome));
      files += outcome.moved.files;
      bytes += outcome.moved.bytes;
    },
    totals: () => ({
      ...counted(states),
      ...{ actions, files, bytes, notMoved, lost, leftOut: leftOutTotals(lost), placed },
      translated: translated.list(),
      renumbered: [...placed].filter(isRenumbered).map(([source, target]) => ({ source, target })),
    }),
  };
}

function isRenumbered([source, target]: readonly [EntityKey, EntityKey]): boolean {
  return kindOf(source) === "model-version" && numberIn(source) !== numberIn(target);
}

/** Whether something of the selection is not at the target although nobody agreed to that: then a job has not done all it should. */
export function isIncomplete(
  totals: Pick<JobTotals, "notMoved" | "lost">,
  known: { readonly onLoss: "refuse" | "drop"; readonly notCarried: readonly NotCarried[]; readonly losses: readonly LossRecord[] },
): boolean {
  if (totals.notMoved.length > 0 || totals.lost.some((loss) => !loss.agreed)) return true;
  return known.onLoss === "refuse" && (known.notCarried.some(isThere) || known.losses.some((loss) => loss.agreed !== true));
}

function counted(states: ReadonlyMap<EntityKey, OutcomeState>): Pick<JobTotals, "byKind" | "states" | "objects"> {
  const byKind: Partial<Record<Kind, Record<OutcomeState, number>>> = {};
  const all = noStates();
  for (const [key, state] of states) {
    const counts = (byKind[kindOf(key)] ??= noStates());
    counts[state] += 1;
    all[state] += 1;
  }
  const ordered = Object.fromEntries(KINDS.flatMap((kind) => (byKind[kind] === undefined ? [] : [[kind, byKind[kind]]])));
  return { byKind: ordered, states: all, objects: states.size };
}

function noStates(): Record<OutcomeState, number> {
  return { done: 0, skipped: 0, partial: 0, dropped: 0, failed: 0, refused: 0, blocked: 0 };
}

function notMovedOf({ step, state, error }: Outcome): NotMoved {
  return {
    key: step.source.key,
    state,
    code: error?.code ?? "INTERNAL",
    message: error?.message ?? "for an unknown reason",
    ...(error?.hint === undefined ? {} : { hint: error.hint }),
  };
}

function lostOf(outcome: Outcome): Lost[] {
  const { key } = outcome.step.source;
  // What an object loses says nothing while the object itself is missing.
  if (outcome.state === "failed" || outcome.state === "refused" || outcome.state === "blocked") return [];
  const fields = outcome.step.changes
    .filter((change) => change.class === "lost")
    .map((change): Lost => ({ key, field: change.field, reason: change.rule, agreed: change.agreed === true }));
  const files = outcome.fileLosses.map((loss): Lost => ({
    key,
    field: `files/${loss.path}`,
    reason: loss.reason,
    agreed: loss.agreed,
    ...(loss.leftOut === undefined ? {} : { leftOut: loss.leftOut }),
  }));
  return [...fields, ...files];
}

interface Translations {
  add(outcome: Outcome): void;
  list(): Translated[];
}

function createTranslations(): Translations {
  const groups = new Map<string, { -readonly [K in keyof Translated]: Translated[K] }>();
  return {
    add({ step }) {
      for (const change of step.changes) {
        if (change.class === "lost") continue;
        const field = change.field.replace(/^(tags|params|metrics)\..*$/s, "$1");
        const id = JSON.stringify([step.source.kind, field, change.rule, change.class]);
        const group = groups.get(id);
        if (group !== undefined) group.count += 1;
        else
          groups.set(id, { field: `${step.source.kind} ${field}`, to: change.to ?? "", rule: change.rule, class: change.class, count: 1 });
      }
    },
    list: () => [...groups.values()],
  };
}
