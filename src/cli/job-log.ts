// What of a job goes into the log.
import type { Outcome } from "../engine/change.ts";
import type { JobEvent } from "../engine/job.ts";
import type { Log } from "./log.ts";

/** Every outcome: what arrived at level info, what did not as a warning. */
export function logOutcome(log: Log, { step, state, placed, error, fileLosses, moved }: Outcome): void {
  const fields = { key: step.source.key, action: step.action, state, placed, files: moved.files, bytes: moved.bytes };
  if (state === "done" || state === "skipped") log.info("outcome", fields);
  else log.warn("outcome", { ...fields, error, fileLosses });
}

export function logJobEvent(log: Log, event: JobEvent): void {
  switch (event.type) {
    case "selected":
      return log.info("selected", { expected: event.catalogue.expected, notCarried: event.catalogue.notCarried });
    case "started":
      return log.debug("object", { key: event.key });
    case "file":
      return log.debug("file", { key: event.key, path: event.path });
    case "file-lost":
      return log.warn("file lost", { key: event.key, ...event.loss });
    case "bytes":
    case "points":
      return;
  }
}
