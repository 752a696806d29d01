// Carries out a saved plan: the file is checked whole, the question is asked, and then it is a job like any other, held to the plan.
import { MigrationError } from "../errors.ts";
import { followPlan } from "../engine/saved-plan.ts";
import type { PlanHeader } from "../plan-file/format.ts";
import { readPlanFile } from "../plan-file/read.ts";
import { refuseOtherTool } from "../plan-file/stale.ts";
import { planSummaryText } from "../report/plan-summary-text.ts";
import { jobOptionsSchema } from "./job-options.ts";
import type { JobOptions } from "./job-options.ts";
import type { RootFlags } from "./file-flags.ts";
import type { OutputFlags, PaceFlags, StateFlags } from "./flags.ts";
import type { Location } from "./location.ts";
import { createLocator } from "./place-flags.ts";
import { runJob } from "./run-job.ts";
import { styleFor, writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export type ApplyFlags = OutputFlags & PaceFlags & StateFlags & RootFlags & { readonly yes?: boolean; readonly config?: string };

/** Runs the plan's job. Throws PLAN_INVALID and STALE_PLAN before anything is written, DECLINED when the user says no. */
export async function runApply(terminal: Terminal, path: string, flags: ApplyFlags): Promise<void> {
  const { header, steps } = await readPlanFile(path);
  refuseOtherTool({ header, path }, terminal.version);
  const request = { ...placesOf(header, terminal, flags), options: optionsOf(header, path) };
  await confirm(terminal, planSummaryText(path, header, steps.values(), styleOf(terminal)), flags);
  const plan = { path, header, saved: followPlan(steps) };
  await runJob(terminal, { ...request, flags, force: false, plan, args: confirmed(terminal.args) });
}

/** The two places as they were typed, in the workspaces that were meant then. */
function placesOf({ source, target }: PlanHeader, terminal: Terminal, flags: ApplyFlags): { source: Location; target: Location } {
  const { locate } = createLocator(terminal, {
    ...(flags.config === undefined ? {} : { config: flags.config }),
    ...(source.workspace === undefined ? {} : { sourceWorkspace: source.workspace }),
    ...(target.workspace === undefined ? {} : { targetWorkspace: target.workspace }),
    ...(source.tracking === undefined ? {} : { fromTracking: source.tracking }),
    ...(target.tracking === undefined ? {} : { toTracking: target.tracking }),
  });
  return { source: locate(source.location, { role: "source" }), target: locate(target.location, { role: "target" }) };
}

function optionsOf(header: PlanHeader, path: string): JobOptions {
  const options = jobOptionsSchema.safeParse(header.options);
  if (options.success) return options.data;
  throw new MigrationError("PLAN_INVALID", `the plan ${path} is damaged: its options are not those of a plan`, {
    hint: "make a new one: mlferry plan SRC DST --out FILE",
    cause: options.error,
  });
}

function styleOf(terminal: Terminal): ReturnType<typeof styleFor> {
  return styleFor(terminal.stderr, terminal.env, { verbose: false });
}

/** On a terminal the plan is shown, and carried out after a yes; elsewhere nobody could answer. */
async function confirm(terminal: Terminal, summary: readonly string[], { yes, quiet }: ApplyFlags): Promise<void> {
  const { ask } = terminal;
  if (ask === undefined || (yes === true && quiet === true)) return;
  writeLines(terminal.stderr, summary);
  if (yes === true) return;
  const answer = await ask("carry it out? [y/N] ");
  if (/^\s*y(es)?\s*$/i.test(answer)) return;
  throw new MigrationError("DECLINED", "the plan is not carried out; nothing was written", {
    hint: "--yes carries it out without a question",
  });
}

/** What was agreed to once is not asked again when the job is resumed. */
function confirmed(args: readonly string[]): readonly string[] {
  const [command = "apply", ...rest] = args;
  return rest.includes("--yes") ? args : [command, "--yes", ...rest];
}
