// What must wait until everything else is written: references to objects that came later, and deletions.
import { withContext } from "../errors.ts";
import type { Entity, EntityKey, PlacedKey, Run } from "../model/entities.ts";
import { localise, unplaced } from "../model/localise.ts";
import { NO_FILES, type Outcome, type Step } from "./change.ts";
import { isFatal } from "./job.ts";
import { MARK } from "./marks.ts";
import type { Prepared } from "./preflight.ts";
import { settle } from "./replay.ts";
import type { Replay } from "./replay.ts";
import { concurrently, fromList } from "./schedule.ts";

export interface Afterwork {
  /** Notes that a run has references which were not placed when it was written. `mark` is the one to set when they are. */
  link(step: Step, placed: PlacedKey, mark: string): void;
  /** Notes that a version was written without its stage, which its transitions may bring it to. */
  stage(step: Step, placed: PlacedKey): void;
  /** Notes that an object is deleted at the source, and at the target not yet; true when there is something to do. */
  remove(step: Step, placed: PlacedKey): boolean;
  /** Keeps what a failed entity needs from being deleted, so that a repetition can still write to it. */
  spare(entity: Entity): void;
  /** Notes an entity that did not move: what refers to it stays unfinished. */
  missed(key: EntityKey): void;
  /** Sets stages and links, then deletes runs, then experiments. Yields an outcome for each failure only. */
  carryOut(): AsyncIterable<Outcome>;
}

interface Task {
  /** Without what only a writer needs: tasks wait until the end, and there can be many. */
  readonly step: Step;
  readonly placed: PlacedKey;
  /** The completion mark when the task is done. */
  readonly mark: string;
}

interface Notes {
  readonly stages: Task[];
  readonly links: Task[];
  readonly removals: Task[];
  readonly spared: Set<EntityKey>;
  readonly missed: Set<EntityKey>;
}

export function createAfterwork(prepared: Prepared, replay: Pick<Replay, "hasReached">): Afterwork {
  const notes: Notes = { stages: [], links: [], removals: [], spared: new Set(), missed: new Set() };
  return {
    stage: (step, placed) => void notes.stages.push({ step, placed, mark: step.mark }),
    link: (step, placed, mark) => void notes.links.push({ step: lightened(step), placed, mark }),
    remove(step, placed) {
      const { entity } = step;
      // Writing to a deleted object brings it back to life.
      const isDeleted = step.found?.deleted === true && step.action === "skip";
      const due = (entity.kind === "run" || entity.kind === "experiment") && entity.deleted && !isDeleted;
      if (due) notes.removals.push({ step: lightened(step), placed, mark: step.mark });
      return due;
    },
    spare(entity) {
      for (const key of [entity.key, ...entity.needs]) notes.spared.add(key);
    },
    missed: (key) => void notes.missed.add(key),
    carryOut: () => carryOut({ ...notes, stages: notes.stages.filter((task) => !hasReached(task, replay)) }, prepared),
  };
}

function lightened(step: Step): Step {
  if (step.entity.kind !== "run") return step;
  const entity: Run = { ...step.entity, params: new Map(), latestMetrics: new Map(), datasets: [] };
  const { found: _found, ...rest } = step;
  return { ...rest, source: entity, entity };
}

async function* carryOut(notes: Notes, prepared: Prepared): AsyncGenerator<Outcome> {
  const { job } = prepared;
  const due = (kind: Entity["kind"]): Task[] =>
    notes.removals.filter(({ step }) => step.entity.kind === kind && !notes.spared.has(step.source.key));
  const phases = [
    { tasks: () => notes.stages, work: setStage },
    { tasks: () => notes.links, work: link },
    { tasks: () => due("run"), work: remove },
    { tasks: () => due("experiment"), work: remove },
  ];
  for (const { tasks, work } of phases) {
    const attempt = (task: Task): Promise<Outcome | undefined> => carry(task, work, notes, prepared);
    for await (const failure of concurrently(fromList(tasks()), job.inFlight, attempt, job.drain)) if (failure !== undefined) yield failure;
  }
}

type Work = (task: Task, notes: Notes, prepared: Prepared) => Promise<void>;

async function carry(task: Task, work: Work, notes: Notes, prepared: Prepared): Promise<Outcome | undefined> {
  const { step, placed } = task;
  const { journal } = prepared.job;
  const key = step.source.key;
  try {
    await work(task, notes, prepared);
    // What is unfinished in another way stays so in the journal, and is looked at again.
    if (!notes.spared.has(key)) await journal.append({ key, state: "done", fingerprint: step.stamp, placed });
    return undefined;
  } catch (thrown) {
    const failure = withContext(thrown, { key });
    if (isFatal(failure)) throw failure;
    notes.spared.add(key);
    const message = `cannot finish ${key}: ${failure.message}`;
    const error = { code: failure.code, message, ...(failure.hint === undefined ? {} : { hint: failure.hint }) };
    await journal.append({ key, state: "failed", fingerprint: step.stamp, error });
    return { step, state: "failed", error, fileLosses: [], moved: NO_FILES };
  }
}

function hasReached({ step: { source, entity } }: Task, replay: Pick<Replay, "hasReached">): boolean {
  return entity.kind === "model-version" && replay.hasReached(source.key, entity.stage);
}

async function setStage({ step, placed }: Task, _notes: Notes, { job, placements }: Prepared): Promise<void> {
  const local = localise(step.entity, (key) => placements.placed(key));
  if (local.kind === "model-version") await settle(job.target, local, placed, job.signal);
}

/** A reference to something that failed stays open, so that the next run comes back; one to nothing that exists never closes. */
async function link({ step, placed, mark }: Task, notes: Notes, { job, placements }: Prepared): Promise<void> {
  const key = step.source.key;
  const at = (other: EntityKey): PlacedKey | undefined => (other === key ? placed : placements.placed(other));
  const isOpen = unplaced(step.entity, at).some((other) => notes.missed.has(other));
  if (isOpen) notes.spared.add(key);
  await job.target.link(localise(step.entity as Run, at), placed, { mark: isOpen ? `${mark}${MARK.link}` : mark, signal: job.signal });
}

async function remove({ step, placed }: Task, _notes: Notes, { job }: Prepared): Promise<void> {
  const { entity } = step;
  if (entity.kind === "run" || entity.kind === "experiment") await job.target.remove(entity, placed, job.signal);
}
