// Writes of which nobody can say afterwards whether they took effect: noted before they are sent, so that no later run sends them again
// by itself, not even after this process was killed.
import type { MigrationError } from "../errors.ts";
import type { Entity } from "../model/entities.ts";
import type { Refusal, Step } from "./change.ts";
import type { Job } from "./job.ts";

/** Notes that the outcome is unknown, which it is until an answer comes. */
export async function noteUnknown(step: Step, job: Pick<Job, "target" | "journal">): Promise<void> {
  if (!isUnrecognised(step.entity, job) || step.found !== undefined) return;
  const error = { code: "OUTCOME_UNKNOWN", message: "it was being written when the job ended" };
  await job.journal.append({ key: step.source.key, state: "failed", fingerprint: step.stamp, error });
}

/** Notes why such a write failed, where that says that it had no effect. */
export async function noteFailure(step: Step, { code, message }: MigrationError, job: Pick<Job, "target" | "journal">): Promise<void> {
  if (!isUnrecognised(step.entity, job) || code === "OUTCOME_UNKNOWN" || code === "INTERRUPTED") return;
  await job.journal.append({ key: step.source.key, state: "failed", fingerprint: step.stamp, error: { code, message } });
}

/** Why an object that is not to be found is not written once more, if so. */
export async function whyNotRepeated(source: Entity, job: Pick<Job, "target" | "journal" | "repeatUnknown">): Promise<Refusal | undefined> {
  if (job.repeatUnknown === true || !isUnrecognised(source, job)) return undefined;
  const entry = await job.journal.last(source.key);
  if (entry?.state !== "failed" || entry.error?.code !== "OUTCOME_UNKNOWN") return undefined;
  const message = `${source.key} was sent before and no answer came: it may be at the target, where nothing tells it from others`;
  return { code: "OUTCOME_UNKNOWN", message, hint: "look there; if it is missing, run the same command with --repeat-unknown" };
}

function isUnrecognised({ kind }: Entity, { target }: Pick<Job, "target">): boolean {
  return target.capabilities.unrecognised?.has(kind) === true;
}
