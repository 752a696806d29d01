// mlferry status: the jobs of the state folder.
import type { Command } from "commander";
import { failedEntries, jobStatuses } from "../../journal/status.ts";
import { statusJson, statusText } from "../../report/status.ts";
import { addStateFlag } from "../flags.ts";
import type { StateFlags } from "../flags.ts";
import { stateDir } from "../state-dir.ts";
import { jobById } from "../stored-job.ts";
import { styleFor, writeLines } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";

type StatusFlags = StateFlags & { readonly json?: boolean; readonly verbose?: boolean };

export function registerStatus(program: Command, terminal: Terminal): void {
  const command = program
    .command("status")
    .summary("list the jobs of this machine: at work, cut off, ended with failures, complete")
    .description(
      "Lists the jobs that the state folder knows, newest first, also while they are at work; of one JOB, also what failed and why.",
    )
    .argument("[JOB]", "the id of a job, or its first digits");
  addStateFlag(command)
    .option("--json", "the report as JSON on stdout")
    .option("--verbose", "every job, and every object that failed")
    .addHelpText(
      "after",
      `
Examples:
  mlferry status
  mlferry status 1a2b3c4d
  mlferry status --json | jq '.jobs[] | select(.state == "partial")'`,
    )
    .action((id: string | undefined, flags: StatusFlags) => tellStatus(terminal, id, flags));
}

async function tellStatus(terminal: Terminal, id: string | undefined, flags: StatusFlags): Promise<void> {
  const dir = stateDir(flags.state, terminal.env);
  const all = await jobStatuses(dir);
  const one = id === undefined ? undefined : jobById(all, id, dir);
  const report = one === undefined ? { dir, jobs: all } : { dir, jobs: [one], failed: await failedEntries(one) };
  const style = styleFor(terminal.stdout, terminal.env, { verbose: flags.verbose === true });
  writeLines(terminal.stdout, flags.json === true ? [JSON.stringify(statusJson(report))] : statusText(report, style));
}
