// mlferry copy: everything that is selected, from one place to another.
import type { Command } from "commander";
import { addMoveFlags } from "../move-flags.ts";
import type { MoveFlags } from "../move-flags.ts";
import { move } from "../move.ts";
import { addNotebookFlag } from "../notebook-flag.ts";
import type { Terminal } from "../terminal.ts";

export function registerCopy(program: Command, terminal: Terminal): void {
  const command = program
    .command("copy")
    .summary("move everything, or a selection, from one place to another")
    .description(
      "Copies experiments, runs, models, versions, aliases and files from SRC to DST. What is there already is recognised, so the same " +
        "command may be run again: it continues what was cut off, and brings what is new.",
    )
    .argument("<SRC>", "where to read: an MLflow server, a name in mlferry.yaml or a bundle")
    .argument("<DST>", "where to write: an MLflow server, a name in mlferry.yaml or a new bundle");
  addNotebookFlag(addMoveFlags(command))
    .addHelpText(
      "after",
      `
Examples:
  mlferry copy http://dev:5000 https://prod.example.com/mlflow --models 'fraud*'
  mlferry copy http://dev:5000 http://prod:5000 --rename-experiment '*=from-dev/*' --dry-run
  mlferry copy http://dev:5000 http://prod:5000 --map mapping.yaml --on-loss drop --json > report.json`,
    )
    .action((source: string, target: string, flags: MoveFlags) => move(terminal, { kind: "copy", source, target, flags }));
}
