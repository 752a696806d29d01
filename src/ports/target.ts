// The writing side of a place. Every target is a source too: verification reads back through the same port.
import type { Entity, Experiment, MetricPoint, ModelVersion, PlacedKey, Run, Tags } from "../model/entities.ts";
import type { Check } from "./checks.ts";
import type { RequestCosts } from "./costs.ts";
import type { FileEntry } from "./journal.ts";
import type { ArtifactFile, LossRecord, NotCarried, Source } from "./source.ts";

/** What a target already holds for an entity. */
export interface Found {
  readonly key: PlacedKey;
  /** False: an object of the same name that mlferry did not place from this source. */
  readonly ours: boolean;
  /** The completion mark, where the kind has one (runs, logged models, versions with own files): see PutContext.mark. */
  readonly mark?: string;
  readonly deleted: boolean;
  /** Of a registered model: the highest version number that is known to have been used. Absent where numbers are kept. */
  readonly lastVersion?: number;
  /**
   * Files that arrived whole, where the place knows that without asking anybody: also of an object that is half-written. Where it is
   * absent the journal's notes count.
   */
  files?(): Promise<readonly FileEntry[]>;
  /** The object as the target itself yields it. Targets fold simultaneous reads into few requests. */
  read(signal: AbortSignal): Promise<Entity>;
}

export interface FindContext {
  /** The provenance tags of the entity, without prefix; `source` is what a target searches for. */
  readonly provenance: Tags;
  readonly signal: AbortSignal;
}

export interface PutContext extends FindContext {
  /** Set when the object is there already, whole or half-written: put then completes it. */
  readonly existing?: Found;
  /**
   * To be stored last on runs, logged models and versions with own files, as the provenance tag `done`: tells whole objects
   * from half-written ones. Changes when files fail: read it after `files()`.
   */
  readonly mark: string;
  /** Whether files did not arrive that the next job tries again: known after `files()`. Default: false. */
  readonly waitsForFiles?: boolean;
  /** True: `existing` was written without some of its files, or with other contents of them. */
  readonly lacksFiles?: boolean;
  /** True: the version of a stage transition is at its stage already, so the transition is only to be told, not carried out. */
  readonly isPast?: boolean;
  /** True: a version may get any number above those that are there, whatever number it has. Default: its own number or none. */
  readonly anyNumber?: boolean;
  /** The entity again, with references to itself resolved, once its key is known (a run's log-model history names the run). */
  withSelf<E extends Entity>(entity: E, key: PlacedKey): E;
  /** The run's metric points; empty for other kinds. Call once. */
  points(): AsyncIterable<readonly MetricPoint[]>;
  /**
   * Moves the entity's files: calls `send` for each, several at a time, hashed and counted on the way. A file that fails
   * is recorded and does not fail the entity. `open` may be called again to repeat a transfer.
   */
  files(send: SendFile): Promise<void>;
  /**
   * The text of a small file of the source, such as `MLmodel`, as it is there: for what a place has to be told when an object is made. Undefined
   * where there is none. Throws ARTIFACT_UNREADABLE for one that is there and cannot be read.
   */
  peek(path: string): Promise<string | undefined>;
}

/** Throws NAME_ILLEGAL, before it opens, for a file that can never be stored there under its name. */
export type SendFile = (file: ArtifactFile, open: () => AsyncIterable<Uint8Array>) => Promise<void>;

/**
 * A place that can be written. Entities arrive reconciled and in the target's namespace: names are mapped and references
 * to placed objects are the target's own keys, so `put` rewrites nothing. What it needs exists.
 */
export interface Target extends Source {
  /** What writing takes, where the place limits requests. */
  readonly writingCosts?: RequestCosts;
  /**
   * What would stop objects of these names from being written, such as a schema that is missing or a privilege. Never writes. Absent where the
   * place knows no such things.
   */
  preflight?(names: TargetNames, options: PreflightOptions): AsyncIterable<Check>;
  /** The object that is already there for the entity. Never writes. */
  find(entity: Entity, context: FindContext): Promise<Found | undefined>;
  /**
   * Creates the object, or completes and updates `context.existing`. Calls for one registered model come one at a time, versions
   * ascending. An object of ours that is deleted at the target is restored for the writing, and may be active afterwards or deleted
   * again: the job deletes it at its end where it is deleted at the source.
   */
  put(entity: Entity, context: PutContext): Promise<PlacedKey>;
  /** Sets references that could not be set when the run was put: rewrites its tags and sets the mark. */
  link(run: Run, key: PlacedKey, context: Pick<PutContext, "mark" | "signal">): Promise<void>;
  /** Gives a version its stage, after its transitions: of places that carry these out, which must have it. Repeatable. */
  settle?(version: ModelVersion, key: PlacedKey, signal: AbortSignal): Promise<void>;
  /** Puts a run or an experiment into the deleted state. Repeatable. */
  remove(entity: Run | Experiment, key: PlacedKey, signal: AbortSignal): Promise<void>;
  /** Makes what was written final (a bundle's manifest and name). Called once, at the end of a job that was not interrupted. */
  finish(summary: FinishSummary): Promise<void>;
}

export interface PreflightOptions {
  /** Also what takes a request for each name, or may be seen wrongly: for a plan, which stops nothing. */
  readonly thorough: boolean;
  readonly signal: AbortSignal;
}

/** Names that objects are to have at the target; all of them are legal there. */
export interface TargetNames {
  readonly experiments: readonly string[];
  readonly models: readonly string[];
}

export interface FinishSummary {
  /** One line for each thing of the source that is not in the target. */
  readonly losses: readonly LossRecord[];
  /** Objects of kinds that are never carried, as the catalogue of the source tells them. */
  readonly notCarried: readonly NotCarried[];
}
