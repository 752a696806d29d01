// Entities in the JSON of MLflow 3.17's REST API. What is absent or empty is left out, as the server leaves it out.
import type {
  DatasetInput,
  Entity,
  Experiment,
  LoggedModel,
  MetricPoint,
  ModelVersion,
  RegisteredModel,
  Run,
  Tags,
} from "../model/entities.ts";
import { idOf, PROVENANCE_PREFIX, versionKey } from "../model/keys.ts";
import { noteTags } from "../model/notes.ts";
import { artifactRoot, sourceUri } from "./registry.ts";
import type { Registry } from "./registry.ts";

export function experimentJson(experiment: Experiment): object {
  const id = idOf(experiment.key);
  return {
    experiment_id: id,
    name: experiment.name,
    artifact_location: `mlflow-artifacts:/${id}`,
    lifecycle_stage: lifecycleStage(experiment.deleted),
    last_update_time: experiment.createdAt,
    creation_time: experiment.createdAt,
    tags: tagsJson(tagsOf(experiment)),
    workspace: "default",
  };
}

export function runJson(registry: Registry, run: Run): object {
  const id = idOf(run.key);
  const outputs = registry.outputsOf.get(run.key)?.map(({ modelId, step }) => ({ model_id: modelId, step }));
  const inputs = registry.inputsOf.get(run.key)?.map((modelId) => ({ model_id: modelId }));
  return {
    info: {
      run_uuid: id,
      experiment_id: idOf(run.experiment),
      run_name: run.name,
      user_id: run.user,
      status: run.status,
      start_time: run.startTime,
      end_time: run.endTime,
      artifact_uri: `mlflow-artifacts:/${artifactRoot(run)}`,
      lifecycle_stage: lifecycleStage(run.deleted),
      run_id: id,
    },
    data: {
      metrics: list([...run.latestMetrics.values()].map(pointJson)),
      params: tagsJson(run.params),
      tags: tagsJson(tagsOf(run)),
    },
    inputs: { dataset_inputs: list(run.datasets.map(datasetJson)), model_inputs: inputs },
    outputs: { model_outputs: outputs },
  };
}

export function pointJson(point: MetricPoint): object {
  return { key: point.key, value: point.value, timestamp: point.timestamp, step: point.step };
}

export function loggedModelJson(model: LoggedModel): object {
  const id = idOf(model.key);
  const metrics = model.metrics.map((metric) => ({
    ...pointJson(metric),
    dataset_name: metric.datasetName,
    dataset_digest: metric.datasetDigest,
    model_id: id,
    run_id: metric.run === undefined ? undefined : idOf(metric.run),
  }));
  return {
    info: {
      model_id: id,
      experiment_id: idOf(model.experiment),
      name: model.name,
      creation_timestamp_ms: model.createdAt,
      last_updated_timestamp_ms: model.createdAt,
      artifact_uri: `mlflow-artifacts:/${artifactRoot(model)}`,
      status: `LOGGED_MODEL_${model.status}`,
      model_type: model.modelType ?? "",
      source_run_id: model.sourceRun === undefined ? "" : idOf(model.sourceRun),
      tags: tagsJson(tagsOf(model)),
    },
    data: { params: tagsJson(model.params), metrics: list(metrics) },
  };
}

export function registeredModelJson(registry: Registry, model: RegisteredModel): object {
  const aliases = registry.aliasesOf.get(model.name) ?? [];
  return {
    name: model.name,
    creation_timestamp: model.createdAt,
    last_updated_timestamp: model.createdAt,
    description: model.description,
    tags: tagsJson(tagsOf(model)),
    aliases: list(aliases.map(({ alias, version }) => ({ alias, version: String(version) }))),
    latest_versions: list(latestVersions(registry, model.name).map((version) => versionJson(registry, version))),
  };
}

/** The newest version of each stage, by number. */
export function latestVersions(registry: Registry, model: string): readonly ModelVersion[] {
  const byStage = new Map((registry.versionsOf.get(model) ?? []).map((version) => [version.stage, version]));
  return [...byStage.values()].sort((a, b) => a.version - b.version);
}

/** `aliases` are only in answers about a single version. */
export function versionJson(registry: Registry, version: ModelVersion, { aliases = false } = {}): object {
  const names = (registry.aliasesOf.get(version.model) ?? []).filter((alias) => alias.version === version.version);
  return {
    name: version.model,
    version: String(version.version),
    creation_timestamp: version.createdAt,
    last_updated_timestamp: version.createdAt,
    user_id: version.user,
    current_stage: version.stage,
    description: version.description ?? "",
    source: sourceUri(registry, version),
    run_id: version.run === undefined ? "" : idOf(version.run),
    status: "READY",
    tags: tagsJson(versionTags(registry, version)),
    run_link: version.runLink ?? "",
    aliases: aliases ? list(names.map(({ alias }) => alias)) : undefined,
  };
}

/** An object's tags as its server shows them, with those that mlferry itself left on it; a run's name is one too. */
export function tagsOf(entity: Entity & { readonly tags: Tags }): Tags {
  const own = [...entity.provenance].map(([key, value]): [string, string] => [PROVENANCE_PREFIX + key, value]);
  const name: [string, string][] = entity.kind === "run" ? [["mlflow.runName", entity.name]] : [];
  return new Map([...name, ...entity.tags, ...own]);
}

/** With what MLflow has no other place for, as a server holds what mlferry wrote there. */
export function versionTags(registry: Registry, version: ModelVersion): Tags {
  const entries = registry.entriesOf.get(versionKey(version.model, version.version)) ?? [];
  const provenance = new Map([...version.provenance, ...entries.flatMap((entry) => [...noteTags(entry)])]);
  return tagsOf({ ...version, provenance });
}

function datasetJson(dataset: DatasetInput): object {
  return {
    tags: tagsJson(dataset.tags),
    dataset: {
      name: dataset.name,
      digest: dataset.digest,
      source_type: dataset.sourceType,
      source: dataset.source,
      schema: dataset.schema,
      profile: dataset.profile,
    },
  };
}

function tagsJson(tags: Tags): readonly object[] | undefined {
  return list([...tags].map(([key, value]) => ({ key, value })));
}

/** Empty lists are absent on the wire. */
function list<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}

function lifecycleStage(deleted: boolean): string {
  return deleted ? "deleted" : "active";
}
