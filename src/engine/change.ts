// What happens to facts on the way: the vocabulary of plan, report and verification.
import type { ErrorCode } from "../errors.ts";
import type { Entity, EntityKey } from "../model/entities.ts";
import type { Found } from "../ports/target.ts";

/**
 * `translated`: kept in another place or form. `inherent`: the target assigns its own, the original is kept as a provenance
 * tag; never a reason to stop. `lost`: not kept.
 */
export type ChangeClass = "translated" | "inherent" | "lost";

/** One fact of the source that does not arrive as it was. */
export interface Change {
  /** Path of the fact, as in model/facts.ts; "" for the whole object. */
  readonly field: string;
  readonly class: ChangeClass;
  readonly from: string;
  /** Where it is now. Absent when lost. */
  readonly to?: string;
  /** The mapping rule or the limit of the target that caused it. */
  readonly rule: string;
  /** True for a loss that the user asked for (a rule that drops it, `--on-loss drop`). */
  readonly agreed?: boolean;
}

/** Why an entity is not written, in the shape of an error. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/**
 * `create`: not there yet. `update`: there, but different or half-written. `link`: whole but for references. `skip`: there and
 * equal. `refuse`: not written, see `refusal`. `drop`: not written, since the target has no such objects and the user agreed to that.
 */
export type Action = "create" | "update" | "link" | "skip" | "refuse" | "drop";

/** One entity's part of a plan. */
export interface Step {
  readonly action: Action;
  /** As the source yielded it. For aliases that a stage became, the alias itself. */
  readonly source: Entity;
  /** What the target is to hold; references are still the source's keys. */
  readonly entity: Entity;
  readonly changes: readonly Change[];
  /** The fingerprint of `entity`. */
  readonly mark: string;
  /** What the journal notes of it: the fingerprint, and the provenance, which tells where it was to go. */
  readonly stamp: string;
  readonly found?: Found;
  /** What is there was written under other rules for what is in files. */
  readonly otherFiles?: true;
  readonly refusal?: Refusal;
  /** Decided from the journal alone, without asking the target. */
  readonly journaled?: boolean;
}

/** A file that did not arrive. */
export interface FileLoss {
  readonly path: string;
  readonly code: ErrorCode;
  readonly reason: string;
  /** True when no repetition can help: the target cannot store a file of this name. */
  readonly permanent: boolean;
  /** True when the user agreed to go without it (`--on-loss drop`); it is tried again all the same unless it is permanent. */
  readonly agreed: boolean;
  /** Set where one entry stands for all files of the object that a filter leaves out. */
  readonly leftOut?: LeftOut;
}

/** Files of one object that the user asked to leave out. */
export interface LeftOut {
  /** The flag that asked for it, with its value. */
  readonly by: string;
  /** Absent where nobody counted: with `--no-artifacts`, or when they were left out by an earlier job. */
  readonly total?: FileTotals;
}

export interface FileTotals {
  readonly files: number;
  readonly bytes: number;
}

/** What became of a step. */
export interface Outcome {
  readonly step: Step;
  /**
   * `done`, `skipped`: the target holds it. `partial`: it is there, but files are missing (see `fileLosses`).
   * `dropped`: it is left behind as agreed. `failed`, `refused`, `blocked` (something it needs failed): the target does not hold it as
   * planned.
   */
  readonly state: "done" | "skipped" | "partial" | "dropped" | "failed" | "refused" | "blocked";
  readonly placed?: EntityKey;
  readonly error?: Refusal;
  readonly fileLosses: readonly FileLoss[];
  readonly moved: FileTotals;
}

export const NO_FILES: FileTotals = { files: 0, bytes: 0 };

/** Notes that a name was mapped, if it was. */
export function noteRename(changes: Change[], field: string, from: string, renamed: { name: string; rule?: string }): void {
  if (renamed.name !== from) changes.push({ field, class: "translated", from, to: renamed.name, rule: renamed.rule ?? "mapping" });
}
