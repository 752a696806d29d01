// The accounting of facts: every fact of the source is moved as it is, translated, assigned anew by the target, or lost. Folds steps.
import type { Step } from "../engine/change.ts";
import { KINDS } from "../model/entities.ts";
import type { Kind } from "../model/entities.ts";
import { facts } from "../model/facts.ts";

/** Numbers of facts. `facts` = `moved` + `translated` + `inherent` + `lost` + `refused`. */
export interface FactTotals {
  readonly facts: number;
  readonly moved: number;
  readonly translated: number;
  /** Assigned by the target itself; the original is kept as a tag. */
  readonly inherent: number;
  readonly lost: number;
  /** Facts of objects that are left out as a whole. */
  readonly refused: number;
}

export type Accounts = Readonly<Record<Kind, FactTotals>>;

export interface Accounting {
  add(step: Step): void;
  readonly byKind: Accounts;
  readonly total: FactTotals;
}

const NOTHING: FactTotals = { facts: 0, moved: 0, translated: 0, inherent: 0, lost: 0, refused: 0 };

/** Begins an account. An alias that a stage became is no fact of the source: it counts for nothing. */
export function createAccounting(): Accounting {
  const byKind: Record<Kind, FactTotals> = Object.fromEntries(KINDS.map((kind) => [kind, NOTHING])) as Record<Kind, FactTotals>;
  return {
    add(step) {
      const { kind } = step.source;
      byKind[kind] = sum(byKind[kind], factsOf(step));
    },
    byKind,
    get total() {
      return KINDS.reduce((totals, kind) => sum(totals, byKind[kind]), NOTHING);
    },
  };
}

/** The facts of one step. */
export function factsOf(step: Step): FactTotals {
  // The reconciler hands a derived alias over as its own source, with no change to tell.
  const derived = step.source.kind === "alias" && step.source === step.entity;
  if (derived) return NOTHING;
  const fields = facts(step.source);
  if (step.action === "refuse") return { ...NOTHING, facts: fields.size, refused: fields.size };
  if (step.action === "drop") return { ...NOTHING, facts: fields.size, lost: fields.size };
  // A note holds the whole object in another form.
  if (step.changes.some((change) => change.field === "" && change.class === "translated")) {
    return { ...NOTHING, facts: fields.size, translated: fields.size };
  }
  const classes = new Map<string, "translated" | "inherent" | "lost">();
  for (const change of step.changes) if (fields.has(change.field)) classes.set(change.field, change.class);
  const count = (name: "translated" | "inherent" | "lost"): number => [...classes.values()].filter((one) => one === name).length;
  const [translated, inherent, lost] = [count("translated"), count("inherent"), count("lost")];
  return { facts: fields.size, moved: fields.size - translated - inherent - lost, translated, inherent, lost, refused: 0 };
}

function sum(a: FactTotals, b: FactTotals): FactTotals {
  return {
    facts: a.facts + b.facts,
    moved: a.moved + b.moved,
    translated: a.translated + b.translated,
    inherent: a.inherent + b.inherent,
    lost: a.lost + b.lost,
    refused: a.refused + b.refused,
  };
}
