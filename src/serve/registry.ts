// Everything of a source that is answered from memory: all objects and how they hang together. Points and files stay where they are.
import { createHash } from "node:crypto";
import type {
  Alias,
  Entity,
  EntityKey,
  Experiment,
  LoggedModel,
  ModelVersion,
  RegisteredModel,
  Run,
  VersionEntry,
} from "../model/entities.ts";
import { idOf, keyOf, versionKey } from "../model/keys.ts";
import type { Source } from "../ports/source.ts";

/** An object that has files of its own below an artifact root. */
export type FileOwner = Run | LoggedModel | ModelVersion;

export interface Registry {
  /** By id. */
  readonly experiments: ReadonlyMap<string, Experiment>;
  readonly runs: ReadonlyMap<string, Run>;
  readonly loggedModels: ReadonlyMap<string, LoggedModel>;
  /** By name. */
  readonly registeredModels: ReadonlyMap<string, RegisteredModel>;
  /** By key. */
  readonly versions: ReadonlyMap<EntityKey, ModelVersion>;
  /** By experiment. */
  readonly runsOf: ReadonlyMap<EntityKey, readonly Run[]>;
  readonly loggedModelsOf: ReadonlyMap<EntityKey, readonly LoggedModel[]>;
  /** By the model's name, versions ascending. */
  readonly versionsOf: ReadonlyMap<string, readonly ModelVersion[]>;
  readonly aliasesOf: ReadonlyMap<string, readonly Alias[]>;
  /** By version. */
  readonly entriesOf: ReadonlyMap<EntityKey, readonly VersionEntry[]>;
  /** By run: logged models that it made, with the step, and that it used. */
  readonly outputsOf: ReadonlyMap<EntityKey, readonly ModelOutput[]>;
  readonly inputsOf: ReadonlyMap<EntityKey, readonly string[]>;
  /** By artifact root, without scheme: `1/<run>/artifacts`. */
  readonly roots: ReadonlyMap<string, FileOwner>;
}

export interface ModelOutput {
  readonly modelId: string;
  readonly step: bigint;
}

/** Reads every object of the source, deleted ones too, into memory. */
export async function indexRegistry(source: Source, signal: AbortSignal): Promise<Registry> {
  const catalogue = await source.select({ includeDeleted: true }, signal);
  const registry = emptyRegistry();
  for await (const entity of catalogue.entities(signal)) add(registry, entity);
  return registry;
}

/** Where an object's files lie below `mlflow-artifacts:/`, laid out as MLflow does; a version's own files have a root of their own. */
export function artifactRoot(owner: FileOwner): string {
  switch (owner.kind) {
    case "run":
      return `${idOf(owner.experiment)}/${idOf(owner.key)}/artifacts`;
    case "logged-model":
      return `${idOf(owner.experiment)}/models/${idOf(owner.key)}/artifacts`;
    case "model-version":
      // Names may hold characters that no artifact URI survives.
      return `versions/${createHash("sha256").update(owner.key).digest("hex").slice(0, 32)}`;
  }
}

/** The URI under which a version's files can be read: that of the object which holds them. */
export function downloadUri(registry: Registry, version: ModelVersion): string {
  const { files } = version;
  if (files.owner === "own") return `mlflow-artifacts:/${artifactRoot(version)}`;
  if (files.owner === "version") {
    const original = registry.versions.get(files.key);
    return original === undefined ? version.sourceUri : downloadUri(registry, original);
  }
  const holder = files.owner === "run" ? registry.runs.get(idOf(files.key)) : registry.loggedModels.get(idOf(files.key));
  if (holder === undefined) return version.sourceUri;
  return `mlflow-artifacts:/${artifactRoot(holder)}${files.path === "" ? "" : `/${files.path}`}`;
}

/** What a version says it was made from, in the words of a server that holds the objects under these ids. */
export function sourceUri(registry: Registry, version: ModelVersion): string {
  const { files } = version;
  if (files.owner === "version") return `models:/${idOf(files.key)}`;
  if (files.owner === "logged-model" && files.path === "") return `models:/${idOf(files.key)}`;
  return downloadUri(registry, version);
}

/** The owner of a path below `mlflow-artifacts:/`, and the path below the owner. */
export function resolvePath(registry: Registry, path: string): { readonly owner: FileOwner; readonly path: string } | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  // The longest root has four parts, the shortest two.
  for (const length of [4, 3, 2]) {
    const owner = parts.length < length ? undefined : registry.roots.get(parts.slice(0, length).join("/"));
    if (owner !== undefined) return { owner, path: parts.slice(length).join("/") };
  }
  return undefined;
}

type Mutable<M> = M extends ReadonlyMap<infer K, infer V> ? Map<K, V extends readonly (infer T)[] ? T[] : V> : never;
type Growing = { readonly [Field in keyof Registry]: Mutable<Registry[Field]> };

function emptyRegistry(): Growing {
  return {
    experiments: new Map(),
    runs: new Map(),
    loggedModels: new Map(),
    registeredModels: new Map(),
    versions: new Map(),
    runsOf: new Map(),
    loggedModelsOf: new Map(),
    versionsOf: new Map(),
    aliasesOf: new Map(),
    entriesOf: new Map(),
    outputsOf: new Map(),
    inputsOf: new Map(),
    roots: new Map(),
  };
}

function add(registry: Growing, entity: Entity): void {
  switch (entity.kind) {
    case "experiment":
      registry.experiments.set(idOf(entity.key), entity);
      break;
    case "run":
      registry.runs.set(idOf(entity.key), entity);
      append(registry.runsOf, entity.experiment, entity);
      registry.roots.set(artifactRoot(entity), entity);
      break;
    case "logged-model":
      addLoggedModel(registry, entity);
      break;
    case "registered-model":
      registry.registeredModels.set(entity.name, entity);
      break;
    case "model-version":
      registry.versions.set(versionKey(entity.model, entity.version), entity);
      append(registry.versionsOf, entity.model, entity);
      if (entity.files.owner === "own") registry.roots.set(artifactRoot(entity), entity);
      break;
    case "stage-transition":
    case "comment":
    case "transition-request":
      append(registry.entriesOf, versionKey(entity.model, entity.version), entity);
      break;
    // MLflow's API has nowhere to show these.
    case "permission":
    case "webhook":
      break;
    case "alias":
      append(registry.aliasesOf, entity.model, entity);
      break;
  }
}

function addLoggedModel(registry: Growing, model: LoggedModel): void {
  const modelId = idOf(model.key);
  registry.loggedModels.set(modelId, model);
  append(registry.loggedModelsOf, model.experiment, model);
  for (const { run, step } of model.outputOf) append(registry.outputsOf, run, { modelId, step });
  for (const run of model.inputOf) append(registry.inputsOf, run, modelId);
  registry.roots.set(artifactRoot(model), model);
}

function append<K, T>(lists: Map<K, T[]>, key: K, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/** Key of the experiment with an id. */
export function experimentKey(id: string): EntityKey {
  return keyOf("experiment", id);
}
