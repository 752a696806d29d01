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
import { EXIT } from "./exit-codes.ts";
import type { RootFlags } from "./file-flags.ts";
import type { LossFlags, OutputFlags, PaceFlags } from "./flags.ts";
import type { JobOptions } from "./job-journal.ts";
import { jobOf } from "./job-of.ts";
import type { Location } from "./location.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export interface PlanRequest {
  readonly source: Location;
  readonly target: Location;
  readonly options: JobOptions;
  readonly flags: LossFlags & OutputFlags & PaceFlags & RootFlags;
}

/** Prints the plan and sets the exit code that the job itself would have, as far as it can be known. */
export function runPlan(terminal: Terminal, request: PlanRequest): Promise<void> {
  const { flags, source, target } = request;
  return inSession(terminal, { flags, locations: [source, target], phase: "opening" }, async (session) => {
    const prepared = await preparePlan(session, request);
    const fold = foldSteps();
    for await (const step of planSteps(prepared)) {
      fold.add(step);
      session.display.event({ type: "checked", key: step.source.key, kind: step.source.kind });
    }
    session.display.end();
    report(fold.totals(), prepared, { session, request });
  });
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
  const context = { source: job.source.uri, target: job.target.uri, notCarried: catalogue.notCarried, losses };
  const missing = job.onLoss === "refuse" && (catalogue.notCarried.some(isThere) || losses.some((loss) => loss.agreed !== true));
  const incomplete = missing || totals.actions.refuse > 0 || totals.steps.some(hasUnagreedLoss);
  terminal.exitCode = incomplete ? EXIT.incomplete : EXIT.done;
  const json = request.flags.json === true;
  writeLines(terminal.stdout, json ? [JSON.stringify(planJson(totals, context, terminal.exitCode))] : planText(totals, context, style));
}
