// mlferry plan: what a copy would do.
import type { Command } from "commander";
import { addFileFlags, addRootFlags } from "../file-flags.ts";
import type { FileFlags, RootFlags } from "../file-flags.ts";
import { addLossFlag, addNumberFlag, addOutputFlags, addPaceFlags, addSelectionFlags } from "../flags.ts";
import type { LossFlags, NumberFlags, OutputFlags, PaceFlags, SelectionFlags } from "../flags.ts";
import { addMappingFlags } from "../mapping-flags.ts";
import type { MappingFlags } from "../mapping-flags.ts";
import { move } from "../move.ts";
import { addNotebookFlag } from "../notebook-flag.ts";
import type { NotebookFlags } from "../notebook-flag.ts";
import { addPlaceFlags } from "../place-flags.ts";
import type { PlaceFlags } from "../place-flags.ts";
import type { Terminal } from "../terminal.ts";

type PlanFlags = PlaceFlags &
  SelectionFlags &
  FileFlags &
  RootFlags &
  MappingFlags &
  LossFlags &
  NumberFlags &
  NotebookFlags &
  OutputFlags &
  PaceFlags & { readonly out?: string; readonly contentChecks?: boolean };

export function registerPlan(program: Command, terminal: Terminal): void {
  const command = program
    .command("plan")
    .summary("tell what a copy would do and what it would lose, and write nothing")
    .description("Reads both places and tells, for every object, what a copy would do and which facts would not arrive as they are.")
    .argument("<SRC>", "where a copy would read")
    .argument("<DST>", "where it would write");
  addPlaceFlags(command, { target: true });
  addSelectionFlags(command);
  addFileFlags(command);
  addNotebookFlag(command);
  addRootFlags(command);
  addMappingFlags(command);
  addLossFlag(command);
  addNumberFlag(command);
  command.option("--out <file>", "save the plan: mlferry apply FILE carries out exactly it");
  command.option("--no-content-checks", "do not look into the files of versions, where the target's users expect signatures");
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry plan http://dev:5000 http://prod:5000
  mlferry plan backup.tar http://prod:5000 --map mapping.yaml --verbose
  mlferry plan http://dev:5000 http://prod:5000 --out friday.plan
  mlferry plan databricks://old databricks-uc://new --to-schema ml.prod --json | jq '.preflight.findings'
  mlferry plan http://dev:5000 http://prod:5000 --json | jq '.totals'`,
    )
    .action((source: string, target: string, { out, ...flags }: PlanFlags) =>
      move(terminal, { kind: "copy", source, target, flags: { ...flags, dryRun: true }, ...(out === undefined ? {} : { out }) }),
    );
}
