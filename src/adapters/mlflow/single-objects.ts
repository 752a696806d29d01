// Reads single objects of a server by id or name, each with as few requests as it takes; undefined where there is none.
import { MigrationError } from "../../errors.ts";
import type { HttpClient, Query } from "../../http/client.ts";
import type { Alias, Entity, EntityKey, Experiment, LoggedModel, ModelVersion } from "../../model/entities.ts";
import { idOf, kindOf, modelOf, versionKey } from "../../model/keys.ts";
import { get } from "./calls.ts";
import * as convert from "./convert.ts";
import { idsIn } from "./inventory.ts";
import { resolvePromotions } from "./promotions.ts";
import { indexOf } from "./stock.ts";
import type { RunIndex } from "./stock.ts";
import { CARRIER_TAG, isRefusal, unlessMissing } from "./target-calls.ts";
import { placeOf } from "./version-place.ts";
import { wire } from "./wire.ts";
import type { WireLoggedModel, WireModelVersion, WireRegisteredModel, WireRun } from "./wire.ts";

const API = "/api/2.0/mlflow";

/** The object under a key, as a selection would yield it. */
export async function readObject(http: HttpClient, key: EntityKey, signal: AbortSignal): Promise<Entity | undefined> {
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
    case "registered-model": {
      const model = await readModel(http, id, signal);
      return model && convert.toRegisteredModel(model);
    }
    case "model-version":
      return readVersion(http, key, signal);
    case "alias":
      return readAlias(http, key, signal);
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

/** A registered model that is no prompt, with its aliases. */
export async function readModel(http: HttpClient, name: string, signal: AbortSignal): Promise<WireRegisteredModel | undefined> {
  if (name === "") return undefined;
  const query: Query = [["name", name]];
  const answer = await unlessImpossible(get(http, `${API}/registered-models/get`, { query, schema: wire.registeredModel, signal }));
  return answer?.registered_model.tags.get("mlflow.prompt.is_prompt") === "true" ? undefined : answer?.registered_model;
}

async function readAlias(http: HttpClient, key: EntityKey, signal: AbortSignal): Promise<Alias | undefined> {
  const model = idOf(modelOf(key));
  const word = idOf(key).slice(model.length + 1);
  const alias = (await readModel(http, model, signal))?.aliases.find((one) => one.alias === word);
  return alias && convert.toAlias(model, alias.alias, alias.version);
}

/** With whatever its files may lie in, so that it is told as a reading of everything would. */
async function readVersion(http: HttpClient, key: EntityKey, signal: AbortSignal): Promise<ModelVersion | undefined> {
  const version = await readWireVersion(http, key, signal);
  if (version === undefined) return undefined;
  const [, named, number] = /^models:\/(.+)\/(\d+)$/s.exec(version.source) ?? [];
  const original = named === undefined ? undefined : await readWireVersion(http, versionKey(named, Number(number)), signal);
  const promotions = await resolvePromotions(http, original === undefined ? [version] : [version, original], signal);
  const ids = [version.run_id, ...idsIn(version.source), ...[...promotions.locations.values()].flatMap(idsIn)];
  const runs = await found(
    [...new Set(ids)].filter((id) => id !== "" && !id.startsWith("m-")),
    (id) => readRun(http, id, signal),
  );
  const made = runs.map(indexOf).flatMap((run) => run.outputs.map(({ model }) => model));
  const models = await found([...new Set([...ids.filter((id) => id.startsWith("m-")), ...made])], (id) => readWireModel(http, id, signal));
  const known = {
    ...promotions,
    runs: new Map<string, RunIndex>(runs.filter((run) => !run.data.tags.has(CARRIER_TAG)).map((run) => [run.info.run_id, indexOf(run)])),
    loggedModels: new Map(models.map((model) => [model.info.model_id, model])),
  };
  return convert.toModelVersion(version, placeOf(version, known));
}

async function readWireVersion(http: HttpClient, key: EntityKey, signal: AbortSignal): Promise<WireModelVersion | undefined> {
  const model = idOf(modelOf(key));
  const number = idOf(key).slice(model.length + 1);
  if (model === "" || !/^\d+$/.test(number)) return undefined;
  const query: Query = [
    ["name", model],
    ["version", number],
  ];
  return (await unlessImpossible(get(http, `${API}/model-versions/get`, { query, schema: wire.modelVersion, signal })))?.model_version;
}

/** What cannot be a model's name, such as one with a slash, is refused as invalid: there is none of that name either. */
async function unlessImpossible<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await unlessMissing(answer);
  } catch (thrown) {
    if (isRefusal(thrown, "INVALID_PARAMETER_VALUE")) return undefined;
    throw thrown;
  }
}

async function found<T>(ids: readonly string[], read: (id: string) => Promise<T | undefined>): Promise<T[]> {
  return (await Promise.all(ids.map(read))).filter((one) => one !== undefined);
}
