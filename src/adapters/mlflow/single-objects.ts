// Reads single objects of a server's tracking half by id or name, each with as few requests as it takes; undefined where there is none.
import { MigrationError } from "../../errors.ts";
import type { HttpClient, Query } from "../../http/client.ts";
import type { Entity, EntityKey, Experiment, LoggedModel } from "../../model/entities.ts";
import { idOf, kindOf } from "../../model/keys.ts";
import { get } from "./calls.ts";
import * as convert from "./convert.ts";
import { indexOf } from "./stock.ts";
import { unlessMissing } from "./target-calls.ts";
import { wire } from "./wire.ts";
import type { WireLoggedModel, WireRun } from "./wire.ts";

const API = "/api/2.0/mlflow";

/** The experiment, run or logged model under a key, as a selection would yield it. */
export async function readTracked(http: HttpClient, key: EntityKey, signal: AbortSignal): Promise<Entity | undefined> {
  const id = idOf(key);
  switch (kindOf(key)) {
    case "experiment":
      return readExperiment(http, id, signal);
    case "run": {
      const run = await readRun(http, id, signal);
      return run && runEntity(run);
    }
    case "logged-model":
      return readLoggedModel(http, id, signal);
    case "registered-model":
    case "model-version":
    case "alias":
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return undefined;
  }
}

async function readExperiment(http: HttpClient, id: string, signal: AbortSignal): Promise<Experiment | undefined> {
  // Other texts are refused, not missing.
  if (!/^\d+$/.test(id)) return undefined;
  const answer = await unlessMissing(
    get(http, `${API}/experiments/get`, { query: [["experiment_id", id]], schema: wire.experiment, signal }),
  );
  return answer && convert.toExperiment(answer.experiment);
}

/** Deleted ones too: they keep their names. */
export async function readExperimentNamed(http: HttpClient, name: string, signal: AbortSignal): Promise<Experiment | undefined> {
  const query: Query = [["experiment_name", name]];
  const answer = await unlessMissing(get(http, `${API}/experiments/get-by-name`, { query, schema: wire.experiment, signal }));
  return answer && convert.toExperiment(answer.experiment);
}

export async function readRun(http: HttpClient, id: string, signal: AbortSignal): Promise<WireRun | undefined> {
  if (!/^[a-zA-Z0-9][\w-]{0,255}$/.test(id)) return undefined;
  return (await unlessMissing(get(http, `${API}/runs/get`, { query: [["run_id", id]], schema: wire.run, signal })))?.run;
}

/** A run that was read by itself: its parent is taken to be there. */
export function runEntity(run: WireRun): Entity {
  const parent = run.data.tags.get(convert.PARENT_TAG);
  return convert.toRun(run, parent === undefined || parent === run.info.run_id ? undefined : convert.runKey(parent));
}

async function readLoggedModel(http: HttpClient, id: string, signal: AbortSignal): Promise<LoggedModel | undefined> {
  const model = await readWireModel(http, id, signal);
  if (model === undefined) return undefined;
  const named = [model.info.source_run_id, ...model.data.metrics.map((metric) => metric.run_id ?? "")].filter((run) => run !== "");
  const runs = await found([...new Set(named)], (run) => readRun(http, run, signal));
  const outputs = runs.map(indexOf).flatMap((run) => run.outputs.map((output) => ({ ...output, run: convert.runKey(run.id) })));
  const outputOf = outputs.filter((output) => output.model === id).map(({ run, step }) => ({ run, step }));
  const inputOf = runs.filter((run) => indexOf(run).inputs.includes(id)).map(({ info }) => convert.runKey(info.run_id));
  const present = new Set(runs.map(({ info }) => convert.runKey(info.run_id)));
  return convert.toLoggedModel(model, { outputOf, inputOf }, (key) => present.has(key));
}

/** Deleted ones are as if they were not there. Servers before 3.0 have none. */
export async function readWireModel(http: HttpClient, id: string, signal: AbortSignal): Promise<WireLoggedModel | undefined> {
  if (!/^m-[0-9a-f]{32}$/.test(id)) return undefined;
  try {
    return (await get(http, `${API}/logged-models/${id}`, { schema: wire.loggedModel, signal })).model;
  } catch (thrown) {
    if (thrown instanceof MigrationError && thrown.code === "NOT_FOUND") return undefined;
    throw thrown;
  }
}

/** What is there of several objects. */
export async function found<T>(ids: readonly string[], read: (id: string) => Promise<T | undefined>): Promise<T[]> {
  return (await Promise.all(ids.map(read))).filter((one) => one !== undefined);
}
