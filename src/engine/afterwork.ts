// What must wait until everything else is written: references to objects that came later, and deletions.
import { withContext } from "../errors.ts";
import type { Entity, EntityKey, PlacedKey, Run } from "../model/entities.ts";
import { localise } from "../model/localise.ts";
import { NO_FILES, type Outcome, type Step } from "./change.ts";
import { isFatal } from "./job.ts";
import type { Prepared } from "./preflight.ts";
import { concurrently } from "./schedule.ts";

export interface Afterwork {
  /** Notes that a run has references which were not placed when it was written. `mark` is the one to set when they are. */
  link(step: Step, placed: PlacedKey, mark: string): void;
  /** Notes that an object is deleted at the source, and at the target not yet; true when there is something to do. */
  remove(step: Step, placed: PlacedKey): boolean;
  /** Keeps what a failed entity needs from being deleted, so that a repetition can still write to it. */
  spare(entity: Entity): void;
  /** Links, then deletes runs, then experiments. Yields an outcome for each failure only. */
  carryOut(): AsyncIterable<Outcome>;
}

interface Task {
  readonly step: Step;
  readonly placed: PlacedKey;
  /** The completion mark when the task is done. */
  readonly mark: string;
}

export function createAfterwork(prepared: Prepared): Afterwork {
  const { job, placements } = prepared;
  const links: Task[] = [];
  const removals: Task[] = [];
  const spared = new Set<EntityKey>();

  const link = async ({ step, placed, mark }: Task): Promise<void> => {
    const at = (key: EntityKey): PlacedKey | undefined => (key === step.source.key ? placed : placements.placed(key));
    await job.target.link(localise(step.entity as Run, at), placed, { mark, signal: job.signal });
  };
  const remove = async ({ step, placed }: Task): Promise<void> => {
    const { entity } = step;
    if (entity.kind === "run" || entity.kind === "experiment") await job.target.remove(entity, placed, job.signal);
  };
  const carry =
    (work: (task: Task) => Promise<void>) =>
    async (task: Task): Promise<Outcome | undefined> => {
      const key = task.step.source.key;
      try {
        await work(task);
        if (spared.has(key)) return undefined;
        await job.journal.append({ key, state: "done", fingerprint: task.step.mark, placed: task.placed });
        return undefined;
      } catch (thrown) {
        const error = withContext(thrown, { key });
        if (isFatal(error)) throw error;
        await job.journal.append({
          key,
          state: "failed",
          fingerprint: task.step.mark,
          error: { code: error.code, message: error.message },
        });
        return { step: task.step, state: "failed", error: { code: error.code, message: error.message }, fileLosses: [], moved: NO_FILES };
      }
    };
  return {
    link: (step, placed, mark) => void links.push({ step, placed, mark }),
    remove(step, placed) {
      const { entity } = step;
      const due = (entity.kind === "run" || entity.kind === "experiment") && entity.deleted && step.found?.deleted !== true;
      if (due) removals.push({ step, placed, mark: step.mark });
      return due;
    },
    spare(entity) {
      for (const key of [entity.key, ...entity.needs]) spared.add(key);
    },
    async *carryOut() {
      const due = removals.filter(({ step }) => !spared.has(step.source.key));
      const runs = due.filter(({ step }) => step.entity.kind === "run");
      const experiments = due.filter(({ step }) => step.entity.kind === "experiment");
      for (const [tasks, work] of [
        [links, link],
        [runs, remove],
        [experiments, remove],
      ] as const) {
        for await (const outcome of concurrently(iterate(tasks), job.inFlight, carry(work), job.drain))
          if (outcome !== undefined) yield outcome;
      }
    },
  };
}

async function* iterate<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
