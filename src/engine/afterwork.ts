// What must wait until everything else is written: references to objects that came later, and deletions.
import { withContext } from "../errors.ts";
import type { Entity, EntityKey, PlacedKey, Run } from "../model/entities.ts";
import { localise } from "../model/localise.ts";
import { NO_FILES, type Outcome, type Step } from "./change.ts";
import { isFatal } from "./job.ts";
import type { Prepared } from "./preflight.ts";
import { concurrently, fromList } from "./schedule.ts";

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

interface Notes {
  readonly links: Task[];
  readonly removals: Task[];
  readonly spared: Set<EntityKey>;
}

export function createAfterwork(prepared: Prepared): Afterwork {
  const notes: Notes = { links: [], removals: [], spared: new Set() };
  return {
    link: (step, placed, mark) => void notes.links.push({ step, placed, mark }),
    remove(step, placed) {
      const { entity } = step;
      const due = (entity.kind === "run" || entity.kind === "experiment") && entity.deleted && step.found?.deleted !== true;
      if (due) notes.removals.push({ step, placed, mark: step.mark });
      return due;
    },
    spare(entity) {
      for (const key of [entity.key, ...entity.needs]) notes.spared.add(key);
    },
    carryOut: () => carryOut(notes, prepared),
  };
}

async function* carryOut(notes: Notes, prepared: Prepared): AsyncGenerator<Outcome> {
  const { job } = prepared;
  const due = notes.removals.filter(({ step }) => !notes.spared.has(step.source.key));
  const phases = [
    { tasks: notes.links, work: link },
    { tasks: due.filter(({ step }) => step.entity.kind === "run"), work: remove },
    { tasks: due.filter(({ step }) => step.entity.kind === "experiment"), work: remove },
  ];
  for (const { tasks, work } of phases) {
    const attempt = (task: Task): Promise<Outcome | undefined> => carry(task, work, notes, prepared);
    for await (const failure of concurrently(fromList(tasks), job.inFlight, attempt, job.drain)) if (failure !== undefined) yield failure;
  }
}

type Work = (task: Task, prepared: Prepared) => Promise<void>;

async function carry(task: Task, work: Work, notes: Notes, prepared: Prepared): Promise<Outcome | undefined> {
  const { step, placed } = task;
  const { journal } = prepared.job;
  const key = step.source.key;
  try {
    await work(task, prepared);
    // A run with missing files stays "failed" in the journal, so that it is tried again.
    if (!notes.spared.has(key)) await journal.append({ key, state: "done", fingerprint: step.mark, placed });
    return undefined;
  } catch (thrown) {
    const failure = withContext(thrown, { key });
    if (isFatal(failure)) throw failure;
    const error = { code: failure.code, message: failure.message };
    await journal.append({ key, state: "failed", fingerprint: step.mark, error });
    return { step, state: "failed", error, fileLosses: [], moved: NO_FILES };
  }
}

async function link({ step, placed, mark }: Task, { job, placements }: Prepared): Promise<void> {
  const at = (key: EntityKey): PlacedKey | undefined => (key === step.source.key ? placed : placements.placed(key));
  await job.target.link(localise(step.entity as Run, at), placed, { mark, signal: job.signal });
}

async function remove({ step, placed }: Task, { job }: Prepared): Promise<void> {
  const { entity } = step;
  if (entity.kind === "run" || entity.kind === "experiment") await job.target.remove(entity, placed, job.signal);
}
