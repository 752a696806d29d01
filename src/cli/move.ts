// From the words of a copy, export or import to the job, or to its plan with --dry-run.
import { MigrationError } from "../errors.ts";
import { rootRulesOf } from "./file-flags.ts";
import { isSamePlace, parseLocation } from "./location.ts";
import type { Location } from "./location.ts";
import { hasMapping } from "./mapping-flags.ts";
import { jobOptionsOf } from "./move-flags.ts";
import type { MoveFlags } from "./move-flags.ts";
import { runJob } from "./run-job.ts";
import { runPlan } from "./run-plan.ts";
import { refuseExisting } from "./output-path.ts";
import { stateDir } from "./state-dir.ts";
import type { Terminal } from "./terminal.ts";

export interface Move {
  readonly source: string;
  readonly target: string;
  readonly flags: MoveFlags;
  /** Default: false. */
  readonly force?: boolean;
}

/** Parses, then runs. Everything that is wrong with the command line is thrown before any place is opened. */
export async function move(terminal: Terminal, { source, target, flags, force = false }: Move): Promise<void> {
  const options = jobOptionsOf(flags, terminal.args);
  const request = { source: parseLocation(source, "source"), target: parseLocation(target, "target"), options, flags };
  for (const role of ["source", "target"] as const) rootRulesOf(flags, role);
  refuseSamePlace(request.source, request.target, flags);
  if (request.target.place === "bundle") await refuseExisting(request.target.path, { force, dir: stateDir(flags.state, terminal.env) });
  await (flags.dryRun === true ? runPlan(terminal, request) : runJob(terminal, { ...request, force }));
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
