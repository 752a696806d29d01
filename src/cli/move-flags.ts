// The flags of copy, export and import, which are one thing under three names.
import type { Command } from "commander";
import { MigrationError } from "../errors.ts";
import { addFileFlags, addRootFlags, fileRulesOf } from "./file-flags.ts";
import type { FileFlags, RootFlags } from "./file-flags.ts";
import { addLossFlag, addNumberFlag, addOutputFlags, addPaceFlags, addSelectionFlags, addStateFlag, selectionOf } from "./flags.ts";
import type { LossFlags, NumberFlags, OutputFlags, PaceFlags, SelectionFlags, StateFlags } from "./flags.ts";
import type { JobOptions } from "./job-options.ts";
import { addMappingFlags, mappingOf } from "./mapping-flags.ts";
import type { MappingFlags } from "./mapping-flags.ts";
import type { NotebookFlags } from "./notebook-flag.ts";
import { addPlaceFlags } from "./place-flags.ts";
import type { PlaceFlags } from "./place-flags.ts";
import type { Terminal } from "./terminal.ts";

export type MoveFlags = PlaceFlags &
  SelectionFlags &
  FileFlags &
  RootFlags &
  MappingFlags &
  LossFlags &
  NumberFlags &
  NotebookFlags &
  OutputFlags &
  PaceFlags &
  StateFlags & { readonly dryRun?: boolean; readonly repeatUnknown?: boolean; readonly contentChecks?: boolean };

export function addMoveFlags(command: Command): Command {
  addPlaceFlags(command, { target: true });
  addSelectionFlags(command);
  addFileFlags(command);
  addRootFlags(command);
  addMappingFlags(command);
  addLossFlag(command);
  addNumberFlag(command);
  command.option("--dry-run", "tell what would be done, as mlferry plan does, and write nothing");
  command.option("--repeat-unknown", "send once more what an earlier run sent without an answer, and nothing tells whether it is there");
  addStateFlag(command);
  addPaceFlags(command);
  return addOutputFlags(command);
}

/** What the flags ask for. Reads the mapping file; throws MAPPING_INVALID, USAGE. */
export function jobOptionsOf(
  flags: SelectionFlags & FileFlags & MappingFlags & LossFlags & NumberFlags & NotebookFlags,
  { args, now }: Pick<Terminal, "args" | "now">,
): JobOptions {
  const files = fileRulesOf(flags, args);
  if (files?.artifacts === "none" && flags.notebooks !== undefined) {
    throw new MigrationError("USAGE", "--notebooks and --no-artifacts contradict each other: notebooks come as files", {
      hint: "give one of the two",
    });
  }
  return {
    selection: selectionOf(flags, now),
    mapping: mappingOf(flags),
    onLoss: flags.onLoss,
    versionNumbers: flags.versionNumbers,
    ...(files === undefined ? {} : { files }),
    ...(flags.notebooks === undefined ? {} : { notebooks: flags.notebooks }),
  };
}
