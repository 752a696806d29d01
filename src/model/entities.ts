// The neutral nouns of a registry: what every place is read into and written from. No place's vocabulary lives here.

/** The kinds of objects that mlferry moves, in the order in which they depend on one another. */
export const KINDS = [
  "experiment",
  "run",
  "logged-model",
  "registered-model",
  "model-version",
  "stage-transition",
  "comment",
  "transition-request",
  "alias",
  "permission",
  "webhook",
] as const;
export type Kind = (typeof KINDS)[number];

/** Kinds of what hangs on one version and has no tags of its own: they come, go and are renumbered with it. */
export const ENTRY_KINDS = ["stage-transition", "comment", "transition-request"] as const satisfies readonly Kind[];

/** Names an object within its place: `run:<id>`, `model-version:<model>/<number>` (see model/keys.ts). */
export type EntityKey = string & { readonly brand: "EntityKey" };
/** The same, in the target's own names and ids: what the target will itself yield when it is read. */
export type PlacedKey = EntityKey & { readonly placed: true };
export type Digest = `sha256:${string}`;
/** Names a registry, not its address: stays the same when the server moves. Hexadecimal. */
export type OriginId = string & { readonly brand: "OriginId" };
/** Milliseconds since 1970; bigint because servers store any 64-bit value. */
export type EpochMs = bigint;

export type Tags = ReadonlyMap<string, string>;

interface Node<K extends Kind> {
  readonly kind: K;
  readonly key: EntityKey;
  /** Must be placed before this one can be. All come earlier in the stream of the source. */
  readonly needs: readonly EntityKey[];
  /** Objects named in fields or tags that may come later, or never: set by a late `link` step when they do. */
  readonly mayReference: readonly EntityKey[];
  /** What mlferry itself wrote on the object when it placed it: tags `mlferry_*`, without the prefix. Never copied. */
  readonly provenance: Tags;
}

export interface Experiment extends Node<"experiment"> {
  readonly name: string;
  /** The description is the tag `mlflow.note.content`, as in MLflow itself. */
  readonly tags: Tags;
  readonly deleted: boolean;
  readonly createdAt?: EpochMs;
}

export type RunStatus = "RUNNING" | "SCHEDULED" | "FINISHED" | "FAILED" | "KILLED";

export interface MetricPoint {
  readonly key: string;
  /** NaN and infinities included. */
  readonly value: number;
  readonly step: bigint;
  readonly timestamp: EpochMs;
}

export interface DatasetInput {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema?: string;
  readonly profile?: string;
  readonly tags: Tags;
}

export interface Run extends Node<"run"> {
  readonly experiment: EntityKey;
  readonly name: string;
  readonly user: string;
  readonly status: RunStatus;
  readonly startTime?: EpochMs;
  readonly endTime?: EpochMs;
  readonly params: Tags;
  /** Ids of other runs and logged models inside values are the source's; a target rewrites those in mayReference. */
  readonly tags: Tags;
  /** The latest point of every metric; the histories are pulled (`Source.histories`). */
  readonly latestMetrics: ReadonlyMap<string, MetricPoint>;
  readonly datasets: readonly DatasetInput[];
  readonly deleted: boolean;
}

/** A metric of a logged model, measured by a run, perhaps on a dataset. */
export interface ModelMetric extends MetricPoint {
  readonly run?: EntityKey;
  readonly datasetName?: string;
  readonly datasetDigest?: string;
}

export interface LoggedModel extends Node<"logged-model"> {
  readonly experiment: EntityKey;
  readonly name: string;
  readonly modelType?: string;
  readonly status: "PENDING" | "READY" | "UPLOAD_FAILED";
  readonly sourceRun?: EntityKey;
  readonly params: Tags;
  readonly tags: Tags;
  readonly metrics: readonly ModelMetric[];
  /** Runs that made the model, with the step they made it at. Kept here, since a run exists before its models do. */
  readonly outputOf: readonly { readonly run: EntityKey; readonly step: bigint }[];
  /** Runs that used the model. */
  readonly inputOf: readonly EntityKey[];
  readonly createdAt?: EpochMs;
}

export interface RegisteredModel extends Node<"registered-model"> {
  readonly name: string;
  readonly description?: string;
  readonly tags: Tags;
  readonly createdAt?: EpochMs;
}

/** MLflow's own four, in the order in which a version passes through them. */
export const STAGES = ["None", "Staging", "Production", "Archived"] as const;
export type Stage = (typeof STAGES)[number];

