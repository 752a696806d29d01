// Carries out a plan that was made earlier, and nothing but it: what is new at the source stays out, and a step that would be
// another one today is refused as stale. Pure but for the look into the journal.
import type { EntityKey } from "../model/entities.ts";
import { fingerprint } from "../model/facts.ts";
import { digestOf, isEntry } from "../model/keys.ts";
import type { Journal } from "../ports/journal.ts";
import type { Source } from "../ports/source.ts";
import type { Action, Step } from "./change.ts";
import { hasOwnFiles } from "./job.ts";
import { isHalfWritten } from "./marks.ts";
import type { Prepared } from "./preflight.ts";

/** A step as a plan keeps it. */
export interface SavedStep {
  readonly key: EntityKey;
  readonly action: Action;
  /** See {@link stepFingerprint}. */
  readonly fingerprint: string;
}

/**
 * What of a step no write to the target changes: the object at the source, what it is to become and where, and the number that a
 * version gets, which the stamp does not tell. 32 hexadecimal digits.
 */
export function stepFingerprint({ source, entity, stamp }: Pick<Step, "source" | "entity" | "stamp">): string {
  const number = "version" in entity ? [entity.version] : [];
  return digestOf([fingerprint(source), stamp, ...number]);
}

/** A saved plan that is being carried out. */
export interface SavedPlan {
  /** The source, of which only what the plan knows is seen. */
  only(source: Source): Source;
  /** The steps of today, those refused that differ from the plan's; what the plan does not know is left out. Call once. */
  steps(today: AsyncIterable<Step>, prepared: Pick<Prepared, "job" | "placements">): AsyncGenerator<Step>;
  /** Objects at the source that the plan does not know. */
  readonly leftOut: ReadonlySet<EntityKey>;
  /** Steps of the plan that did not come: their objects are gone from the source. Known when `steps` has ended. */
  gone(): readonly SavedStep[];
}

/** Begins to follow a plan. `saved` is used up on the way. */
export function followPlan(saved: Map<EntityKey, SavedStep>): SavedPlan {
  const leftOut = new Set<EntityKey>();
  const isPlanned = ({ key }: { readonly key: EntityKey }): boolean => {
    if (saved.has(key)) return true;
    leftOut.add(key);
    return false;
  };
  return {
    only: (source) => plannedOnly(source, isPlanned),
    async *steps(today, { job, placements }) {
      const stuck = new Set<EntityKey>();
      for await (const step of today) {
        const { key } = step.source;
        const planned = saved.get(key);
        saved.delete(key);
        // An alias that a stage became is in no source's stream.
        if (planned === undefined) leftOut.add(key);
        else {
          const isBlocked = isWrite(step) && step.entity.needs.some((need) => stuck.has(need) && placements.placed(need) === undefined);
          const next = isBlocked ? step : await held(step, planned, job.journal);
          if (isBlocked || next.action === "refuse") stuck.add(key);
          yield next;
        }
      }
    },
    leftOut,
    gone: () => [...saved.values()],
  };
}

/** Names that the plan does not know must not collide with those it does, so they are not even seen. */
function plannedOnly(source: Source, isPlanned: (entity: { readonly key: EntityKey }) => boolean): Source {
  return {
    ...source,
    async select(selection, signal) {
      const catalogue = await source.select(selection, signal);
      return {
        ...catalogue,
        experiments: catalogue.experiments.filter(isPlanned),
        models: catalogue.models.filter(isPlanned),
        async *entities(current) {
          for await (const entity of catalogue.entities(current)) if (isPlanned(entity)) yield entity;
        },
      };
    },
  };
}

/** What is written, or blocked where something it needs is not there; that it differs from the plan may be due to that alone. */
function isWrite({ action }: Step): boolean {
  return action === "create" || action === "update";
}

async function held(step: Step, planned: SavedStep, journal: Journal): Promise<Step> {
  const reason = await whyStale(step, planned, journal);
  if (reason === undefined) return step;
  const message = `${step.source.key} is not as it was when the plan was made: ${reason}`;
  return { ...step, action: "refuse", refusal: { code: "STALE_PLAN", message, hint: PLAN_AGAIN } };
}

const OTHER_VERSION = "it has changed at the source, or would get another number at the target";
const PLAN_AGAIN = "make a new plan: mlferry plan SRC DST --out FILE";

async function whyStale(step: Step, planned: SavedStep, journal: Journal): Promise<string | undefined> {
  if (stepFingerprint(step) !== planned.fingerprint) return "version" in step.entity ? OTHER_VERSION : "it has changed at the source";
  if (step.action === planned.action) return undefined;
  if (step.action === "skip") return isTheirs(step, planned) ? "the target has an object of this name, which others made" : undefined;
  if (step.action === "refuse") return `it would be refused now (${step.refusal?.message ?? "for an unknown reason"})`;
  if (step.action === "drop") return "it would be left out now";
  if (planned.action === "refuse" || planned.action === "drop") return "it would not be left out any more";
  if (step.action === "create") return "it is gone from the target";
  if (planned.action === "create" && step.found?.ours !== true) return "the target has an object of this name, which others made";
  return (await isContinued(step, planned, journal)) ? undefined : "it has changed at the target";
}

/** An object that was to be created and that others have made meanwhile, although it looks like the planned one. */
function isTheirs(step: Step, planned: SavedStep): boolean {
  return planned.action === "create" && step.journaled !== true && step.found?.ours !== true;
}

/** Whether the step is what an earlier, unfinished attempt at this plan has left to do. */
async function isContinued(step: Step, planned: SavedStep, journal: Journal): Promise<boolean> {
  const { entity } = step;
  if (planned.action !== "create" && planned.action !== "update") return false;
  if (entity.kind === "run" || entity.kind === "logged-model") return isHalfWritten(step.found, step.mark);
  if (entity.kind === "model-version" && hasOwnFiles(entity)) return isHalfWritten(step.found, step.mark);
  // Set in one request: there is no half of it.
  if (entity.kind === "alias" || isEntry(entity)) return false;
  const entry = await journal.last(step.source.key);
  if (entry?.state === "failed") return entry.error?.code !== "STALE_PLAN";
  // A journal blanks the fingerprints of attempts that had ended: these say nothing of the one that was cut off.
  return journal.resuming && (entry === undefined || entry.fingerprint === "");
}
