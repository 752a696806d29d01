// From the words of a copy, export or import to the job, or to its plan with --dry-run.
import type { Compression } from "../adapters/bundle/spool.ts";
import { MigrationError } from "../errors.ts";
import { eachWorkspace } from "./each-workspace.ts";
import { rootRulesOf } from "./file-flags.ts";
import { isSamePlace, isServer, outputLocation } from "./location.ts";
import type { Location } from "./location.ts";
import { hasMapping } from "./mapping-flags.ts";
import { jobOptionsOf } from "./move-flags.ts";
import type { MoveFlags } from "./move-flags.ts";
import { refuseTracking } from "./pairing.ts";
import { refuseTerminals, refuseTwoPipes } from "./pipe.ts";
import { createLocator } from "./place-flags.ts";
import { runJob } from "./run-job.ts";
import type { JobRequest } from "./run-job.ts";
import { runPlan } from "./run-plan.ts";
import { refuseExisting } from "./output-path.ts";
import { refusePlanOutput } from "./plan-output.ts";
import type { PlanOutput } from "./plan-output.ts";
import { stateDir } from "./state-dir.ts";
import type { Terminal } from "./terminal.ts";
import { locateSet } from "./workspace-pairs.ts";

/** The three names under which a job is begun, and what each holds its places to be. */
export type MoveKind = "copy" | "export" | "import";

export interface Move {
  readonly kind: MoveKind;
  readonly source: string;
  readonly target: string;
  readonly flags: MoveFlags;
  /** Default: false. */
  readonly force?: boolean;
  /** Of a bundle that is written. Default: `auto`. */
  readonly compression?: Compression;
  /** Where to save the plan of a dry run. */
  readonly out?: string;
}

/** Parses, then runs. Everything that is wrong with the command line is thrown before any place is opened. */
export async function move(terminal: Terminal, { kind, source, target, flags, out, ...writing }: Move): Promise<void> {
  const options = jobOptionsOf(flags, terminal);
  for (const role of ["source", "target"] as const) rootRulesOf(flags, role);
  const { force = false, compression = "auto" } = writing;
  const { config, locate } = createLocator(terminal, flags);
  const locateTarget = (): Location => {
    if (kind !== "export") return locate(target, { role: "target" });
    const output = outputLocation(target);
    refuseTracking(output, "target", flags);
    return output;
  };
  if (flags.workspaces === undefined) {
    const from = readable(kind, locate(source, { role: "source" }));
    const output = out === undefined ? {} : { output: { path: out, source, target } };
    return moveOne(terminal, { source: from, target: locateTarget(), options, flags, force, compression, ...output });
  }
  if (out !== undefined) {
    throw new MigrationError("USAGE", "--out saves the plan of one workspace, and --workspaces goes through several", {
      hint: "save a plan for each, with --source-workspace and --target-workspace",
    });
  }
  const places = {
    source: readable(
      kind,
      locateSet(source, config, () => locate(source, { role: "source" })),
    ),
    target: locateSet(target, config, locateTarget),
  };
  const writes = flags.dryRun !== true;
  return eachWorkspace(terminal, { ...places, flags, globs: flags.workspaces, mapping: options.mapping, writes }, (one, pair) =>
    moveOne(one, { ...places, ...pair, options, flags, force, compression }),
  );
}

type OneMove = JobRequest & { readonly flags: MoveFlags; readonly output?: PlanOutput };

async function moveOne(terminal: Terminal, request: OneMove): Promise<void> {
  const { source, target, flags, force, output } = request;
  refuseTwoPipes(source, target);
  refuseSamePlace(source, target, flags);
  takePipes(terminal, request);
  // The folder of many bundles is made when the first is written.
  const isSketch = flags.dryRun === true && flags.workspaces !== undefined;
  if (target.place === "bundle" && !isSketch) await refuseExisting(target.path, { force, dir: stateDir(flags.state, terminal.env) });
  if (output !== undefined) await refusePlanOutput(output.path);
  await (flags.dryRun === true ? runPlan(terminal, request) : runJob(terminal, request));
}

/** Throws USAGE for a pipe that is a terminal, or that a saved plan would name: whoever applies it has another one. */
function takePipes(terminal: Terminal, { source, target, flags, output }: OneMove): void {
  const isWritten = target.place === "pipe" && flags.dryRun !== true;
  refuseTerminals(terminal, isWritten ? { source, target } : { source });
  if (isWritten) terminal.sendsBundle = true;
  if (output === undefined || (source.place !== "pipe" && target.place !== "pipe")) return;
  throw new MigrationError("USAGE", "a plan between - and another place cannot be saved", { hint: "give the bundle as a file" });
}

/** The source, if it is what the command reads. */
function readable<L extends Location>(kind: MoveKind, source: L): L {
  if (kind !== "import" || !isServer(source)) return source;
  throw new MigrationError("USAGE", "import reads bundles, and the source is a server's address", {
    hint: "use mlferry copy SRC DST to read from a server",
  });
}

/** A copy within one server is fine under other names; under the same ones every run would come to lie beside its original. */
function refuseSamePlace(source: Location, target: Location, flags: MoveFlags): void {
  if (!isSamePlace(source, target)) return;
  if (source.place === "bundle") {
    throw new MigrationError("USAGE", "source and target are the same bundle", { hint: "give the new bundle another name" });
  }
  if (hasMapping(flags)) return;
  throw new MigrationError("USAGE", "source and target are the same server", {
    hint: "to copy within a server give new names, such as --rename-experiment '*=copy of *' --rename-model '*=copy-of-*'",
  });
}
