// The engine's job from what a command opened: the same for moving, planning and verifying.
import type { Job } from "../engine/job.ts";
import { createFileFilter } from "../model/file-filter.ts";
import { createMapping } from "../model/mapping.ts";
import type { JobOptions } from "./job-options.ts";
import { logJobEvent } from "./job-log.ts";
import type { Session } from "./session.ts";

/** `inFlight` is the flag `--concurrency`; how much of it is used follows the hosts. Events go to the display and the log of the session. */
export function jobOf(
  session: Session,
  parts: Pick<Job, "source" | "target" | "journal" | "inFlight" | "repeatUnknown"> & { readonly options: JobOptions },
): Job {
  const { interruption, display, log, places: opened } = session;
  const { options, ...places } = parts;
  return {
    ...places,
    transfers: () => opened.sent.transfers(),
    selection: options.selection,
    mapping: createMapping(options.mapping),
    onLoss: options.onLoss,
    files: createFileFilter(options.files ?? {}),
    ...(options.notebooks === undefined ? {} : { notebooks: options.notebooks }),
    versionNumbers: options.versionNumbers,
    signal: interruption.signal,
    drain: interruption.drain,
    onEvent(event) {
      display.event(event);
      logJobEvent(log, event);
    },
  };
}
