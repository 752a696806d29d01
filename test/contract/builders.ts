// Builds entities of a made-up registry: each builder fills in what a test does not care about, with references in order.
import { createHash } from "node:crypto";
import type {
  Alias,
  Comment,
  EntityKey,
  Experiment,
  Grant,
  LoggedModel,
  MetricPoint,
  ModelVersion,
  Permission,
  RegisteredModel,
  Run,
  StageTransition,
  Tags,
  TransitionRequest,
  VersionEntry,
  Webhook,
} from "../../src/model/entities.ts";
import { aliasKey, entryKey, idOf, keyOf, permissionKey, versionKey } from "../../src/model/keys.ts";
import type { Item } from "./item.ts";

/** 2020-09-13, long before any test: a time that a place must not replace by its own. */
export const LONG_AGO = 1_600_000_000_000n;

const NONE: Tags = new Map();

/** An id in MLflow's form, the same for the same name. */
export function idFor(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 32);
}

export function tags(object: Readonly<Record<string, string>>): Tags {
  return new Map(Object.entries(object));
}

/** A key that other objects may name before the object is built. */
export const runKey = (name: string): EntityKey => keyOf("run", idFor(name));
export const loggedModelKey = (name: string): EntityKey => keyOf("logged-model", `m-${idFor(name)}`);
export const modelKey = (name: string): EntityKey => keyOf("registered-model", name);
export const experimentKey = (name: string): EntityKey => keyOf("experiment", String(parseInt(idFor(name).slice(0, 8), 16)));

export function experiment(name: string, fields: Partial<Experiment> = {}): Item<Experiment> {
  const node = { kind: "experiment", key: experimentKey(name), needs: [], mayReference: [], provenance: NONE } as const;
  return { entity: { ...node, name, tags: NONE, deleted: false, createdAt: LONG_AGO, ...fields } };
}

export interface RunParts {
  readonly points?: readonly MetricPoint[];
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  readonly parent?: EntityKey;
}

/** A finished run; `points` also give its latest metrics, `parent` the tag that MLflow keeps it in. */
export function run(
  name: string,
  within: Item<Experiment>,
  fields: Partial<Run> = {},
  { points = [], files = {}, parent }: RunParts = {},
): Item<Run> {
  const own = new Map(fields.tags ?? []);
  if (parent !== undefined) own.set("mlflow.parentRunId", idOf(parent));
  const entity: Run = {
    kind: "run",
    key: runKey(name),
    needs: [within.entity.key, ...(parent === undefined ? [] : [parent])],
    mayReference: [],
    provenance: NONE,
    experiment: within.entity.key,
    name,
    user: "ada",
    status: "FINISHED",
    startTime: LONG_AGO,
    endTime: LONG_AGO + 5000n,
    params: NONE,
    latestMetrics: latest(points),
    datasets: [],
    deleted: false,
    ...fields,
    tags: own,
  };
  return { entity, points, files: bytes(files) };
}

export function loggedModel(
  name: string,
  within: Item<Experiment>,
  fields: Partial<LoggedModel> = {},
  files: Readonly<Record<string, Uint8Array | string>> = {},
): Item<LoggedModel> {
  const runs = [fields.sourceRun, ...(fields.outputOf ?? []).map((output) => output.run), ...(fields.inputOf ?? [])];
  const entity: LoggedModel = {
    kind: "logged-model",
    key: loggedModelKey(name),
    needs: [...new Set([within.entity.key, ...runs.filter((key) => key !== undefined)])],
    mayReference: [],
    provenance: NONE,
    experiment: within.entity.key,
    name,
    status: "READY",
    params: NONE,
    tags: NONE,
    metrics: [],
    outputOf: [],
    inputOf: [],
    createdAt: LONG_AGO,
    ...fields,
  };
  return { entity, files: bytes(files) };
}

export function registeredModel(name: string, fields: Partial<RegisteredModel> = {}): Item<RegisteredModel> {
  const node = { kind: "registered-model", key: modelKey(name), needs: [], mayReference: [], provenance: NONE } as const;
  return { entity: { ...node, name, tags: NONE, createdAt: LONG_AGO, ...fields } };
}

