// The demo's jobs, run by the same engine and folded by the same reports as every command's.
import { execute } from "../../engine/execute.ts";
import type { Step } from "../../engine/change.ts";
import type { Job } from "../../engine/job.ts";
import { planSteps } from "../../engine/plan.ts";
import { prepare } from "../../engine/preflight.ts";
import { verify } from "../../engine/verify.ts";
import { memoryJournal } from "../../journal/memory-journal.ts";
import type { Catalogue } from "../../ports/source.ts";
import { foldOutcomes } from "../../report/outcome-totals.ts";
import type { JobTotals } from "../../report/outcome-totals.ts";
import { foldSteps } from "../../report/plan-totals.ts";
import type { PlanTotals } from "../../report/plan-totals.ts";
import { foldVerified } from "../../report/verify-totals.ts";
import type { VerifyTotals } from "../../report/verify-totals.ts";

/** A job without a journal on disk: the demo is never continued, only run again. */
export type DemoJob = Omit<Job, "journal" | "onEvent">;

export interface Moved {
  readonly totals: JobTotals;
  readonly catalogue: Catalogue;
  readonly points: number;
  readonly steps: readonly Step[];
}

/** What a move would do. Writes nothing. */
export async function planOf(job: DemoJob): Promise<PlanTotals> {
  const fold = foldSteps();
  const prepared = await prepare({ ...job, journal: memoryJournal(), onEvent: () => undefined });
  for await (const step of planSteps(prepared)) fold.add(step);
  return fold.totals();
}

/** Moves everything that is not there yet. */
export async function moveAll(job: DemoJob): Promise<Moved> {
  const fold = foldOutcomes();
  const steps: Step[] = [];
  let points = 0;
  const prepared = await prepare({
    ...job,
    journal: memoryJournal(),
    onEvent(event) {
      if (event.type === "points") points += event.points;
    },
  });
  for await (const outcome of execute(prepared, planSteps(prepared))) {
    fold.add(outcome);
    steps.push(outcome.step);
  }
  return { totals: fold.totals(), catalogue: prepared.catalogue, points, steps };
}

/** Compares both places anew, up to every byte. */
export async function compareAll(job: DemoJob): Promise<VerifyTotals> {
  const fold = foldVerified();
  const prepared = await prepare({ ...job, journal: memoryJournal(), onEvent: () => undefined });
  for await (const verified of verify(prepared, "bytes")) fold.add(verified);
  return fold.totals();
}
