// Saves the steps of a plan while they are told, in the file that --out names.
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { MigrationError } from "../errors.ts";
import type { Step } from "../engine/change.ts";
import type { Prepared } from "../engine/preflight.ts";
import { stepFingerprint } from "../engine/saved-plan.ts";
import { PLAN_VERSION, rulesDigest } from "../plan-file/format.ts";
import { isPlanFile } from "../plan-file/read.ts";
import { createPlanFile } from "../plan-file/write.ts";
import type { PlanWriter } from "../plan-file/write.ts";
import { jobOptionsSchema } from "./job-options.ts";
import type { JobOptions } from "./job-options.ts";
import { trackingOf } from "./location.ts";
import type { Location } from "./location.ts";

/** Where a plan goes, and its two places as they were typed. */
export interface PlanOutput {
  readonly path: string;
  readonly source: string;
  readonly target: string;
}

export interface PlanSave {
  readonly output: PlanOutput;
  readonly source: Location;
  readonly target: Location;
  readonly options: JobOptions;
  /** Version of mlferry. */
  readonly tool: string;
  /** Epoch ms. */
  readonly now: number;
}

/** Tells at once that the plan cannot go there: DISK without a folder around it, OUTPUT_EXISTS where something else is. */
export async function refusePlanOutput(path: string): Promise<void> {
  if (path === "-" || path.trim() === "") {
    throw new MigrationError("USAGE", `a plan cannot be written to ${JSON.stringify(path)}`, { hint: "give the name of a file" });
  }
  const folder = dirname(resolve(path));
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new MigrationError("DISK", `cannot write ${path}: there is no folder ${folder}`, { hint: "create it first" });
  }
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined || (there.isFile() && (there.size === 0 || (await isPlanFile(path))))) return;
  throw new MigrationError("OUTPUT_EXISTS", `${path} is there already, and it is no plan`, { hint: "give another name" });
}

/** Begins the file. */
export function beginPlanFile({ job }: Prepared, save: PlanSave): Promise<PlanWriter> {
  const { output, tool } = save;
  const { source, target } = job;
  // Only what can be read again is worth saving.
  const options = jobOptionsSchema.parse(save.options);
  return createPlanFile(output.path, {
    mlferry_plan: PLAN_VERSION,
    tool,
    created: new Date(save.now).toISOString(),
    source: { ...lasting(save.source, output.source), origin: source.origin },
    target: { ...lasting(save.target, output.target), origin: target.origin, place: target.capabilities.place },
    options,
    rules: rulesDigest({ tool, options, capabilities: target.capabilities }),
  });
}

/** Adds a step. */
export function savePlanStep(writer: PlanWriter, step: Step): Promise<void> {
  const lost = step.action === "refuse" ? 0 : step.changes.filter((change) => change.class === "lost").length;
  return writer.add({
    key: step.source.key,
    action: step.action,
    fingerprint: stepFingerprint(step),
    ...(lost === 0 ? {} : { lost }),
  });
}

/** A plan may be applied in another folder. */
function lasting(
  location: Location,
  typed: string,
): { readonly location: string; readonly workspace?: string; readonly tracking?: string } {
  if (location.place === "bundle") return { location: resolve(location.path) };
  const workspace = trackingOf(location)?.workspace;
  const tracking = location.place === "uc" ? location.trackingFlag : undefined;
  // What the environment named, it names again; the origin tells when it means another.
  return {
    location: typed,
    ...(workspace === undefined || workspace.ambient === true ? {} : { workspace: workspace.name }),
    ...(tracking === undefined ? {} : { tracking }),
  };
}
