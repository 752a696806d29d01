// What a place can hold, as data. Reconcile decides by these alone: the engine never asks which place it talks to.
import type { Kind } from "../model/entities.ts";

export interface TagLimits {
  /** Longest key, in characters. Absent: no limit. */
  readonly keyChars?: number;
  /** Longest value, in characters. */
  readonly valueChars?: number;
  /** Most tags on one object, mlferry's own included. 0: none at all, and the place keeps mlferry's own facts in another way. */
  readonly count?: number;
  /** Characters that a key must not hold (a global expression); each is rewritten to `_`. */
  readonly keyRefuses?: RegExp;
  /** Whether longer values are kept in several tags, and the keys that were rewritten in one more: so that all can be restored. */
  readonly packs?: boolean;
  /** Keys that the place itself sets: what the source says under one is kept under `source_` and the key. */
  readonly keysOfPlace?: RegExp;
}

export interface NameRule {
  /** The whole name must match. */
  readonly pattern: RegExp;
  /** For the error: what a legal name looks like. */
  readonly wording: string;
}

export interface Capabilities {
  /** Short name of the place's type for people, such as `MLflow 3.17.2`. */
  readonly place: string;
  /** Kinds that can be written; reading is not restricted by it. */
  readonly kinds: ReadonlySet<Kind>;
  /**
   * Kinds that it does not have and keeps as notes: provenance tags on the version that they hang on (model/notes.ts), which it is given as
   * the entities that they stand for, and gives as these. Their length is that of a version's tag, and longer ones take several.
   */
  readonly notes?: ReadonlySet<Kind>;
  /**
   * Kinds whose objects nothing recognises afterwards: where no answer came to a write, it cannot be seen whether it took effect. Such a
   * write is told as unknown, and not repeated unless the user says so.
   */
  readonly unrecognised?: ReadonlySet<Kind>;
  /**
   * Whether a stage transition that is written is carried out. Then a version gets its stage after its transitions (`Target.settle`), and
   * until then keeps the one that it has. Default: transitions are only kept.
   */
  readonly replaysTransitions?: boolean;
  /** `disabled`: a webhook is made disabled, since nobody gives out its secret. Default: as it is. */
  readonly webhooks?: "disabled";
  /** Whether versions have a stage. Where false, stages become aliases and tags. */
  readonly stages: boolean;
  /**
   * `chosen`: a version gets the number it is given. `assigned`: highest ever used + 1, so gaps need placeholders. `kept`: the one it has
   * at the source and no other, since objects go by the source's keys.
   */
  readonly versionNumbers: "chosen" | "assigned" | "kept";
  /** Whether creation times of experiments, logged models, registered models and versions can be set. */
  readonly creationTimes: "chosen" | "assigned";
  /** Whether the user of a run can be set, or is whoever writes it. Default: chosen. */
  readonly runUsers?: "chosen" | "assigned";
  /**
   * `any`: a version refers to files of a run or logged model, or holds its own. `by-reference`: files that belong to neither
   * need a carrier run, which becomes the version's run. `by-free-reference`: the same, but whatever run holds the files, a version
   * names the run that it had, or none. `own-copy`: every version's files are written for it.
   */
  readonly versionFiles: "any" | "by-reference" | "by-free-reference" | "own-copy";
  /** Whether a version that has its files as its own can name the logged model that it was made from. Default: no. */
  readonly versionModels?: boolean;
  /** Whether a version can name its run by an address too (MLflow's `run_link`). Default: yes. */
  readonly runLinks?: boolean;
  /**
   * Whether those who use the place expect that the `MLmodel` of each version has a signature of inputs and outputs: a plan then looks into the
   * files of versions. Default: false.
   */
  readonly versionSignatures?: boolean;
  /**
   * Whether a version whose model looks up features in tables is of use only where these are: it is then left out unless a rule of the mapping
   * says of each table what it is called there. Default: no.
   */
  readonly tablesMustBeMapped?: boolean;
  /** Whether ±Infinity survives as a metric value. NaN does everywhere. */
  readonly infinities: boolean;
  readonly names: {
    readonly experiment?: NameRule;
    readonly registeredModel?: NameRule;
    readonly loggedModel?: NameRule;
    readonly alias?: NameRule;
  };
  /** Added to the name of an experiment that is a notebook's, since both would have one name. Absent: such names are free. */
  readonly notebookSuffix?: string;
  readonly tags: Readonly<Partial<Record<Kind, TagLimits>>>;
  /** Longest run parameter value, in characters. */
  readonly paramValueChars?: number;
  /** Longest description of a registered model or version, in characters. */
  readonly descriptionChars?: number;
  /** What no tag, parameter or description may hold, with the reason. */
  readonly textRefuses?: { readonly pattern: RegExp; readonly wording: string };
  /**
   * File paths that cannot be stored under their own name anywhere in the place, with the reason. Where that depends on the store that an
   * object's files lie in, the target refuses single files with NAME_ILLEGAL instead.
   */
  readonly filePathRefuses?: { readonly pattern: RegExp; readonly wording: string };
}
