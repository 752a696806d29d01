// A copy, whatever its places: the one way for export, import and copy.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { CODES } from "../errors.ts";
import { execute } from "../engine/execute.ts";
import type { Job } from "../engine/job.ts";
import { planSteps } from "../engine/plan.ts";
import { prepare } from "../engine/preflight.ts";
import type { Prepared } from "../engine/preflight.ts";
import { jobText } from "../report/job-text.ts";
import type { JobContext } from "../report/job-text.ts";
import { jobJson } from "../report/json.ts";
import { foldOutcomes, isIncomplete } from "../report/outcome-totals.ts";
import type { JobTotals } from "../report/outcome-totals.ts";
import { countOf } from "../report/quantities.ts";
import { commandLine } from "./command-line.ts";
import { EXIT, gravest } from "./exit-codes.ts";
import { isLeftUnfinished, openJobJournal } from "./job-journal.ts";
import type { JobOptions } from "./job-journal.ts";
import { logOutcome } from "./job-log.ts";
import { jobOf } from "./job-of.ts";
import type { Location } from "./location.ts";
import type { MoveFlags } from "./move-flags.ts";
import { refuseForeign } from "./output-path.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { stateDir } from "./state-dir.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export interface JobRequest {
  readonly source: Location;
  readonly target: Location;
  readonly options: JobOptions;
  readonly flags: MoveFlags;
  /** Replace a bundle that is there. */
  readonly force: boolean;
}

/** Runs the job and prints its report; sets the exit code. What stops it as a whole is thrown. */
export function runJob(terminal: Terminal, request: JobRequest): Promise<void> {
  const { flags, source, target } = request;
  return inSession(terminal, { flags, locations: [source, target], phase: "opening" }, async (session) => {
    const started = terminal.now();
    const { job, close } = await openJob(session, request);
    try {
      const { totals, prepared } = await carryOut(job, session);
      session.display.end();
      report(totals, contextOf(prepared, session, { request, durationMs: terminal.now() - started }), { session, request });
    } finally {
      await close();
    }
  });
}

async function openJob(session: Session, request: JobRequest): Promise<{ job: Job; close: () => Promise<void> }> {
  const { terminal, places, interruption } = session;
  const { options, flags, target: location } = request;
  const source = await places.source(request.source, interruption.signal);
  const dir = stateDir(flags.state, terminal.env);
  const reopen = await isLeftUnfinished({ dir, source, location, options });
  if (location.place === "bundle" && !reopen) await refuseForeign(location.path, { force: request.force, dir });
  const withFiles = options.files?.artifacts !== "none";
  const use = {
    for: "write",
    source,
    selection: options,
    created: new Date(terminal.now()),
    withFiles,
    force: request.force,
    reopen,
  } as const;
  const target = await places.target(location, use, interruption.signal);
  const command = commandLine(terminal.args);
  const journal = await openJobJournal({ dir, source, target, location, options, command, now: terminal.now });
  const job = jobOf(session, { source, target, journal, options, inFlight: flags.concurrency });
  return { job, close: () => journal.close() };
}

async function carryOut(job: Job, session: Session): Promise<{ totals: JobTotals; prepared: Prepared }> {
  const { display, interruption, log } = session;
  const fold = foldOutcomes();
  display.event({ type: "phase", phase: "reading" });
  const prepared = await prepare(job);
  display.event({ type: "phase", phase: job.journal.resuming ? "continuing" : "moving" });
  interruption.beginWriting();
  try {
    for await (const outcome of execute(prepared, planSteps(prepared))) {
      fold.add(outcome);
      display.event({ type: "outcome", outcome });
      logOutcome(log, outcome);
    }
  } catch (thrown) {
    const { done, skipped } = fold.totals().states;
    if (done + skipped > 0) display.say(`stopped: ${countOf(done + skipped, "object")} at the target, not to be moved again`);
    throw thrown;
  }
  return { totals: fold.totals(), prepared };
}

function contextOf(prepared: Prepared, session: Session, { request, durationMs }: { request: JobRequest; durationMs: number }): JobContext {
  const { catalogue, job } = prepared;
  return {
    source: job.source.uri,
    target: job.target.uri,
    notCarried: catalogue.notCarried,
    losses: catalogue.losses ?? [],
    points: session.display.state.points,
    durationMs,
    requests: session.places.requests(),
    ...(request.target.place === "bundle" ? { bundle: bundleOf(resolve(request.target.path)) } : {}),
  };
}

function bundleOf(path: string): NonNullable<JobContext["bundle"]> {
  const stat = statSync(path, { throwIfNoEntry: false });
  return { path, ...(stat?.isFile() === true ? { sizeBytes: stat.size } : {}) };
}

function report(totals: JobTotals, context: JobContext, { session, request }: { session: Session; request: JobRequest }): void {
  const { terminal, style } = session;
  const { onLoss } = request.options;
  const incomplete = isIncomplete(totals, { onLoss, notCarried: context.notCarried, losses: context.losses });
  const refused = totals.notMoved.some(({ code }) => code === "NOT_AUTHORISED");
  terminal.exitCode = gravest([...(incomplete ? [EXIT.incomplete] : []), ...(refused ? [CODES.NOT_AUTHORISED.exit] : [])]);
  const lines =
    request.flags.json === true ? [JSON.stringify(jobJson(totals, context, terminal.exitCode))] : jobText(totals, context, style);
  writeLines(terminal.stdout, lines);
}
