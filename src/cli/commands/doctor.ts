// mlferry doctor: what is wrong before a job.
import type { Command } from "commander";
import { MigrationError } from "../../errors.ts";
import { addOutputFlags, addPaceFlags, addStateFlag, repeatable } from "../flags.ts";
import type { Location, NamedLocation } from "../location.ts";
import { addPlaceFlags, createLocator } from "../place-flags.ts";
import { runDoctor } from "../run-doctor.ts";
import type { DoctorFlags, DoctorRequest } from "../run-doctor.ts";
import type { Terminal } from "../terminal.ts";

export function registerDoctor(program: Command, terminal: Terminal): void {
  const command = program
    .command("doctor")
    .summary("say what would go wrong, before a job")
    .description(
      "Looks at one place, or at the two of a job: can they be reached, who do they take us for, what is visible, can it be read and " +
        "written, is there room on the disks. Writes nothing, unless --write-test is given.",
    )
    .argument("<SRC>", "where a job would read: an MLflow server, a name in mlferry.yaml or a bundle")
    .argument("[DST]", "where it would write: an MLflow server, a name in mlferry.yaml or a new bundle");
  addPlaceFlags(command, { target: true, each: false });
  command
    .addOption(repeatable("--expect <file>", "what an administrator sees at SRC (mlferry ls --json, or CSV): tell what is not visible"))
    .option("--write-test", "write to DST and remove it again: an experiment, a run, a file, a registered model");
  addStateFlag(command);
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry doctor http://dev:5000
  mlferry doctor http://dev:5000 http://prod:5000 --write-test
  mlferry doctor http://dev:5000 --expect admin.json   # after: mlferry ls http://dev:5000 --json > admin.json, as administrator`,
    )
    .action((source: string, target: string | undefined, flags: DoctorFlags) =>
      runDoctor(terminal, requestOf(terminal, { source, target, flags })),
    );
}

interface Asked {
  readonly source: string;
  readonly target: string | undefined;
  readonly flags: DoctorFlags;
}

function requestOf(terminal: Terminal, { source, target, flags }: Asked): DoctorRequest {
  if (flags.writeTest === true && target === undefined) {
    throw new MigrationError("USAGE", "--write-test writes to DST, and none was given", { hint: "mlferry doctor SRC DST --write-test" });
  }
  const { locate } = createLocator(terminal, flags);
  const from = named(locate(source, { role: "source" }));
  if (flags.expect !== undefined && from.place === "bundle") {
    throw new MigrationError("USAGE", "--expect tells what a login does not see of a server, and the source is a bundle", {
      hint: "what a bundle holds: mlferry ls BUNDLE",
    });
  }
  if (flags.expect !== undefined && from.place === "uc") {
    throw new MigrationError("USAGE", "--expect tells what a login does not see of an MLflow server, and the source is a uc: place", {
      hint: "for its runs: mlferry doctor SERVER --expect FILE",
    });
  }
  return { source: from, target: target === undefined ? undefined : named(locate(target, { role: "target" })), flags };
}

function named(location: Location): NamedLocation {
  if (location.place !== "pipe") return location;
  throw new MigrationError("USAGE", "doctor looks at places before a job, and - is a pipe", {
    hint: "what came through a pipe is checked with: mlferry verify -",
  });
}
