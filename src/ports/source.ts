// The reading side of every place: what the engine asks of a server, a bundle or memory.
import type {
  Digest,
  Entity,
  Experiment,
  Kind,
  LoggedModel,
  MetricPoint,
  ModelVersion,
  OriginId,
  RegisteredModel,
  Run,
} from "../model/entities.ts";
import type { EntityKey } from "../model/entities.ts";
import type { NotebookFormat } from "../model/notebook.ts";
import type { PulledIn } from "../model/pulled-in.ts";
import type { Question } from "../model/question.ts";
import type { Selection } from "../model/selection.ts";
import type { Capabilities } from "./capabilities.ts";
import type { RequestCosts } from "./costs.ts";

/** A file below a run, a logged model or a version. */
export interface ArtifactFile {
  /** POSIX, relative, no `.` or `..` parts. */
  readonly path: string;
  /** Bytes. Absent where the place does not tell before the file is read. */
  readonly sizeBytes?: number;
  /** Present where the place knows it without reading. */
  readonly digest?: Digest;
  /** Why it cannot be read, where that is known already: a folder that the place cannot list, with all that is in it. */
  readonly unreadable?: string;
  /** Its bytes are not those of the place: a rule of the mapping changed them on the way. */
  readonly changed?: true;
  /** The path by which a filter of files judges it. Default: its own. */
  readonly judgedAs?: string;
}

export interface ArtifactReader {
  /** Every file, at any depth, folders not included. May be called again. */
  list(): AsyncIterable<ArtifactFile>;
  /**
   * The file's bytes from `offset` (default 0). Each call reads anew, so a failed transfer can be repeated.
   * A reader must fail (ARTIFACT_UNREADABLE) rather than end early where it can tell.
   */
  open(file: ArtifactFile, options?: { readonly offset?: number }): AsyncIterable<Uint8Array>;
  /**
   * Why no file of this name can lie there; undefined when one can. Of readers on a place whose stores differ in that: what all of
   * them refuse is in its capabilities.
   */
  whyNotStorable?(path: string): string | undefined;
}

/** Metric histories of a group of runs, which a source may read column-wise (one metric of many runs per request). */
export interface Histories {
  /** Every point of the run, in batches, in no particular order. Called at most once per run of the group. */
  points(run: EntityKey): AsyncIterable<readonly MetricPoint[]>;
}

/** What a selection comes to, with everything that it pulls in (runs of versions, their ancestors, their experiments). */
export interface Catalogue {
  /** All experiments and registered models that will be yielded, so that names are checked before anything is written. */
  readonly experiments: readonly Experiment[];
  readonly models: readonly RegisteredModel[];
  /** How many entities of each kind will come, where it is known beforehand: for progress only. */
  readonly expected: Readonly<Partial<Record<Kind, number>>>;
  /** What no pattern and no filter asked for, and comes all the same. */
  readonly pulledIn: readonly PulledIn[];
  /** Aliases of selected models that do not come, because the versions that they point to are not selected. */
  readonly leftOut: readonly EntityKey[];
  /** What was already lost when the place was written (a bundle's manifest); always told again. */
  readonly losses?: readonly LossRecord[];
  /** Objects in the selection of kinds that mlferry cannot carry, such as traces: named as losses, never passed over. */
  readonly notCarried: readonly NotCarried[];
  /**
   * The entities in dependency order: experiments, runs (parents first where they can), logged models, registered models,
   * versions (ascending per model, promoted ones after what they point to), aliases. Reads ahead inside; may be called again.
   */
  entities(signal: AbortSignal): AsyncIterable<Entity>;
  /** One of them again, from what the selection read. Throws NOT_FOUND for a key that it does not yield. */
  entity(key: EntityKey): Promise<Entity>;
}

/** One thing of a source that did not reach a target. */
export interface LossRecord {
  /** An entity key. */
  readonly key: string;
  /** A field path, or `files/<path>`; "" for the whole object. */
  readonly field: string;
  readonly reason: string;
  /** Set where the user had asked to leave it out. */
  readonly agreed?: true;
}

export interface NotCarried {
  /** Plural noun: `prompts`, `traces`. */
  readonly what: string;
  readonly count: number;
  /** True where the place could only say "at least `count`"; with a count of 0, that it does not show them to this principal. */
  readonly atLeast?: boolean;
  /** Where they are: an experiment's or model's name. */
  readonly where?: string;
}

/** A place that can be read. Opened by its adapter's factory, which probes it; all methods may run in parallel. */
export interface Source {
  /** For messages; never holds a credential. */
  readonly uri: string;
  readonly origin: OriginId;
  /** Whose experiments, runs and logged models it shows; several places may show the same ones. Absent: its own copies of them. */
  readonly tracking?: OriginId;
  readonly capabilities: Capabilities;
  /** What reading takes, where the place limits requests. */
  readonly readingCosts?: RequestCosts;
  /**
   * Resolves patterns, filters and closure. Throws NOTHING_SELECTED when a pattern or a filter that the user gave selects nothing, and
   * FILTER_INVALID for a run filter that the place does not understand.
   */
  select(selection: Selection, signal: AbortSignal): Promise<Catalogue>;
  /**
   * The objects that answer a question, deleted ones included, in no particular order and for a few requests. Links that only a
   * reading of everything could tell are left out (which runs used a logged model); where a version's files lie is told for a `key`.
   */
  ask(question: Question, signal: AbortSignal): AsyncIterable<Entity>;
  /** Histories of runs that this source yielded; at most 100 runs a call. */
  histories(runs: readonly Run[], signal: AbortSignal): Histories;
  /** Files of an entity that this source yielded. A version's are resolved to wherever they lie. */
  artifacts(owner: Run | LoggedModel | ModelVersion, signal: AbortSignal): ArtifactReader;
  /** The same as `artifacts`, where each run that a notebook made has that as a further file (model/notebook.ts). Absent: the place has none. */
  readonly withNotebooks?: (format: NotebookFormat) => Source["artifacts"];
  close(): Promise<void>;
}
