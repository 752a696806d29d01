// mlferry export: a copy into a bundle.
import { Option } from "commander";
import type { Command } from "commander";
import type { Compression } from "../../adapters/bundle/spool.ts";
import { addMoveFlags } from "../move-flags.ts";
import type { MoveFlags } from "../move-flags.ts";
import { move } from "../move.ts";
import { addNotebookFlag } from "../notebook-flag.ts";
import type { Terminal } from "../terminal.ts";

type ExportFlags = MoveFlags & { readonly output: string; readonly force?: boolean; readonly compression: Compression };

export function registerExport(program: Command, terminal: Terminal): void {
  const command = program
    .command("export")
    .summary("write everything, or a selection, into a bundle")
    .description("Writes a bundle: one tar file or a folder that holds everything, can be checked offline and imported anywhere.")
    .argument("<SRC>", "where to read: an MLflow server, a name in mlferry.yaml or a bundle")
    .requiredOption(
      "-o, --output <file|dir>",
      "the bundle to write: a tar when the name ends in .tar, else a folder; - for a tar to stdout",
    )
    .option("--force", "replace a bundle that is there, once the new one is complete")
    .addOption(
      new Option("--compression <how>", "zstd for every content that becomes smaller by it, or none at all")
        .choices(["auto", "none"])
        .default("auto"),
    );
  addNotebookFlag(addMoveFlags(command))
    .addHelpText(
      "after",
      `
Examples:
  mlferry export http://localhost:5000 -o backup.tar
  mlferry export http://localhost:5000 -o fraud.tar --models 'fraud*' --force
  mlferry export backup.tar -o folder --experiments 'team-a/*'
  mlferry export http://a:5000 -o - | mlferry import - http://b:5000`,
    )
    .action((source: string, flags: ExportFlags) =>
      move(terminal, {
        kind: "export",
        source,
        target: flags.output,
        flags,
        force: flags.force === true,
        compression: flags.compression,
      }),
    );
}
