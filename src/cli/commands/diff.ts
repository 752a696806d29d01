// mlferry diff: two places compared that need not stem from each other.
import type { Command } from "commander";
import { addLevelFlag, addOutputFlags, addPaceFlags, addSelectionFlags } from "../flags.ts";
import { addNotebookFlag } from "../notebook-flag.ts";
import { refuseTwoPipes } from "../pipe.ts";
import { addPlaceFlags, createLocator } from "../place-flags.ts";
import { runDiff } from "../run-diff.ts";
import type { DiffFlags } from "../run-diff.ts";
import type { Terminal } from "../terminal.ts";

export function registerDiff(program: Command, terminal: Terminal): void {
  const command = program
    .command("diff")
    .summary("tell what two places do not have in common, field by field")
    .description(
      "Prints what only A has (-), what only B has (+), and for what both have each field that differs (~). Objects are matched by key within " +
        "one registry, else by where mlferry brought them from, else by name. Ids and creation times that servers assign are not compared.",
    )
    .argument("<A>", "an MLflow server, a name in mlferry.yaml or a bundle")
    .argument("<B>", "another one, or an older or newer state of the same");
  addPlaceFlags(command, { target: true, each: false });
  addLevelFlag(command);
  addSelectionFlags(command);
  addNotebookFlag(command);
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry diff yesterday.tar today.tar
  mlferry diff http://dev:5000 http://prod:5000 --models 'fraud*' --level metadata
  mlferry diff backup.tar http://prod:5000 --json | jq '.different[].differences[]'`,
    )
    .action(async (first: string, second: string, flags: DiffFlags) => {
      const { locate } = createLocator(terminal, flags);
      const [a, b] = [locate(first, { role: "source" }), locate(second, { role: "target", use: "read" })];
      refuseTwoPipes(a, b);
      await runDiff(terminal, { a, b, flags });
    });
}
