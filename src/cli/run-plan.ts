// What a job would do: the same steps, without a journal and without a write.
import { planSteps } from "../engine/plan.ts";
import { prepare, refuseForeignModels } from "../engine/preflight.ts";
import type { Prepared } from "../engine/preflight.ts";
import { memoryJournal } from "../journal/memory-journal.ts";
import { planJson } from "../report/json.ts";
import { isThere } from "../report/loss-text.ts";
import { planText } from "../report/plan-text.ts";
import { foldSteps, hasUnagreedLoss } from "../report/plan-totals.ts";
import type { PlanTotals } from "../report/plan-totals.ts";
import { isPassedOver, unreadField, unreadLines } from "../report/unread-workspaces.ts";
import { EXIT } from "./exit-codes.ts";
import type { RootFlags } from "./file-flags.ts";
import type { OutputFlags, PaceFlags } from "./flags.ts";
import type { JobOptions } from "./job-options.ts";
import { jobOf } from "./job-of.ts";
import type { Location } from "./location.ts";
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
  readonly flags: OutputFlags & PaceFlags & RootFlags;
  /** Where to save the plan, if it is to be saved. */
  readonly output?: PlanOutput;
}

/** Prints the plan and sets the exit code that the job itself would have, as far as it can be known. */
export function runPlan(terminal: Terminal, request: PlanRequest): Promise<void> {
  const { flags, source, target } = request;
  return inSession(terminal, { flags, locations: [source, target], phase: "opening" }, async (session) => {
    const prepared = await preparePlan(session, request);
    const totals = await foldPlan(prepared, session, request);
    session.display.end();
    report(totals, prepared, { session, request });
  });
}

async function foldPlan(prepared: Prepared, session: Session, request: PlanRequest): Promise<PlanTotals> {
  const { terminal } = session;
  const { output } = request;
  const save = { ...request, tool: terminal.version, now: terminal.now() };
  const writer = output === undefined ? undefined : await beginPlanFile(prepared, { ...save, output });
  const fold = foldSteps();
  try {
    for await (const step of planSteps(prepared)) {
      fold.add(step);
      if (writer !== undefined) await savePlanStep(writer, step);
      session.display.event({ type: "checked", key: step.source.key, kind: step.source.kind });
    }
    await writer?.finish();
    return fold.totals();
  } finally {
    await writer?.discard();
  }
}

async function preparePlan(session: Session, request: PlanRequest): Promise<Prepared> {
  const { places, interruption, display } = session;
  const { options, flags } = request;
  const source = await places.source(request.source, interruption.signal);
  const target = await places.target(request.target, { for: "plan", source }, interruption.signal);
  display.event({ type: "phase", phase: "planning" });
  const prepared = await prepare(jobOf(session, { source, target, journal: memoryJournal(), options, inFlight: flags.concurrency }));
  await refuseForeignModels(prepared);
  return prepared;
}

function report(totals: PlanTotals, { job, catalogue }: Prepared, { session, request }: { session: Session; request: PlanRequest }): void {
  const { terminal, style } = session;
  const losses = catalogue.losses ?? [];
  const saved = request.output === undefined ? {} : { saved: request.output.path };
  const { notCarried, pulledIn, leftOut } = catalogue;
  const context = { source: job.source.uri, target: job.target.uri, notCarried, pulledIn, leftOut, losses, ...saved };
  const missing = job.onLoss === "refuse" && (catalogue.notCarried.some(isThere) || losses.some((loss) => loss.agreed !== true));
  const unread = session.places.unread();
  const incomplete = missing || isPassedOver(unread, job.onLoss) || totals.actions.refuse > 0 || totals.steps.some(hasUnagreedLoss);
  terminal.exitCode = incomplete ? EXIT.incomplete : EXIT.done;
  const json = request.flags.json === true;
  const lines = json
    ? [JSON.stringify({ ...planJson(totals, context, terminal.exitCode), ...unreadField(unread) })]
    : [...unreadLines(unread, style), ...planText(totals, context, style)];
  writeLines(terminal.stdout, lines);
}
