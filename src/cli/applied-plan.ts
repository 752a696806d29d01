// A job that is held to a saved plan: what that changes on the way from opened places to the report.
import { MigrationError } from "../errors.ts";
import type { Job } from "../engine/job.ts";
import type { SavedPlan, SavedStep } from "../engine/saved-plan.ts";
import type { PlanHeader } from "../plan-file/format.ts";
import type { Journal } from "../ports/journal.ts";
import type { JobContext } from "../report/job-text.ts";

/** A plan that is to be carried out. */
export interface AppliedPlan {
  readonly path: string;
  readonly header: PlanHeader;
  readonly saved: SavedPlan;
}

/** The job, of whose source only what the plan knows is seen. */
export function heldTo(plan: AppliedPlan | undefined, job: Job): Job {
  return plan === undefined ? job : { ...job, source: plan.saved.only(job.source) };
}

/**
 * What ended a job before its first write, when the same was no hindrance to the plan: names that have been taken since, patterns that
 * match nothing any more. Anything else is given as it is.
 */
export function asStale(thrown: unknown, plan: AppliedPlan | undefined): unknown {
  if (plan === undefined || !(thrown instanceof MigrationError) || !NO_HINDRANCE_THEN.has(thrown.code)) return thrown;
  return new MigrationError("STALE_PLAN", `the plan ${plan.path} is stale: ${thrown.message}`, {
    cause: thrown,
    hint: "nothing was written; make a new plan: mlferry plan SRC DST --out FILE",
  });
}

const NO_HINDRANCE_THEN: ReadonlySet<string> = new Set(["NOTHING_SELECTED", "MAPPING_COLLISION", "NAME_TAKEN", "NAME_ILLEGAL"]);

/** What a report tells of the plan; for after the job. */
export async function planNotes({ path, saved }: AppliedPlan, journal: Journal): Promise<NonNullable<JobContext["plan"]>> {
  const gone = [];
  for (const step of saved.gone()) gone.push({ key: step.key, action: step.action, due: await isDue(step, journal) });
  return { path, leftOut: [...saved.leftOut], gone };
}

/** Whether it was still to be written. */
async function isDue({ key, action }: SavedStep, journal: Journal): Promise<boolean> {
  if (action === "skip" || action === "drop" || action === "refuse") return false;
  return (await journal.last(key))?.state !== "done";
}
