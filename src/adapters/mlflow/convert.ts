// Wire → entities. Pure. Tags that mlferry wrote become provenance; tags that the server itself keeps up to date are left out.
import type {
  Alias,
  EntityKey,
  Experiment,
  LoggedModel,
  ModelVersion,
  RegisteredModel,
  Run,
  Stage,
  Tags,
  VersionFiles,
} from "../../model/entities.ts";
import { STAGES } from "../../model/entities.ts";
import { aliasKey, keyOf, PROVENANCE_PREFIX, versionKey } from "../../model/keys.ts";
import { REFERENCE_TAGS } from "../../model/references.ts";
import type { WireExperiment, WireLoggedModel, WireModelVersion, WireRegisteredModel, WireRun } from "./wire.ts";

/**
 * Tags that are no facts of their own: `mlflow.runName` mirrors the run's name; the server appends to `mlflow.modelVersions` of a
 * logged model when a version of it is registered.
 */
const MIRRORED = new Set(["mlflow.runName", "mlflow.modelVersions"]);

export const PARENT_TAG = "mlflow.parentRunId";

export const experimentKey = (id: string): EntityKey => keyOf("experiment", id);
export const runKey = (id: string): EntityKey => keyOf("run", id);
export const loggedModelKey = (id: string): EntityKey => keyOf("logged-model", id);
export const registeredModelKey = (name: string): EntityKey => keyOf("registered-model", name);

export function toExperiment(wire: WireExperiment): Experiment {
  return {
    kind: "experiment",
    key: experimentKey(wire.experiment_id),
    needs: [],
    mayReference: [],
    ...splitTags(withoutUpkeep(wire)),
    name: wire.name,
    deleted: wire.lifecycle_stage === "deleted",
    ...(wire.creation_time === undefined ? {} : { createdAt: wire.creation_time }),
  };
}

/**
 * A Databricks workspace notes on each experiment what follows from other things of it: its path, that it is an ordinary one, and the
 * number of its owner, whom its permissions name.
 */
function withoutUpkeep({ name, tags }: WireExperiment): Tags {
  const type = tags.get("mlflow.experimentType");
  if (type === undefined) return tags;
  const left = new Map(tags);
  left.delete("mlflow.ownerId");
  if (type === "MLFLOW_EXPERIMENT") left.delete("mlflow.experimentType");
  if (tags.get("mlflow.experiment.sourceName") === name) left.delete("mlflow.experiment.sourceName");
  return left;
}

/** `parent`: the run's parent where it comes earlier in the same stream; then it is needed, not only referred to. */
export function toRun(wire: WireRun, parent?: EntityKey): Run {
  const { info, data } = wire;
  const experiment = experimentKey(info.experiment_id);
  const { tags, provenance } = splitTags(data.tags);
  const needs = parent === undefined ? [experiment] : [experiment, parent];
  return {
    kind: "run",
    key: runKey(info.run_id),
    needs,
    mayReference: referencesIn(tags).filter((key) => !needs.includes(key)),
    provenance,
    experiment,
    name: info.run_name,
    user: info.user_id,
    status: info.status,
    ...(info.start_time === undefined ? {} : { startTime: info.start_time }),
    ...(info.end_time === undefined ? {} : { endTime: info.end_time }),
    params: data.params,
    tags,
    latestMetrics: new Map(data.metrics.map((point) => [point.key, point])),
    datasets: wire.inputs.dataset_inputs.map(({ dataset, tags: inputTags }) => ({
      name: dataset.name,
      digest: dataset.digest,
      sourceType: dataset.source_type,
      source: dataset.source,
      ...(dataset.schema === undefined ? {} : { schema: dataset.schema }),
      ...(dataset.profile === undefined ? {} : { profile: dataset.profile }),
      tags: inputTags,
    })),
    deleted: info.lifecycle_stage === "deleted",
  };
}

/** Runs that made or used a logged model, as the runs themselves tell it. */
export interface ModelUse {
  readonly outputOf: readonly { readonly run: EntityKey; readonly step: bigint }[];
  readonly inputOf: readonly EntityKey[];
}

