// Reads single objects of MLflow's registry by name and number; undefined where there is none.
import type { HttpClient, Query } from "../../http/client.ts";
import type { Entity, EntityKey, ModelVersion, VersionEntry } from "../../model/entities.ts";
import { idOf, modelOf, versionKey } from "../../model/keys.ts";
import { notesOn } from "../../model/notes.ts";
import { get } from "./calls.ts";
import * as convert from "./convert.ts";
import { idsIn } from "./inventory.ts";
import { resolvePromotions } from "./promotions.ts";
import { registeredObject } from "./registered-object.ts";
import { found, readRun, readWireModel } from "./single-objects.ts";
import { indexOf } from "./stock.ts";
import type { RunIndex } from "./stock.ts";
import { CARRIER_TAG, isRefusal, unlessMissing } from "./target-calls.ts";
import { placeOf } from "./version-place.ts";
import { wire } from "./wire.ts";
import type { WireModelVersion, WireRegisteredModel } from "./wire.ts";

const API = "/api/2.0/mlflow";

/** The object under a key, as a selection would yield it. */
export function readRegistered(http: HttpClient, key: EntityKey, signal: AbortSignal): Promise<Entity | undefined> {
  return registeredObject(key, {
    model: (name) => readModel(http, name, signal),
    version: (version) => readVersion(http, version, signal),
    notes: (version) => readNotes(http, version, signal),
  });
}

/** What the notes on a version stand for. */
export async function readNotes(http: HttpClient, version: EntityKey, signal: AbortSignal): Promise<VersionEntry[]> {
  const wireVersion = await readWireVersion(http, version, signal);
  return wireVersion === undefined ? [] : notesOn(convert.toModelVersion(wireVersion, { files: { owner: "own" } }));
}

/** A registered model that is no prompt, with its aliases. */
export async function readModel(http: HttpClient, name: string, signal: AbortSignal): Promise<WireRegisteredModel | undefined> {
  if (name === "") return undefined;
  const query: Query = [["name", name]];
  const answer = await unlessImpossible(get(http, `${API}/registered-models/get`, { query, schema: wire.registeredModel, signal }));
  return answer?.registered_model.tags.get("mlflow.prompt.is_prompt") === "true" ? undefined : answer?.registered_model;
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
