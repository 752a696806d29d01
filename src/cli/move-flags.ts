// The flags of copy, export and import, which are one thing under three names.
import type { Command } from "commander";
import { addLossFlag, addNumberFlag, addOutputFlags, addPaceFlags, addSelectionFlags, addStateFlag, selectionOf } from "./flags.ts";
import type { LossFlags, NumberFlags, OutputFlags, PaceFlags, SelectionFlags, StateFlags } from "./flags.ts";
import type { JobOptions } from "./job-options.ts";
import { addMappingFlags, mappingOf } from "./mapping-flags.ts";
import type { MappingFlags } from "./mapping-flags.ts";
import { addPlaceFlags } from "./place-flags.ts";
import type { PlaceFlags } from "./place-flags.ts";

export type MoveFlags = PlaceFlags &
  SelectionFlags &
  MappingFlags &
  LossFlags &
  NumberFlags &
  OutputFlags &
  PaceFlags &
  StateFlags & { readonly dryRun?: boolean };

export function addMoveFlags(command: Command): Command {
  addPlaceFlags(command, { target: true });
  addSelectionFlags(command);
  addMappingFlags(command);
  addLossFlag(command);
  addNumberFlag(command);
  command.option("--dry-run", "tell what would be done, as mlferry plan does, and write nothing");
  addStateFlag(command);
  addPaceFlags(command);
  return addOutputFlags(command);
}

/** What the flags ask for; `now` as in selectionOf. Reads the mapping file; throws MAPPING_INVALID, USAGE. */
export function jobOptionsOf(flags: SelectionFlags & MappingFlags & LossFlags & NumberFlags, now: () => number): JobOptions {
  return { selection: selectionOf(flags, now), mapping: mappingOf(flags), onLoss: flags.onLoss, versionNumbers: flags.versionNumbers };
}
