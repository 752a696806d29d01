// Facts: an entity as a flat list of fields and comparable values. Plan, verification and the loss accounting all count in facts.
import { digestOf } from "./keys.ts";
import type {
  DatasetInput,
  Dated,
  Entity,
  LoggedModel,
  MetricPoint,
  ModelVersion,
  Permission,
  Run,
  Tags,
  VersionEntry,
  VersionFiles,
  Webhook,
} from "./entities.ts";

/** Field path → value as text. Absent fields are absent. Paths are stable: they appear in reports and marks. */
export type Facts = ReadonlyMap<string, string>;

/** Every fact of an entity. References appear as keys in whatever namespace the entity has. */
export function facts(entity: Entity): Facts {
  const out = new Map<string, string>();
  switch (entity.kind) {
    case "experiment":
      out.set("name", entity.name).set("deleted", String(entity.deleted));
      addTags(out, "tags", entity.tags);
      addOptional(out, "createdAt", entity.createdAt);
      break;
    case "run":
      addRun(out, entity);
      break;
    case "logged-model":
      addLoggedModel(out, entity);
      break;
    case "registered-model":
      out.set("name", entity.name);
      addText(out, "description", entity.description);
      addTags(out, "tags", entity.tags);
      addOptional(out, "createdAt", entity.createdAt);
      break;
    case "model-version":
      addVersion(out, entity);
      break;
    case "stage-transition":
    case "comment":
    case "transition-request":
      addEntry(out, entity);
      break;
    case "alias":
      out.set("model", entity.model).set("alias", entity.alias).set("version", String(entity.version));
      break;
    case "permission":
      addPermission(out, entity);
      break;
    case "webhook":
      addWebhook(out, entity);
      break;
  }
  return out;
}

/** Whether the entity's own time of making is one that places assign; see Capabilities.creationTimes. */
export function isDated(entity: Entity): entity is Dated {
  const { kind } = entity;
  return kind === "experiment" || kind === "logged-model" || kind === "registered-model" || kind === "model-version";
}

/** Fields whose values differ, in path order; `undefined` stands for an absent field. */
export function differences(expected: Facts, found: Facts): { field: string; expected: string | undefined; found: string | undefined }[] {
  const fields = [...new Set([...expected.keys(), ...found.keys()])].sort();
  return fields
    .map((field) => ({ field, expected: expected.get(field), found: found.get(field) }))
    .filter((pair) => pair.expected !== pair.found);
}

/**
 * A digest over the facts: 32 hexadecimal digits. The scheme number changes whenever facts of an unchanged entity would,
 * so that marks of an older mlferry are recognised as such.
 */
