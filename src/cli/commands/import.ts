// mlferry import: a copy out of a bundle.
import type { Command } from "commander";
import { addMoveFlags } from "../move-flags.ts";
import type { MoveFlags } from "../move-flags.ts";
import { move } from "../move.ts";
import type { Terminal } from "../terminal.ts";

export function registerImport(program: Command, terminal: Terminal): void {
  const command = program
    .command("import")
    .summary("bring a bundle, or a selection of it, to a server")
    .description("Reads a bundle and writes what it holds to DST. Importing the same bundle again changes nothing.")
    .argument("<BUNDLE>", "the bundle: a tar file, a folder, or - for a tar through stdin")
    .argument("<DST>", "where to write: an MLflow server, a name in mlferry.yaml or a new bundle");
  addMoveFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry import backup.tar http://localhost:5000
  mlferry import backup.tar http://localhost:5000 --models churn --rename-model churn=restored-churn
  mlferry import backup.tar http://localhost:5000 --dry-run
  ssh host cat backup.tar | mlferry import - http://localhost:5000`,
    )
    .action((source: string, target: string, flags: MoveFlags) => move(terminal, { kind: "import", source, target, flags }));
}
