// What a job would do: the same steps, without a journal and without a write.
import type { Step } from "../engine/change.ts";
import { createForecast } from "../engine/forecast.ts";
import type { ForecastSums } from "../engine/forecast.ts";
import { hasOwnFiles } from "../engine/job.ts";
import { planSteps } from "../engine/plan.ts";
import { PREFLIGHT } from "../engine/preflight-finding.ts";
import { prepare } from "../engine/preflight.ts";
import type { Prepared } from "../engine/preflight.ts";
import { memoryJournal } from "../journal/memory-journal.ts";
import { planJson } from "../report/json.ts";
import { isThere } from "../report/loss-text.ts";
import { planText } from "../report/plan-text.ts";
import { foldSteps, hasUnagreedLoss } from "../report/plan-totals.ts";
import type { PlanTotals } from "../report/plan-totals.ts";
import { preflightJson, preflightText } from "../report/preflight-text.ts";
import type { Preflight } from "../report/preflight-text.ts";
import { isPassedOver, unreadField, unreadLines } from "../report/unread-workspaces.ts";
import { EXIT, gravest } from "./exit-codes.ts";
import type { RootFlags } from "./file-flags.ts";
import type { OutputFlags, PaceFlags } from "./flags.ts";
import type { JobOptions } from "./job-options.ts";
import { jobOf } from "./job-of.ts";
import type { Location } from "./location.ts";
import { withNotebooks } from "./notebook-flag.ts";
import { contentCheck, forecastByHost, looksAtFiles, nameCheck, leavesOut, stopsJob, versionsOf } from "./plan-preflight.ts";
import type { WithFiles } from "./plan-preflight.ts";
import { beginPlanFile, savePlanStep } from "./plan-output.ts";
import type { PlanOutput } from "./plan-output.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export interface PlanRequest {
  readonly source: Location;
  readonly target: Location;
  readonly options: JobOptions;
  /** `contentChecks` (default true): whether to look into the files of versions. */
  readonly flags: OutputFlags & PaceFlags & RootFlags & { readonly contentChecks?: boolean };
  /** Where to save the plan, if it is to be saved. */
  readonly output?: PlanOutput;
}

/** Prints the plan and sets the exit code that the job itself would have, as far as it can be known. */
export function runPlan(terminal: Terminal, request: PlanRequest): Promise<void> {
  const { flags, source, target } = request;
  return inSession(terminal, { flags, locations: [source, target], phase: "opening" }, async (session) => {
    const prepared = await preparePlan(session, request);
    const before = await nameCheck(prepared);
    const isStopped = stopsJob(before);
    const forecast = createForecast(prepared.job);
    const planned = isStopped ? await unplanned(prepared) : await foldPlan(prepared, forecast, { session, request });
    const asked = new Map(
      [...session.places.sent.pace()].map(([host, { requests }]) => [
        host,
        Object.fromEntries([...requests].filter(([group]) => group !== "")),
      ]),
    );
    const looks = looksAtFiles(prepared, flags);
    const inside = looks ? await contentCheck(session, prepared, { objects: planned.withFiles, forecast }) : { findings: [] };
    session.display.end();
    const hosts = isStopped || !looks ? [] : forecastByHost(request, forecast.sum(), { asked, ...given(flags.rate) });
    const told = hosts.length === 0 ? inside : { ...inside, forecast: hosts };
    report(planned, prepared, { session, request, preflight: { ...told, findings: [...before, ...inside.findings] } });
  });
}

function given(rate: number | undefined): { readonly rate?: number } {
  return rate === undefined ? {} : { rate };
}

/** What of a plan its report tells, and the objects whose files would move. */
interface Planned {
  readonly totals: PlanTotals;
  readonly withFiles: readonly WithFiles[];
  /** Whether it was saved. */
  readonly saved: boolean;
}

/** A job that cannot begin has no steps. */
async function unplanned(prepared: Prepared): Promise<Planned> {
  return { totals: foldSteps().totals(), withFiles: (await versionsOf(prepared)).map((key) => ({ key, moves: true })), saved: false };
}

async function foldPlan(
  prepared: Prepared,
  forecast: ForecastSums,
  { session, request }: { readonly session: Session; readonly request: PlanRequest },
): Promise<Planned> {
  const { terminal } = session;
  const { output } = request;
  const save = { ...request, tool: terminal.version, now: terminal.now() };
  const writer = output === undefined ? undefined : await beginPlanFile(prepared, { ...save, output });
  const fold = foldSteps();
  const withFiles: WithFiles[] = [];
  try {
    for await (const step of planSteps(prepared)) {
      fold.add(step);
      forecast.add(step);
      if (hasFiles(step)) withFiles.push({ key: step.source.key, moves: step.action === "create" });
      if (writer !== undefined) await savePlanStep(writer, step);
      session.display.event({ type: "checked", key: step.source.key, kind: step.source.kind });
    }
    await writer?.finish();
    return { totals: fold.totals(), withFiles, saved: writer !== undefined };
  } finally {
    await writer?.discard();
  }
}

/** Also where it is refused or there already: what its files say may matter all the same. */
function hasFiles({ action, entity }: Step): boolean {
  if (action === "skip" || action === "link" || action === "drop") return false;
  return entity.kind === "run" || entity.kind === "logged-model" || (entity.kind === "model-version" && hasOwnFiles(entity));
}

async function preparePlan(session: Session, request: PlanRequest): Promise<Prepared> {
  const { places, interruption, display } = session;
  const { options, flags } = request;
  const source = withNotebooks(await places.source(request.source, interruption.signal), options.notebooks);
  const target = await places.target(request.target, { for: "plan", source }, interruption.signal);
  display.event({ type: "phase", phase: "planning" });
  const job = jobOf(session, { source, target, journal: memoryJournal(), options, inFlight: flags.concurrency });
  return prepare(job, { names: "leave" });
}

interface Told {
  readonly session: Session;
  readonly request: PlanRequest;
  readonly preflight: Preflight;
}

function report({ totals, saved }: Planned, { job, catalogue }: Prepared, { session, request, preflight }: Told): void {
  const { terminal, style } = session;
  const losses = catalogue.losses ?? [];
  const file = !saved || request.output === undefined ? {} : { saved: request.output.path };
  const { notCarried, pulledIn, leftOut } = catalogue;
  const context = { source: job.source.uri, target: job.target.uri, notCarried, pulledIn, leftOut, losses, ...file };
  const missing = job.onLoss === "refuse" && (catalogue.notCarried.some(isThere) || losses.some((loss) => loss.agreed !== true));
  const unread = session.places.unread();
  const incomplete =
    missing ||
    isPassedOver(unread, job.onLoss) ||
    totals.actions.refuse > 0 ||
    leavesOut(preflight.findings) ||
    totals.steps.some(hasUnagreedLoss);
  terminal.exitCode = gravest([...(incomplete ? [EXIT.incomplete] : []), ...(stopsJob(preflight.findings) ? [EXIT.failed] : [])]);
  const json = request.flags.json === true;
  const lines = json
    ? [
        JSON.stringify({
          ...planJson(totals, context, terminal.exitCode),
          preflight: preflightJson(preflight, PREFLIGHT),
          ...unreadField(unread),
        }),
      ]
    : [
        ...unreadLines(unread, style),
        ...preflightText(preflight, PREFLIGHT, style),
        ...(stopsJob(preflight.findings) ? [STOPPED] : planText(totals, context, style)),
      ];
  writeLines(terminal.stdout, lines);
}

const STOPPED = "the job would end before it writes anything; no step was planned, and nothing was saved";
