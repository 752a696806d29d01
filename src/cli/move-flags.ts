// The flags of copy, export and import, which are one thing under three names.
import type { Command } from "commander";
import { addLossFlag, addOutputFlags, addPaceFlags, addSelectionFlags, addStateFlag, selectionOf } from "./flags.ts";
import type { LossFlags, OutputFlags, PaceFlags, SelectionFlags, StateFlags } from "./flags.ts";
import type { JobOptions } from "./job-options.ts";
import { addMappingFlags, mappingOf } from "./mapping-flags.ts";
import type { MappingFlags } from "./mapping-flags.ts";
import { addPlaceFlags } from "./place-flags.ts";
import type { PlaceFlags } from "./place-flags.ts";

export type MoveFlags = PlaceFlags &
  SelectionFlags &
  MappingFlags &
  LossFlags &
  OutputFlags &
  PaceFlags &
  StateFlags & { readonly dryRun?: boolean };

export function addMoveFlags(command: Command): Command {
  addPlaceFlags(command, { target: true });
  addSelectionFlags(command);
  addMappingFlags(command);
  addLossFlag(command);
  command.option("--dry-run", "tell what would be done, as mlferry plan does, and write nothing");
  addStateFlag(command);
  addPaceFlags(command);
  return addOutputFlags(command);
}

/** What the flags ask for. Reads the mapping file; throws MAPPING_INVALID. */
export function jobOptionsOf(flags: SelectionFlags & MappingFlags & LossFlags): JobOptions {
  return { selection: selectionOf(flags), mapping: mappingOf(flags), onLoss: flags.onLoss };
}
