// mlferry resume: the command of a job that was cut off or had failures, once more.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { MigrationError } from "../../errors.ts";
import { jobStatuses } from "../../journal/status.ts";
import type { JobStatus } from "../../journal/status.ts";
import { shortId } from "../../report/status.ts";
import { addStateFlag } from "../flags.ts";
import type { OutputFlags, StateFlags } from "../flags.ts";
import { stateDir } from "../state-dir.ts";
import { jobToResume } from "../stored-job.ts";
import { writeLines } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";

type ResumeFlags = StateFlags & Pick<OutputFlags, "json" | "quiet" | "verbose">;

/** `build` makes the program anew for the stored command line. */
export function registerResume(program: Command, terminal: Terminal, build: (terminal: Terminal) => Command): void {
  const command = program
    .command("resume")
    .summary("go on with a job that was cut off or had failures")
    .description(
      "Runs the command of a job again, in the folder where it ran, so that it goes on where it was; without JOB the newest that was cut " +
        "off or had failures. Credentials are read from the environment, as ever. How it reports is said anew: --json, --quiet, --verbose.",
    )
    .argument("[JOB]", "the id of a job, or its first digits: mlferry status lists them");
  addStateFlag(command)
    .option("--json", "the report as JSON on stdout")
    .option("--quiet", "no progress")
    .option("--verbose", "every row of the report, and a detailed log")
    .addHelpText(
      "after",
      `
Examples:
  mlferry resume
  mlferry resume 1a2b3c4d --quiet --json`,
    )
    .action((id: string | undefined, flags: ResumeFlags) => resumeJob({ terminal, build }, id, flags));
}

interface Runner {
  readonly terminal: Terminal;
  readonly build: (terminal: Terminal) => Command;
}

async function resumeJob({ terminal, build }: Runner, id: string | undefined, flags: ResumeFlags): Promise<void> {
  const dir = resolve(stateDir(flags.state, terminal.env));
  const job = jobToResume(await jobStatuses(dir), id, dir);
  const { args, folder } = commandOf(job);
  if (flags.quiet !== true) writeLines(terminal.stderr, [`resuming job ${shortId(job.id)}: ${job.command}`]);
  // Bundles, mapping files and plans were named from there.
  process.chdir(folder);
  const own = { ...terminal, args: reported(args, flags), resumes: job.id };
  const [name = "", ...rest] = own.args;
  await build(own).parseAsync([name, "--state", dir, ...rest], { from: "user" });
  terminal.exitCode = own.exitCode;
}

function commandOf(job: JobStatus): { readonly args: readonly string[]; readonly folder: string } {
  const { args, folder, command } = job;
  if (args === undefined || folder === undefined) {
    throw new MigrationError(
      "NOT_SUPPORTED",
      `job ${shortId(job.id)} was begun by an older mlferry, which did not note how to run it again`,
      {
        hint: `continue with: ${command}`,
      },
    );
  }
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return { args, folder };
  throw new MigrationError("NOT_FOUND", `the folder ${folder}, in which job ${shortId(job.id)} ran, is gone`, {
    hint: `run it elsewhere, with the paths that hold there: ${command}`,
  });
}

const OUTPUT = ["json", "quiet", "verbose"] as const;

/** The stored arguments, with the reporting that is asked for now. */
function reported(args: readonly string[], flags: ResumeFlags): string[] {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const [name = "", ...rest] = args.filter((word, index) => index > end || !OUTPUT.some((flag) => word === `--${flag}`));
  return [name, ...OUTPUT.filter((flag) => flags[flag] === true).map((flag) => `--${flag}`), ...rest];
}