/** A version whose files lie below `model/` of a run, unless `fields` say otherwise. */
export function version(
  number: number,
  of: Item<RegisteredModel>,
  fields: Pick<ModelVersion, "files"> & Partial<ModelVersion>,
  files: Readonly<Record<string, Uint8Array | string>> = {},
): Item<ModelVersion> {
  const owner = fields.files.owner === "own" ? [] : [fields.files.key];
  const named = fields.run === undefined ? [] : [fields.run];
  const entity: ModelVersion = {
    kind: "model-version",
    key: versionKey(of.entity.name, number),
    needs: [...new Set([of.entity.key, ...owner, ...named])],
    mayReference: [],
    provenance: NONE,
    model: of.entity.name,
    version: number,
    tags: NONE,
    stage: "None",
    sourceUri: "runs:/somewhere/model",
    createdAt: LONG_AGO,
    ...fields,
  };
  return { entity, files: bytes(files) };
}

/** A version of a run's files: the common case. */
export function versionOf(
  madeBy: Item<Run>,
  number: number,
  of: Item<RegisteredModel>,
  fields: Partial<ModelVersion> = {},
): Item<ModelVersion> {
  const files = { owner: "run", key: madeBy.entity.key, path: "model" } as const;
  return version(number, of, { files, run: madeBy.entity.key, ...fields });
}

export function alias(name: string, of: Item<ModelVersion>): Item<Alias> {
  const { model, version: number, key } = of.entity;
  const node = { kind: "alias", key: aliasKey(model, name), needs: [key], mayReference: [], provenance: NONE } as const;
  return { entity: { ...node, model, alias: name, version: number } };
}

/** What hangs on a version, by its number there. */
export function transition(number: number, of: Item<ModelVersion>, fields: Partial<StageTransition> = {}): Item<StageTransition> {
  const times = { at: LONG_AGO + BigInt(number) * 1000n, bySystem: false };
  return { entity: { ...entry("stage-transition", number, of), from: "None", to: "Staging", ...times, user: "ada", ...fields } };
}

export function comment(number: number, of: Item<ModelVersion>, fields: Partial<Comment> = {}): Item<Comment> {
  return { entity: { ...entry("comment", number, of), text: `remark ${number}`, createdAt: LONG_AGO, user: "ada", ...fields } };
}

export function request(number: number, of: Item<ModelVersion>, fields: Partial<TransitionRequest> = {}): Item<TransitionRequest> {
  return { entity: { ...entry("transition-request", number, of), to: "Production", createdAt: LONG_AGO, user: "bob", ...fields } };
}

function entry<K extends VersionEntry["kind"]>(kind: K, number: number, { entity: { key, model, version: at } }: Item<ModelVersion>) {
  const place = { model, version: at };
  return { kind, key: entryKey(kind, place, String(number)), needs: [key], mayReference: [], provenance: NONE, ...place } as const;
}

export function permission(of: Item<Experiment | RegisteredModel> | "registry", entries: readonly Grant[]): Item<Permission> {
  const object = of === "registry" ? of : of.entity.key;
  const node = { kind: "permission", key: permissionKey(object), mayReference: [], provenance: NONE } as const;
  return { entity: { ...node, needs: object === "registry" ? [] : [object], object, entries } };
}

export function webhook(name: string, of: Item<RegisteredModel> | undefined, fields: Partial<Webhook> = {}): Item<Webhook> {
  const node = { kind: "webhook", key: keyOf("webhook", idFor(name)), mayReference: [], provenance: NONE } as const;
  const model = of === undefined ? { needs: [] } : { needs: [of.entity.key], model: of.entity.name };
  const target = { url: `https://hooks.example.org/${name}`, verifiesTls: true };
  return { entity: { ...node, ...model, events: ["MODEL_VERSION_CREATED"], status: "ACTIVE", target, ...fields } };
}

export function point(key: string, value: number, step: bigint | number = 0, timestamp: bigint = LONG_AGO): MetricPoint {
  return { key, value, step: BigInt(step), timestamp };
}

function latest(points: readonly MetricPoint[]): Map<string, MetricPoint> {
  const found = new Map<string, MetricPoint>();
  for (const one of points) {
    const other = found.get(one.key);
    const isLater = other === undefined || one.step > other.step || (one.step === other.step && one.timestamp > other.timestamp);
    if (isLater) found.set(one.key, one);
  }
  return found;
}

function bytes(files: Readonly<Record<string, Uint8Array | string>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [path, new Uint8Array(Buffer.from(content))]));
}
