// Gathers runs that are to be written, so that a source can read the metrics of many runs in one request.
import type { Run } from "../model/entities.ts";
import type { Histories } from "../ports/source.ts";
import type { Step } from "./change.ts";
import type { Job } from "./job.ts";

/** Most runs in one reading of histories (MLflow's get-history-bulk takes 100). */
export const GROUP_RUNS = 100;

export interface GroupedStep {
  readonly step: Step;
  /** For runs that are to be written: the histories of its group. */
  readonly histories?: Histories;
}

/** The steps in the same order; runs to be written wait until their group is full or another kind comes. */
export async function* groupRuns(steps: AsyncIterable<Step>, job: Job): AsyncGenerator<GroupedStep> {
  let waiting: Step[] = [];
  let writes = 0;
  for await (const step of steps) {
    if (waiting.length > 0 && (step.entity.kind !== "run" || writes >= GROUP_RUNS)) {
      yield* release(waiting, job);
      waiting = [];
      writes = 0;
    }
    if (!isWrite(step)) {
      // What is skipped must not overtake: children look for their parents' place.
      if (waiting.length === 0) yield { step };
      else waiting.push(step);
      continue;
    }
    waiting.push(step);
    writes += 1;
  }
  yield* release(waiting, job);
}

function* release(steps: readonly Step[], job: Job): Generator<GroupedStep> {
  const runs = steps.filter(isWrite).map((step) => step.source as Run);
  if (runs.length === 0) {
    for (const step of steps) yield { step };
    return;
  }
  const histories = job.source.histories(runs, job.signal);
  for (const step of steps) yield isWrite(step) ? { step, histories } : { step };
}

function isWrite(step: Step): boolean {
  return step.entity.kind === "run" && (step.action === "create" || step.action === "update");
}
