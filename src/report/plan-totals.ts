// Folds the steps of a plan: how many of what, every change as a row, and the account of facts.
import type { Action, Change, Refusal, Step } from "../engine/change.ts";
import type { Entity, EntityKey, Kind } from "../model/entities.ts";
import { KINDS } from "../model/entities.ts";
import { entryId } from "../model/keys.ts";
import { createAccounting } from "./accounting.ts";
import type { Accounts, FactTotals } from "./accounting.ts";

/** The actions in the order in which reports name them. */
export const ACTIONS = ["create", "update", "link", "skip", "drop", "refuse"] as const satisfies readonly Action[];

/** What of a step a report keeps: not the object itself, so that a plan of a large registry fits in memory. */
export interface PlannedStep {
  readonly action: Action;
  readonly key: EntityKey;
  /** The name that the object is to have, where it has one and it differs from the source's. */
  readonly targetName?: string;
  readonly changes: readonly Change[];
  readonly refusal?: Refusal;
}

export interface PlanTotals {
  readonly byKind: Readonly<Partial<Record<Kind, Readonly<Record<Action, number>>>>>;
  readonly actions: Readonly<Record<Action, number>>;
  readonly objects: number;
  readonly facts: FactTotals;
  readonly factsByKind: Accounts;
  readonly steps: readonly PlannedStep[];
}

export interface StepFold {
  add(step: Step): void;
  totals(): PlanTotals;
}

export function foldSteps(): StepFold {
  const byKind: Partial<Record<Kind, Record<Action, number>>> = {};
  const actions = noActions();
  const accounting = createAccounting();
  const steps: PlannedStep[] = [];
  return {
    add(step) {
      const counts = (byKind[step.source.kind] ??= noActions());
      counts[step.action] += 1;
      actions[step.action] += 1;
      accounting.add(step);
      steps.push(plannedStep(step));
    },
    totals: () => ({
      byKind: Object.fromEntries(KINDS.flatMap((kind) => (byKind[kind] === undefined ? [] : [[kind, byKind[kind]]]))),
      actions,
      objects: steps.length,
      facts: accounting.total,
      factsByKind: accounting.byKind,
      steps,
    }),
  };
}

/** Losses of a plan that nobody agreed to; with `refuse` these are refusals already. */
export function hasUnagreedLoss(step: PlannedStep): boolean {
  return step.action !== "refuse" && step.changes.some((change) => change.class === "lost" && change.agreed !== true);
}

function plannedStep(step: Step): PlannedStep {
  const [before, after] = [nameOf(step.source), nameOf(step.entity)];
  return {
    action: step.action,
    key: step.source.key,
    ...(after === undefined || after === before ? {} : { targetName: after }),
    changes: step.changes,
    ...(step.refusal === undefined ? {} : { refusal: step.refusal }),
  };
}

/** What people call the object: `main.ml.churn/3` for a version. */
function nameOf(entity: Entity): string | undefined {
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
    case "logged-model":
      return entity.name;
    case "model-version":
      return `${entity.model}/${String(entity.version)}`;
    case "stage-transition":
    case "comment":
    case "transition-request":
      return `${entity.model}/${String(entity.version)} ${entity.kind} ${entryId(entity.key)}`;
    case "alias":
      return `${entity.model}@${entity.alias}`;
    case "run":
    case "permission":
    case "webhook":
      return undefined;
  }
}

/** No object yet, for each action. */
export function noActions(): Record<Action, number> {
  return { create: 0, update: 0, link: 0, skip: 0, drop: 0, refuse: 0 };
}
