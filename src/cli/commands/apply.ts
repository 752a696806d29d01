// mlferry apply: a saved plan, carried out.
import type { Command } from "commander";
import { addRootFlags } from "../file-flags.ts";
import { addOutputFlags, addPaceFlags, addStateFlag } from "../flags.ts";
import { runApply } from "../run-apply.ts";
import type { ApplyFlags } from "../run-apply.ts";
import type { Terminal } from "../terminal.ts";

export function registerApply(program: Command, terminal: Terminal): void {
  const command = program
    .command("apply")
    .summary("carry out a plan that mlferry plan --out saved, and nothing but it")
    .description(
      "Carries out a saved plan. An object that has changed since, at the source or at the target, is not written and told as stale; " +
        "what is new at the source is left out. What was carried out already is passed over, so a plan that was cut off may be applied again.",
    )
    .argument("<FILE>", "the plan, as mlferry plan SRC DST --out FILE saved it")
    .option("--config <file>", "names of registries (default: mlferry.yaml here, or in ~/.config/mlferry)")
    .option("--yes", "do not ask whether to carry it out (off a terminal nothing is asked)");
  addRootFlags(command);
  addStateFlag(command);
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry apply friday.plan
  mlferry apply friday.plan --yes --json > report.json`,
    )
    .action((file: string, flags: ApplyFlags) => runApply(terminal, file, flags));
}
