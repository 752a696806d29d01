// A copy, whatever its places: the one way for export, import and copy.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Compression } from "../adapters/bundle/spool.ts";
import { CODES } from "../errors.ts";
import { execute } from "../engine/execute.ts";
import type { Job } from "../engine/job.ts";
import { planSteps } from "../engine/plan.ts";
import { prepare } from "../engine/preflight.ts";
import type { Prepared } from "../engine/preflight.ts";
import { memoryJournal } from "../journal/memory-journal.ts";
import { questionOf } from "../model/selection.ts";
import { refuseStale } from "../plan-file/stale.ts";
import type { Journal } from "../ports/journal.ts";
import { jobText } from "../report/job-text.ts";
import type { JobContext } from "../report/job-text.ts";
import { jobJson } from "../report/json.ts";
import { foldOutcomes, isIncomplete } from "../report/outcome-totals.ts";
import type { JobTotals } from "../report/outcome-totals.ts";
import { countOf } from "../report/quantities.ts";
import { shortId } from "../report/status.ts";
import { isPassedOver, unreadField, unreadLines } from "../report/unread-workspaces.ts";
import { asStale, heldTo, planNotes } from "./applied-plan.ts";
import type { AppliedPlan } from "./applied-plan.ts";
import { EXIT, gravest } from "./exit-codes.ts";
import { bundleJobState, openJobJournal } from "./job-journal.ts";
import type { JobOptions } from "./job-options.ts";
import { logOutcome } from "./job-log.ts";
import { jobOf } from "./job-of.ts";
import type { Location } from "./location.ts";
import type { RootFlags } from "./file-flags.ts";
import type { OutputFlags, PaceFlags, StateFlags } from "./flags.ts";
import { withNotebooks } from "./notebook-flag.ts";
import { refuseForeign } from "./output-path.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { watched } from "./watched.ts";
import { stateDir } from "./state-dir.ts";
import { reportOutput, writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export interface JobRequest {
  readonly source: Location;
  readonly target: Location;
  readonly options: JobOptions;
  readonly flags: OutputFlags & PaceFlags & StateFlags & RootFlags & { readonly repeatUnknown?: boolean };
  /** Replace a bundle that is there. */
  readonly force: boolean;
  /** Of a bundle that is written. Default: `auto`. */
  readonly compression?: Compression;
  /** The plan that the job is held to, if it is. */
  readonly plan?: AppliedPlan;
  /** What `mlferry resume` is to run. Default: the command's own arguments. */
  readonly args?: readonly string[];
}

/** Runs the job and prints its report; sets the exit code. What stops it as a whole is thrown. */
export function runJob(terminal: Terminal, request: JobRequest): Promise<void> {
  const { flags, source, target } = request;
  const begunAnew = target.place === "pipe";
  return inSession(terminal, { flags, locations: [source, target], phase: "opening", begunAnew }, async (session) => {
    const started = terminal.now();
    const { job, id, close } = await openJob(session, request);
    try {
      const { totals, prepared } = await carryOut(job, session, { id, plan: request.plan });
      session.display.end();
      const notes = request.plan === undefined ? {} : { plan: await planNotes(request.plan, job.journal) };
      const context = { ...contextOf(prepared, session, { request, durationMs: terminal.now() - started }), ...notes };
      report(totals, context, { session, request });
    } finally {
      await close();
    }
  });
}

async function openJob(session: Session, request: JobRequest): Promise<{ job: Job; id?: string; close: () => Promise<void> }> {
  const { terminal, places, interruption } = session;
  const { options, flags, target: location, plan, force, compression = "auto" } = request;
  const dir = stateDir(flags.state, terminal.env);
  const { source, ...watch } = watched(withNotebooks(await places.source(request.source, interruption.signal), options.notebooks), {
    location: request.source,
    dir,
    now: terminal.now(),
  });
  const before = await bundleJobState({ dir, source, location, options, terminal });
  // A plan that was carried out into a bundle finds everything there.
  const reopen = before !== undefined && (before !== "complete" || plan !== undefined);
  if (location.place === "bundle" && !reopen) await refuseForeign(location.path, { force, dir });
  const { mapping, onLoss, files, notebooks } = options;
  const optional = { ...(files === undefined ? {} : { files }), ...(notebooks === undefined ? {} : { notebooks }) };
  const asked = { selection: questionOf(options.selection), mapping, onLoss, ...optional };
  const how = { withFiles: files?.artifacts !== "none", force, reopen, compression };
  const use = { for: "write", source, selection: asked, created: new Date(terminal.now()), ...how } as const;
  const target = await places.target(location, use, interruption.signal);
  if (plan !== undefined) refuseStale(plan, { tool: terminal.version, source, target });
  const repeating = request.flags.repeatUnknown === true ? { repeatUnknown: true } : {};
  const toJob = (journal: Journal): Job =>
    heldTo(plan, jobOf(session, { source, target, journal, options, inFlight: flags.concurrency, ...repeating }));
  if (location.place === "pipe") return { job: toJob(memoryJournal()), close: async () => watch.close() };
  const { args = terminal.args } = request;
  const journal = await openJobJournal({ dir, source, target, location, options, terminal, args });
  const close = (): Promise<void> => {
    watch.close();
    return journal.close();
  };
  return { job: toJob(journal), id: journal.job, close };
}

interface CarryOut {
  /** Of the job; undefined where it cannot be continued. */
  readonly id: string | undefined;
  readonly plan: AppliedPlan | undefined;
}

async function carryOut(job: Job, session: Session, { id, plan }: CarryOut): Promise<{ totals: JobTotals; prepared: Prepared }> {
  const { display, interruption, log } = session;
  const fold = foldOutcomes();
  try {
    display.event({ type: "phase", phase: "reading" });
    const prepared = await prepare(job);
    display.event({ type: "phase", phase: job.journal.resuming ? "continuing" : "moving" });
    // What cannot be continued gains nothing from ending what has begun.
    if (id !== undefined) interruption.beginWriting();
    const today = planSteps(prepared);
    for await (const outcome of execute(prepared, plan?.saved.steps(today, prepared) ?? today)) {
      fold.add(outcome);
      display.event({ type: "outcome", outcome });
      logOutcome(log, outcome);
    }
    return { totals: fold.totals(), prepared };
  } catch (thrown) {
    const { done, skipped } = fold.totals().states;
    const there = countOf(done + skipped, "object");
    if (id !== undefined && done + skipped > 0)
      display.say(`stopped: ${there} at the target, not to be moved again; mlferry resume ${shortId(id)} continues`);
    throw asStale(thrown, plan);
  }
}

function contextOf(prepared: Prepared, session: Session, { request, durationMs }: { request: JobRequest; durationMs: number }): JobContext {
  const { catalogue, job } = prepared;
  return {
    source: job.source.uri,
    target: job.target.uri,
    notCarried: catalogue.notCarried,
    pulledIn: catalogue.pulledIn,
    leftOut: catalogue.leftOut,
    losses: catalogue.losses ?? [],
    points: session.display.state.points,
    durationMs,
    requests: session.places.sent.requests(),
    pace: session.places.sent.pace(),
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
  const unread = session.places.unread();
  const graver = totals.notMoved.flatMap(({ code }) => (code === "NOT_AUTHORISED" || code === "STALE_PLAN" ? [CODES[code].exit] : []));
  const isGone = context.plan?.gone.some(({ due }) => due) === true;
  const isMissing = incomplete || isPassedOver(unread, onLoss);
  terminal.exitCode = gravest([...(isMissing ? [EXIT.incomplete] : []), ...(isGone ? [EXIT.stale] : []), ...graver]);
  const json = request.flags.json === true;
  const lines = json
    ? [JSON.stringify({ ...jobJson(totals, context, terminal.exitCode), ...unreadField(unread) })]
    : [...unreadLines(unread, style), ...jobText(totals, context, style)];
  writeLines(reportOutput(terminal), lines);
}
