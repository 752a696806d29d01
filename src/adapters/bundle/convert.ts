// Entities to the lines of a bundle and back. Texts that are too long for a line go through the two callbacks.
import { toUSVString } from "node:util";
import type {
  DatasetInput,
  Entity,
  EntityKey,
  LoggedModel,
  MetricPoint,
  ModelMetric,
  Run,
  Tags,
  VersionFiles,
} from "../../model/entities.ts";
import { historyOf, historyRecord, toPart, toPartRecord } from "./convert-entries.ts";
import { LIMITS } from "./layout.ts";
import type { BundleRecord, DatasetRecord, PointRecord, RecordOf, TextRecord } from "./records.ts";

export type EntityRecord = BundleRecord["entity"];
/** Stores a long text and tells where. */
export type StoreText = (text: string) => Promise<{ blob: string; size: number }>;
/** Reads such a text back. */
export type LoadText = (blob: string, size: number) => Promise<string>;

/** The entity as it stands in a line: pairs sorted by name, whole numbers as text. */
export async function toRecord(entity: Entity, store: StoreText): Promise<EntityRecord> {
  const node = {
    key: entity.key,
    needs: [...entity.needs],
    mayReference: [...entity.mayReference],
    provenance: toPairs(entity.provenance),
  };
  switch (entity.kind) {
    case "experiment":
      return { kind: "experiment", ...node, name: entity.name, tags: toPairs(entity.tags), deleted: entity.deleted, ...createdAt(entity) };
    case "run":
      return { kind: "run", ...node, ...(await runFields(entity, store)) };
    case "logged-model":
      return { kind: "logged-model", ...node, ...loggedModelFields(entity) };
    case "registered-model":
      return { ...dropped(entity, ["createdAt", "tags"]), ...node, tags: toPairs(entity.tags), ...createdAt(entity) };
    case "model-version":
      return {
        ...dropped(entity, ["createdAt", "tags", "history", "changedAt"]),
        ...node,
        tags: toPairs(entity.tags),
        files: { ...entity.files },
        ...createdAt(entity),
        ...historyRecord(entity),
      };
    case "alias":
      return { kind: "alias", ...node, model: entity.model, alias: entity.alias, version: entity.version };
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return toPartRecord(entity, node);
  }
}

/** The entity that a line holds. The line was checked against its schema, so keys are taken as they are. */
export async function toEntity(record: EntityRecord, load: LoadText): Promise<Entity> {
  const node = {
    key: asKey(record.key),
    needs: record.needs.map(asKey),
    mayReference: record.mayReference.map(asKey),
    provenance: new Map(record.provenance),
  };
  switch (record.kind) {
    case "experiment":
      return {
        kind: "experiment",
        ...node,
        name: record.name,
        tags: new Map(record.tags),
        deleted: record.deleted,
        ...createdAtOf(record),
      };
    case "run":
      return { kind: "run", ...node, ...(await runOf(record, load)) };
    case "logged-model":
      return { kind: "logged-model", ...node, ...loggedModelOf(record) };
    case "registered-model":
      return { ...dropped(record, ["createdAt", "tags"]), ...node, tags: new Map(record.tags), ...createdAtOf(record) };
    case "model-version":
      return { ...versionOf(record), ...node };
    case "alias":
      return { kind: "alias", ...node, model: record.model, alias: record.alias, version: record.version };
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return toPart(record, node);
  }
}

export function toPoint(point: MetricPoint): PointRecord {
  return [point.key, toDouble(point.value), point.step.toString(), point.timestamp.toString()];
}

export function fromPoint([key, value, step, timestamp]: PointRecord): MetricPoint {
  return { key, value: Number(value), step: BigInt(step), timestamp: BigInt(timestamp) };
}

