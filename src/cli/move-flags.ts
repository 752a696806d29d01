// The flags of copy, export and import, which are one thing under three names.
import type { Command } from "commander";
import { addFileFlags, addRootFlags, fileRulesOf } from "./file-flags.ts";
import type { FileFlags, RootFlags } from "./file-flags.ts";
import { addLossFlag, addOutputFlags, addPaceFlags, addSelectionFlags, addStateFlag, selectionOf } from "./flags.ts";
import type { LossFlags, OutputFlags, PaceFlags, SelectionFlags, StateFlags } from "./flags.ts";
import type { JobOptions } from "./job-journal.ts";
import { addMappingFlags, mappingOf } from "./mapping-flags.ts";
import type { MappingFlags } from "./mapping-flags.ts";

export type MoveFlags = SelectionFlags &
  FileFlags &
  RootFlags &
  MappingFlags &
  LossFlags &
  OutputFlags &
  PaceFlags &
  StateFlags & { readonly dryRun?: boolean };

export function addMoveFlags(command: Command): Command {
  addSelectionFlags(command);
  addFileFlags(command);
  addRootFlags(command);
  addMappingFlags(command);
  addLossFlag(command);
  command.option("--dry-run", "tell what would be done, as mlferry plan does, and write nothing");
  addStateFlag(command);
  addPaceFlags(command);
  return addOutputFlags(command);
}

/** What the flags ask for. Reads the mapping file; throws MAPPING_INVALID and USAGE. `args` are the command line's. */
export function jobOptionsOf(flags: SelectionFlags & FileFlags & MappingFlags & LossFlags, args: readonly string[]): JobOptions {
  const files = fileRulesOf(flags, args);
  const options = { selection: selectionOf(flags), mapping: mappingOf(flags), onLoss: flags.onLoss };
  return files === undefined ? options : { ...options, files };
}
