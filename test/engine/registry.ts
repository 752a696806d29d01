// Small registries in memory for the engine's tests: builders with defaults, and a job over two places.
import { createMemory, type MemoryOptions, type MemoryPlace } from "../../src/adapters/memory/memory.ts";
import type { Outcome, Step } from "../../src/engine/change.ts";
import { execute } from "../../src/engine/execute.ts";
import type { Job } from "../../src/engine/job.ts";
import { planSteps } from "../../src/engine/plan.ts";
import { prepare } from "../../src/engine/preflight.ts";
import type { Level, Verified } from "../../src/engine/finding.ts";
import { verify } from "../../src/engine/verify.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type {
  Alias,
  EntityKey,
  Experiment,
  LoggedModel,
  MetricPoint,
  ModelVersion,
  OriginId,
  RegisteredModel,
  Run,
} from "../../src/model/entities.ts";
import { aliasKey, keyOf, versionKey } from "../../src/model/keys.ts";
import { createMapping, type MappingFile } from "../../src/model/mapping.ts";

export const ORIGIN = "0123456789abcdef" as OriginId;

const bare = { needs: [], mayReference: [], provenance: new Map<string, string>() };

export function experiment(id: string, fields: Partial<Experiment> = {}): Experiment {
  return {
    kind: "experiment",
    key: keyOf("experiment", id),
    ...bare,
    name: `experiment ${id}`,
    tags: new Map(),
    deleted: false,
    createdAt: 1n,
    ...fields,
  };
}

export function run(id: string, fields: Partial<Run> = {}): Run {
  const home = fields.experiment ?? keyOf("experiment", "1");
  return {
    kind: "run",
    key: keyOf("run", id),
    ...bare,
    needs: [home],
    experiment: home,
    name: `run ${id}`,
    user: "alice",
    status: "FINISHED",
    startTime: 1_600_000_000_000n,
    endTime: 1_600_000_001_000n,
    params: new Map([["lr", "0.1"]]),
    tags: new Map(),
    latestMetrics: new Map(),
    datasets: [],
    deleted: false,
    ...fields,
  };
}

export function loggedModel(id: string, fields: Partial<LoggedModel> = {}): LoggedModel {
  const home = keyOf("experiment", "1");
  return {
    kind: "logged-model",
    key: keyOf("logged-model", id),
    ...bare,
    needs: [home],
    experiment: home,
    name: "model",
    status: "READY",
    params: new Map(),
    tags: new Map(),
    metrics: [],
    outputOf: [],
    inputOf: [],
    createdAt: 2n,
    ...fields,
  };
}

export function model(name: string, fields: Partial<RegisteredModel> = {}): RegisteredModel {
  return { kind: "registered-model", key: keyOf("registered-model", name), ...bare, name, tags: new Map(), createdAt: 3n, ...fields };
}

export function version(name: string, number: number, fields: Partial<ModelVersion> = {}): ModelVersion {
  const files = fields.files ?? { owner: "own" as const };
  const needs: EntityKey[] = [keyOf("registered-model", name)];
  if (files.owner !== "own") needs.push(files.key);
  if (fields.run !== undefined) needs.push(fields.run);
  return {
    kind: "model-version",
    key: versionKey(name, number),
    ...bare,
    needs,
    model: name,
    version: number,
    tags: new Map(),
    stage: "None",
    files,
    sourceUri: "somewhere",
    createdAt: 4n,
    ...fields,
  };
}

export function alias(name: string, word: string, number: number): Alias {
  return {
    kind: "alias",
    key: aliasKey(name, word),
    ...bare,
    needs: [versionKey(name, number)],
    model: name,
    alias: word,
    version: number,
  };
}

export function point(key: string, value: number, step: bigint, timestamp = 1_600_000_000_000n): MetricPoint {
  return { key, value, step, timestamp };
}

/** A source with a bit of everything: two experiments, nested runs, a deleted run, stages, aliases, gaps, a promoted version. */
export function sampleSource(options: MemoryOptions = {}): MemoryPlace {
  const place = createMemory({ origin: ORIGIN, uri: "memory:source", newIds: false, ...options });
  const [parent, gone] = ["a".repeat(32), "c".repeat(32)].map((id) => keyOf("run", id)) as [EntityKey, EntityKey, EntityKey];
  const made = keyOf("logged-model", `m-${"d".repeat(32)}`);
  place.load(experiment("1", { name: "training", tags: new Map([["team", "risk"]]) }));
  place.load(experiment("2", { name: "old", deleted: true }));
  const points = [point("loss", 0.5, 0n), point("loss", Number.NaN, 1n), point("loss", 0.25, 2n ** 60n)];
  const latestMetrics = new Map([["loss", points[2] as MetricPoint]]);
  place.load(run("a".repeat(32), { latestMetrics }), { points, files: { "model/MLmodel": "flavors: {}", "empty.txt": "" } });
  const tags = new Map([["mlflow.parentRunId", "a".repeat(32)]]);
  place.load(run("b".repeat(32), { tags, needs: [keyOf("experiment", "1"), parent] }), { files: { "notes ü.md": "hello" } });
  place.load(run("c".repeat(32), { deleted: true }), { files: { "model/MLmodel": "gone" } });
  const home = keyOf("experiment", "1");
  place.load(loggedModel(`m-${"d".repeat(32)}`, { needs: [home, parent], sourceRun: parent, outputOf: [{ run: parent, step: 3n }] }), {
    files: { MLmodel: "logged" },
  });
  place.load(model("churn", { description: "who leaves", tags: new Map([["owner", "risk"]]) }));
  place.load(version("churn", 1, { run: parent, files: { owner: "run", key: parent, path: "model" }, stage: "Production" }));
  place.load(version("churn", 3, { run: gone, files: { owner: "run", key: gone, path: "model" }, stage: "Archived" }));
  place.load(
    version("churn", 4, { files: { owner: "logged-model", key: made, path: "" }, stage: "Production", tags: new Map([["q", "1"]]) }),
  );
  place.load(version("churn", 7, {}), { files: { "model.bin": "own bytes" } });
  place.load(model("live"));
  place.load(version("live", 1, { files: { owner: "version", key: versionKey("churn", 4) }, stage: "Staging" }));
  place.load(alias("churn", "prod", 4));
  return place;
}

/** A job with defaults; `mapping` as in a mapping file. */
export function job(
  source: MemoryPlace | Job["source"],
  target: Job["target"],
  options: Partial<Omit<Job, "mapping">> & { mapping?: MappingFile } = {},
): Job {
  const { mapping, ...rest } = options;
  return {
    source,
    target,
    journal: memoryJournal(),
    selection: { includeDeleted: true },
    mapping: createMapping(mapping ?? {}),
    onLoss: "refuse",
    inFlight: 4,
    signal: new AbortController().signal,
    drain: new AbortController().signal,
    onEvent: () => undefined,
    ...rest,
  };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function runJob(one: Job): Promise<Outcome[]> {
  const prepared = await prepare(one);
  return collect(execute(prepared, planSteps(prepared)));
}

export async function planJob(one: Job): Promise<Step[]> {
  return collect(planSteps(await prepare(one)));
}

export async function verifyJob(one: Job, level: Level = "bytes"): Promise<Verified[]> {
  return collect(verify(await prepare(one), level));
}

/** Keys of a list of outcomes by state, for short expectations. */
export function byState(outcomes: readonly Outcome[]): Record<string, string[]> {
  const states: Record<string, string[]> = {};
  for (const outcome of outcomes) (states[outcome.state] ??= []).push(outcome.step.source.key);
  for (const keys of Object.values(states)) keys.sort();
  return states;
}