/** Order of JavaScript's own string comparison (UTF-16 code units): the same on every machine. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function toDouble(value: number): PointRecord[1] {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "Infinity";
  if (value === -Infinity) return "-Infinity";
  return Object.is(value, -0) ? "-0" : value;
}

function toPairs(tags: Tags): [string, string][] {
  return [...tags].sort(([a], [b]) => byCodeUnits(a, b));
}

async function runFields(run: Run, store: StoreText) {
  const datasets: DatasetRecord[] = [];
  for (const dataset of run.datasets) datasets.push(await toDataset(dataset, store));
  return {
    experiment: run.experiment,
    name: run.name,
    user: run.user,
    status: run.status,
    ...(run.startTime === undefined ? {} : { startTime: run.startTime.toString() }),
    ...(run.endTime === undefined ? {} : { endTime: run.endTime.toString() }),
    params: toPairs(run.params),
    tags: toPairs(run.tags),
    latestMetrics: [...run.latestMetrics.values()].sort((a, b) => byCodeUnits(a.key, b.key)).map(toPoint),
    datasets,
    deleted: run.deleted,
  };
}

async function runOf(record: RecordOf<"run">["entity"], load: LoadText) {
  const datasets: DatasetInput[] = [];
  for (const dataset of record.datasets) datasets.push(await fromDataset(dataset, load));
  return {
    experiment: asKey(record.experiment),
    name: record.name,
    user: record.user,
    status: record.status,
    ...(record.startTime === undefined ? {} : { startTime: BigInt(record.startTime) }),
    ...(record.endTime === undefined ? {} : { endTime: BigInt(record.endTime) }),
    params: new Map(record.params),
    tags: new Map(record.tags),
    latestMetrics: new Map(record.latestMetrics.map((point) => [point[0], fromPoint(point)])),
    datasets,
    deleted: record.deleted,
  };
}

async function toDataset(dataset: DatasetInput, store: StoreText): Promise<DatasetRecord> {
  return {
    name: dataset.name,
    digest: dataset.digest,
    sourceType: dataset.sourceType,
    source: await toText(dataset.source, store),
    ...(dataset.schema === undefined ? {} : { schema: await toText(dataset.schema, store) }),
    ...(dataset.profile === undefined ? {} : { profile: await toText(dataset.profile, store) }),
    tags: toPairs(dataset.tags),
  };
}

async function fromDataset(record: DatasetRecord, load: LoadText): Promise<DatasetInput> {
  return {
    name: record.name,
    digest: record.digest,
    sourceType: record.sourceType,
    source: await fromText(record.source, load),
    ...(record.schema === undefined ? {} : { schema: await fromText(record.schema, load) }),
    ...(record.profile === undefined ? {} : { profile: await fromText(record.profile, load) }),
    tags: new Map(record.tags),
  };
}

// A text with unpaired surrogates has no UTF-8 form: it stays in the line, where JSON escapes them.
async function toText(text: string, store: StoreText): Promise<TextRecord> {
  const fits = Buffer.byteLength(text) <= LIMITS.inlineTextBytes;
  return fits || toUSVString(text) !== text ? text : store(text);
}

async function fromText(record: TextRecord, load: LoadText): Promise<string> {
  return typeof record === "string" ? record : load(record.blob, record.size);
}

function loggedModelFields(model: LoggedModel) {
  return {
    experiment: model.experiment,
    name: model.name,
    ...(model.modelType === undefined ? {} : { modelType: model.modelType }),
    status: model.status,
    ...(model.sourceRun === undefined ? {} : { sourceRun: model.sourceRun }),
    params: toPairs(model.params),
    tags: toPairs(model.tags),
    metrics: model.metrics.map(toModelMetric),
    outputOf: model.outputOf.map(({ run, step }) => ({ run, step: step.toString() })),
    inputOf: [...model.inputOf],
    ...createdAt(model),
  };
}

function loggedModelOf(record: RecordOf<"logged-model">["entity"]) {
  return {
    experiment: asKey(record.experiment),
    name: record.name,
    ...(record.modelType === undefined ? {} : { modelType: record.modelType }),
    status: record.status,
    ...(record.sourceRun === undefined ? {} : { sourceRun: asKey(record.sourceRun) }),
    params: new Map(record.params),
    tags: new Map(record.tags),
    metrics: record.metrics.map(fromModelMetric),
    outputOf: record.outputOf.map(({ run, step }) => ({ run: asKey(run), step: BigInt(step) })),
    inputOf: record.inputOf.map(asKey),
    ...createdAtOf(record),
  };
}

type ModelMetricRecord = RecordOf<"logged-model">["entity"]["metrics"][number];

function toModelMetric(metric: ModelMetric): ModelMetricRecord {
  return { ...metric, value: toDouble(metric.value), step: metric.step.toString(), timestamp: metric.timestamp.toString() };
}

function fromModelMetric(record: ModelMetricRecord): ModelMetric {
  const { run, ...rest } = record;
  return {
    ...rest,
    value: Number(record.value),
    step: BigInt(record.step),
    timestamp: BigInt(record.timestamp),
    ...(run === undefined ? {} : { run: asKey(run) }),
  };
}

function versionOf(record: RecordOf<"model-version">["entity"]) {
  const { run, files } = record;
  return {
    ...dropped(record, ["createdAt", "tags", "run", "files", "history"]),
    tags: new Map(record.tags),
    files: filesOf(files),
    ...(run === undefined ? {} : { run: asKey(run) }),
    ...createdAtOf(record),
    ...historyOf(record),
  };
}

function filesOf(files: RecordOf<"model-version">["entity"]["files"]): VersionFiles {
  if (files.owner !== "own") return { ...files, key: asKey(files.key) };
  return files.loggedModel === undefined ? { owner: "own" } : { owner: "own", loggedModel: asKey(files.loggedModel) };
}

function createdAt(entity: { readonly createdAt?: bigint }): { createdAt?: string } {
  return entity.createdAt === undefined ? {} : { createdAt: entity.createdAt.toString() };
}

function createdAtOf(record: { createdAt?: string }): { createdAt?: bigint } {
  return record.createdAt === undefined ? {} : { createdAt: BigInt(record.createdAt) };
}

function dropped<T extends object, K extends keyof T & string>(value: T, keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}

/** Keys were checked by the schema. */
const asKey = (key: string): EntityKey => key as EntityKey;