export function fingerprint(entity: Entity): string {
  const scheme = 1;
  const sorted = [...facts(entity)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return digestOf([scheme, entity.kind, sorted]);
}

/** A metric value as text: as JSON would, with NaN, Infinity, -Infinity and -0 spelled out. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** A metric point as text, to compare histories as multisets. Servers return -0 as 0, so both count as one. */
export function pointText(point: Pick<MetricPoint, "value" | "step" | "timestamp">): string {
  return `${point.step}/${point.timestamp}/${doubleText(point.value === 0 ? 0 : point.value)}`;
}

function addRun(out: Map<string, string>, run: Run): void {
  out.set("experiment", run.experiment).set("name", run.name).set("user", run.user).set("status", run.status);
  addOptional(out, "startTime", run.startTime);
  addOptional(out, "endTime", run.endTime);
  addTags(out, "params", run.params);
  addTags(out, "tags", run.tags);
  for (const [key, point] of run.latestMetrics) out.set(`metrics.${key}`, pointText(point));
  for (const dataset of run.datasets) out.set(`datasets.${dataset.name}@${dataset.digest}`, datasetContent(dataset));
  out.set("deleted", String(run.deleted));
}

function addLoggedModel(out: Map<string, string>, model: LoggedModel): void {
  out.set("experiment", model.experiment).set("name", model.name).set("status", model.status);
  addText(out, "modelType", model.modelType);
  addOptional(out, "sourceRun", model.sourceRun);
  addTags(out, "params", model.params);
  addTags(out, "tags", model.tags);
  for (const metric of model.metrics) {
    const where = [metric.key, metric.run ?? "", metric.step, metric.timestamp].join("/");
    out.set(`metrics.${where}`, JSON.stringify([pointText(metric), metric.datasetName ?? "", metric.datasetDigest ?? ""]));
  }
  for (const output of model.outputOf) out.set(`outputOf.${output.run}`, String(output.step));
  for (const run of model.inputOf) out.set(`inputOf.${run}`, "input");
  addOptional(out, "createdAt", model.createdAt);
}

function addVersion(out: Map<string, string>, version: ModelVersion): void {
  out.set("model", version.model).set("version", String(version.version)).set("stage", version.stage);
  addText(out, "description", version.description);
  addTags(out, "tags", version.tags);
  addOptional(out, "run", version.run);
  out.set("files", filesText(version.files));
  addText(out, "runLink", version.runLink);
  addText(out, "user", version.user);
  addOptional(out, "createdAt", version.createdAt);
}

/** Where a version's files lie, in one line. */
export function filesText(files: VersionFiles): string {
  switch (files.owner) {
    case "own":
      return files.loggedModel === undefined ? "own" : `own, of ${files.loggedModel}`;
    case "version":
      return files.key;
    case "run":
    case "logged-model":
      return `${files.key}#${files.path}`;
  }
}

function addEntry(out: Map<string, string>, entry: VersionEntry): void {
  out.set("model", entry.model).set("version", String(entry.version));
  addText(out, "user", entry.user);
  if (entry.kind === "stage-transition") {
    out.set("from", entry.from).set("to", entry.to).set("at", String(entry.at)).set("bySystem", String(entry.bySystem));
    addText(out, "comment", entry.comment);
    return;
  }
  out.set("createdAt", String(entry.createdAt));
  if (entry.kind === "comment") {
    out.set("text", entry.text);
    addOptional(out, "updatedAt", entry.updatedAt);
    return;
  }
  out.set("to", entry.to);
  addText(out, "comment", entry.comment);
}

function addPermission(out: Map<string, string>, { object, entries }: Permission): void {
  out.set("object", object);
  for (const { kind, name, level } of entries) out.set(`entries.${kind}:${name}`, level);
}

function addWebhook(out: Map<string, string>, { model, events, description, status, target }: Webhook): void {
  addText(out, "model", model);
  out.set("events", [...events].sort().join(",")).set("status", status);
  addText(out, "description", description);
  if ("url" in target) out.set("target.url", target.url).set("target.verifiesTls", String(target.verifiesTls));
  else {
    out.set("target.jobId", target.jobId);
    addText(out, "target.workspaceUrl", target.workspaceUrl);
  }
}

/** Everything of a dataset but its name and digest. */
function datasetContent(dataset: DatasetInput): string {
  const tags = [...dataset.tags].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([dataset.sourceType, dataset.source, dataset.schema ?? "", dataset.profile ?? "", tags]);
}

/** A dataset as text, to tell equal ones. */
export function datasetText(dataset: DatasetInput): string {
  return `${dataset.name}@${dataset.digest} ${datasetContent(dataset)}`;
}

function addTags(out: Map<string, string>, prefix: string, tags: Tags): void {
  for (const [key, value] of tags) out.set(`${prefix}.${key}`, value);
}

/** Servers do not tell an empty text from an absent one, so neither do facts. */
function addText(out: Map<string, string>, field: string, value: string | undefined): void {
  if (value !== undefined && value !== "") out.set(field, value);
}

function addOptional(out: Map<string, string>, field: string, value: bigint | string | undefined): void {
  if (value !== undefined) out.set(field, String(value));
}