/** `exists` tells whether a run comes in the same stream: links to others are left out, since they have no place. */
export function toLoggedModel(wire: WireLoggedModel, use: ModelUse, exists: (key: EntityKey) => boolean): LoggedModel {
  const { info, data } = wire;
  const experiment = experimentKey(info.experiment_id);
  const sourceRun = info.source_run_id === "" ? undefined : runKey(info.source_run_id);
  const { tags, provenance } = splitTags(info.tags);
  const runs = [...(sourceRun === undefined ? [] : [sourceRun]), ...use.outputOf.map(({ run }) => run), ...use.inputOf];
  const metrics = data.metrics.map((metric) => ({
    key: metric.key,
    value: metric.value,
    step: metric.step,
    timestamp: metric.timestamp,
    ...(metric.run_id === undefined || metric.run_id === "" ? {} : { run: runKey(metric.run_id) }),
    ...(metric.dataset_name === undefined ? {} : { datasetName: metric.dataset_name }),
    ...(metric.dataset_digest === undefined ? {} : { datasetDigest: metric.dataset_digest }),
  }));
  const measuring = metrics.flatMap(({ run }) => (run === undefined ? [] : [run]));
  const needs = [experiment, ...new Set([...runs, ...measuring].filter(exists))];
  return {
    kind: "logged-model",
    key: loggedModelKey(info.model_id),
    needs,
    mayReference: [...referencesIn(tags), ...(sourceRun === undefined ? [] : [sourceRun])].filter((key) => !needs.includes(key)),
    provenance,
    experiment,
    name: info.name,
    ...(info.model_type === "" ? {} : { modelType: info.model_type }),
    status: modelStatus(info.status),
    ...(sourceRun === undefined ? {} : { sourceRun }),
    params: data.params,
    tags,
    metrics,
    outputOf: use.outputOf,
    inputOf: use.inputOf,
    ...(info.creation_timestamp_ms === undefined ? {} : { createdAt: info.creation_timestamp_ms }),
  };
}

export function toRegisteredModel(wire: WireRegisteredModel): RegisteredModel {
  return {
    kind: "registered-model",
    key: registeredModelKey(wire.name),
    needs: [],
    mayReference: [],
    ...splitTags(wire.tags),
    name: wire.name,
    ...(wire.description === undefined || wire.description === "" ? {} : { description: wire.description }),
    ...(wire.creation_timestamp === undefined ? {} : { createdAt: wire.creation_timestamp }),
  };
}

/** What of a version only the rest of the registry can tell: where its files lie, and whether its run still exists. */
export interface VersionPlace {
  readonly files: VersionFiles;
  readonly run?: EntityKey;
}

export function toModelVersion(wire: WireModelVersion, place: VersionPlace): ModelVersion {
  const { tags, provenance } = splitTags(wire.tags);
  const needs = [registeredModelKey(wire.name), ...(place.run === undefined ? [] : [place.run])];
  const holder = place.files.owner === "own" ? place.files.loggedModel : place.files.key;
  if (holder !== undefined && !needs.includes(holder)) needs.push(holder);
  return {
    kind: "model-version",
    key: versionKey(wire.name, wire.version),
    needs,
    mayReference: referencesIn(tags).filter((key) => !needs.includes(key)),
    provenance,
    model: wire.name,
    version: wire.version,
    ...(wire.description === undefined || wire.description === "" ? {} : { description: wire.description }),
    tags,
    stage: stageOf(wire.current_stage),
    ...(place.run === undefined ? {} : { run: place.run }),
    files: place.files,
    sourceUri: wire.source,
    ...(wire.run_link === "" ? {} : { runLink: wire.run_link }),
    ...(wire.creation_timestamp === undefined ? {} : { createdAt: wire.creation_timestamp }),
    ...(wire.user_id === undefined || wire.user_id === "" ? {} : { user: wire.user_id }),
  };
}

export function toAlias(model: string, alias: string, version: number): Alias {
  const key = aliasKey(model, alias);
  return { kind: "alias", key, needs: [versionKey(model, version)], mayReference: [], provenance: new Map(), model, alias, version };
}

/** Ordinary tags and, without their prefix, those that mlferry wrote. */
export function splitTags(all: Tags): { tags: Tags; provenance: Tags } {
  const tags = new Map<string, string>();
  const provenance = new Map<string, string>();
  for (const [key, value] of all) {
    if (key.startsWith(PROVENANCE_PREFIX)) provenance.set(key.slice(PROVENANCE_PREFIX.length), value);
    else if (!MIRRORED.has(key)) tags.set(key, value);
  }
  return { tags, provenance };
}

/** Ids of runs (32 hexadecimal digits) and logged models (`m-` before them) inside the tags that hold such ids. */
function referencesIn(tags: Tags): EntityKey[] {
  const keys = new Set<EntityKey>();
  for (const name of REFERENCE_TAGS) {
    for (const [id] of (tags.get(name) ?? "").matchAll(/\b(m-)?[0-9a-f]{32}\b/g))
      keys.add(id.startsWith("m-") ? loggedModelKey(id) : runKey(id));
  }
  return [...keys];
}

/** Old servers leave the stage out; the store writes it in any letter case. */
export function stageOf(stage: string): Stage {
  return STAGES.find((known) => known.toLowerCase() === stage.toLowerCase()) ?? "None";
}

function modelStatus(status: string): LoggedModel["status"] {
  if (status === "LOGGED_MODEL_READY") return "READY";
  return status === "LOGGED_MODEL_UPLOAD_FAILED" ? "UPLOAD_FAILED" : "PENDING";
}
