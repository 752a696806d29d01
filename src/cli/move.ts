// From the words of a copy, export or import to the job, or to its plan with --dry-run.
import type { Compression } from "../adapters/bundle/spool.ts";
import { MigrationError } from "../errors.ts";
import { isSamePlace, parseLocation } from "./location.ts";
import type { Location } from "./location.ts";
import { hasMapping } from "./mapping-flags.ts";
import { jobOptionsOf } from "./move-flags.ts";
import type { MoveFlags } from "./move-flags.ts";
import { runJob } from "./run-job.ts";
import { runPlan } from "./run-plan.ts";
import { refuseExisting } from "./output-path.ts";
import { refuseTerminals, refuseTwoPipes } from "./pipe.ts";
import { stateDir } from "./state-dir.ts";
import type { Terminal } from "./terminal.ts";

export interface Move {
  readonly source: string;
  readonly target: string;
  readonly flags: MoveFlags;
  /** Default: false. */
  readonly force?: boolean;
  /** Of a bundle that is written. Default: `auto`. */
  readonly compression?: Compression;
}

/** Parses, then runs. Everything that is wrong with the command line is thrown before any place is opened. */
export async function move(terminal: Terminal, { source, target, flags, force = false, compression = "auto" }: Move): Promise<void> {
  const request = { source: parseLocation(source, "source"), target: parseLocation(target, "target"), options: jobOptionsOf(flags), flags };
  refuseTwoPipes(request.source, request.target);
  refuseSamePlace(request.source, request.target, flags);
  const writesPipe = request.target.place === "pipe" && flags.dryRun !== true;
  refuseTerminals(terminal, writesPipe ? request : { source: request.source });
  // Data goes before reports.
  if (writesPipe) terminal.report = terminal.stderr;
  if (request.target.place === "bundle") await refuseExisting(request.target.path, { force, dir: stateDir(flags.state, terminal.env) });
  await (flags.dryRun === true ? runPlan(terminal, request) : runJob(terminal, { ...request, force, compression }));
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
