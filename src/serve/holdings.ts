// A source behind its index: look-ups that fail as a server's do, and metric histories and file lists that are read when asked for.
import type { Experiment, EntityKey, LoggedModel, MetricPoint, ModelVersion, RegisteredModel, Run } from "../model/entities.ts";
import { versionKey } from "../model/keys.ts";
import type { ArtifactFile, Source } from "../ports/source.ts";
import { createRecent } from "./recent.ts";
import { invalid, notFound } from "./refusals.ts";
import { indexRegistry } from "./registry.ts";
import type { FileOwner, Registry } from "./registry.ts";

/** Points and file entries that are kept for the next question, in all; about 100 bytes each. */
const REMEMBERED = 300_000;

/** By metric key, each in the server's order: time, step, value. */
export type RunHistory = ReadonlyMap<string, readonly MetricPoint[]>;

export interface Holdings {
  readonly source: Source;
  readonly registry: Registry;
  experiment(id: string): Experiment;
  run(id: string): Run;
  loggedModel(id: string): LoggedModel;
  registeredModel(name: string): RegisteredModel;
  version(model: string, number: string): ModelVersion;
  /** The histories of at most 100 runs, read as one group. */
  histories(runs: readonly Run[]): Promise<ReadonlyMap<EntityKey, RunHistory>>;
  /** By path. */
  files(owner: FileOwner | ModelVersion): Promise<ReadonlyMap<string, ArtifactFile>>;
}

/** Reads the source's objects; `signal` ends all later reading. */
export async function openHoldings(source: Source, signal: AbortSignal): Promise<Holdings> {
  const registry = await indexRegistry(source, signal);
  const files = createRecent<EntityKey, ReadonlyMap<string, ArtifactFile>>(REMEMBERED, (found) => found.size + 1);
  return {
    source,
    registry,
    ...lookups(registry),
    histories: createHistories(source, signal),
    files: (owner) => files.get(owner.key, () => filesOf(source, owner, signal)),
  };
}

function lookups(registry: Registry): Pick<Holdings, "experiment" | "run" | "loggedModel" | "registeredModel" | "version"> {
  return {
    experiment: (id) => {
      if (!/^\d+$/.test(id)) throw invalid(`Invalid experiment ID: '${id}'. Experiment ID must be a valid integer.`);
      return present(registry.experiments.get(id), `No Experiment with id=${id} exists`);
    },
    run: (id) => present(registry.runs.get(id), `Run with id=${id} not found`),
    loggedModel: (id) => present(registry.loggedModels.get(id), `Logged model with ID '${id}' not found.`),
    registeredModel: (name) => present(registry.registeredModels.get(name), `Registered Model with name=${name} not found`),
    version: (model, number) => {
      if (!/^\d+$/.test(number)) throw invalid(`Invalid value for model version: '${number}'. It must be an integer.`);
      const found = registry.versions.get(versionKey(model, Number(number)));
      return present(found, `Model Version (name=${model}, version=${number}) not found`);
    },
  };
}

function present<T>(found: T | undefined, message: string): T {
  if (found === undefined) throw notFound(message);
  return found;
}

/** A client asks for one metric after the other, and most sources read all metrics of a run at once. */
function createHistories(source: Source, signal: AbortSignal): Holdings["histories"] {
  const remembered = createRecent<EntityKey, RunHistory>(REMEMBERED, (history) =>
    [...history.values()].reduce((sum, points) => sum + points.length, 1),
  );
  return async (runs) => {
    const missing = runs.filter((run) => !remembered.has(run.key));
    const group = missing.length === 0 ? undefined : source.histories(missing, signal);
    const read = async (run: Run): Promise<RunHistory> => byMetric((group ?? source.histories([run], signal)).points(run.key));
    return new Map(await Promise.all(runs.map(async (run) => [run.key, await remembered.get(run.key, () => read(run))] as const)));
  };
}

async function byMetric(batches: AsyncIterable<readonly MetricPoint[]>): Promise<RunHistory> {
  const metrics = new Map<string, MetricPoint[]>();
  for await (const batch of batches) {
    for (const point of batch) {
      const points = metrics.get(point.key);
      if (points === undefined) metrics.set(point.key, [point]);
      else points.push(point);
    }
  }
  for (const points of metrics.values()) points.sort(inServerOrder);
  return metrics;
}

function inServerOrder(a: MetricPoint, b: MetricPoint): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  if (a.step !== b.step) return a.step < b.step ? -1 : 1;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

async function filesOf(source: Source, owner: FileOwner, signal: AbortSignal): Promise<ReadonlyMap<string, ArtifactFile>> {
  const files = new Map<string, ArtifactFile>();
  for await (const file of source.artifacts(owner, signal).list()) files.set(file.path, file);
  return files;
}