/**
 * Where a version's files lie. `run` and `logged-model`: below that object, at `path` ("" is its root). `version`: the
 * version was promoted from another and shares its files. `own`: nowhere but under the version itself; `loggedModel` is the one that it
 * was made from by a copy, which may be gone (then it is not in `needs`).
 */
export type VersionFiles =
  | { readonly owner: "run" | "logged-model"; readonly key: EntityKey; readonly path: string }
  | { readonly owner: "version"; readonly key: EntityKey }
  | { readonly owner: "own"; readonly loggedModel?: EntityKey };

export interface ModelVersion extends Node<"model-version"> {
  /** The registered model's name, in the place where this entity stands. */
  readonly model: string;
  /** From 1; gaps occur. */
  readonly version: number;
  readonly description?: string;
  readonly tags: Tags;
  readonly stage: Stage;
  /** The run that the version names; it may be gone (then it is not in `needs`). */
  readonly run?: EntityKey;
  readonly files: VersionFiles;
  /** The source's own words for where the files came from, such as `runs:/…/model`. For people, not for machines. */
  readonly sourceUri: string;
  readonly runLink?: string;
  readonly createdAt?: EpochMs;
  readonly user?: string;
  /** How far the stage transitions that come with it tell its past. No fact: it describes the reading, not the version. */
  readonly history?: StageHistory;
  /** When the place last changed it, where that is of use because its past cannot be read. No fact either, and not kept in bundles. */
  readonly changedAt?: EpochMs;
}

export interface StageHistory {
  /** `complete`: every transition since `since`, or since the version was made. `partial`: some may be missing. `unavailable`: none is known. */
  readonly state: "complete" | "partial" | "unavailable";
  readonly since?: EpochMs;
  /** Why it is not whole: lower case, no full stop. */
  readonly reason?: string;
}

/** A move of a version from one stage to another, as it happened. */
export interface StageTransition extends Node<"stage-transition"> {
  readonly model: string;
  readonly version: number;
  readonly from: Stage;
  readonly to: Stage;
  readonly at: EpochMs;
  readonly user?: string;
  readonly comment?: string;
  /** The place moved it by itself, since another version took its stage. */
  readonly bySystem: boolean;
}

/** What somebody wrote about a version. */
export interface Comment extends Node<"comment"> {
  readonly model: string;
  readonly version: number;
  readonly text: string;
  readonly user?: string;
  readonly createdAt: EpochMs;
  readonly updatedAt?: EpochMs;
}

/** An open wish that a version be moved to a stage; what was decided is a transition. */
export interface TransitionRequest extends Node<"transition-request"> {
  readonly model: string;
  readonly version: number;
  readonly to: Stage;
  readonly user?: string;
  readonly createdAt: EpochMs;
  readonly comment?: string;
}

/** Whoever may do something with an object, by the place's own name for how much that is, such as `CAN_EDIT`. */
export interface Grant {
  readonly kind: "user" | "group" | "service-principal";
  readonly name: string;
  readonly level: string;
}

/** Permissions that an object has directly; those that it inherits are not told. One for each object that has any. */
export interface Permission extends Node<"permission"> {
  /** An experiment, a registered model, or all of them. */
  readonly object: EntityKey | "registry";
  readonly entries: readonly Grant[];
}

/** What is called when something happens to a model. Never holds a secret: places do not give them out. */
export interface Webhook extends Node<"webhook"> {
  /** Absent: for all models. */
  readonly model?: string;
  readonly events: readonly string[];
  readonly description?: string;
  readonly status: "ACTIVE" | "DISABLED" | "TEST_MODE";
  readonly target: { readonly url: string; readonly verifiesTls: boolean } | { readonly jobId: string; readonly workspaceUrl?: string };
}

export interface Alias extends Node<"alias"> {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
}

/** What hangs on a version: see {@link ENTRY_KINDS}. */
export type VersionEntry = StageTransition | Comment | TransitionRequest;
/** What belongs to another object, or to the registry, and has neither tags nor files. */
export type Part = VersionEntry | Permission | Webhook;

export type Entity = Experiment | Run | LoggedModel | RegisteredModel | ModelVersion | Alias | Part;
export type EntityOf<K extends Kind> = Extract<Entity, { kind: K }>;
/** Entities that say of themselves when they were made. */
export type Dated = Experiment | LoggedModel | RegisteredModel | ModelVersion;
