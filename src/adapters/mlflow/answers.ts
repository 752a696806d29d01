// Answers small questions about a server with searches that the server itself filters.
import type { HttpClient } from "../../http/client.ts";
import type { Entity, EntityKey, Kind } from "../../model/entities.ts";
import { idOf, kindOf, PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import { isAnswer } from "../../model/question.ts";
import type { Question } from "../../model/question.ts";
import type { Source } from "../../ports/source.ts";
import { canBeQuoted, filterVersions, listExperiments, quoted, searchLoggedModels, searchModels, searchRuns } from "./calls.ts";
import type { MlflowServer } from "./server.ts";
import type { Dialect } from "./dialect.ts";
import * as convert from "./convert.ts";
import { PLACEHOLDER_TAG } from "./inventory.ts";
import { readExperimentNamed, readModel, readObject, readRun, readWireModel, runEntity } from "./single-objects.ts";
import { indexOf } from "./stock.ts";
import { CARRIER_TAG } from "./target-calls.ts";
import { versionAlone } from "./target-registry-reads.ts";
import type { WireLoggedModel, WireModelVersion, WireRun } from "./wire.ts";

/** The server's `Source.ask`. The list of experiments, which searches for runs have to name, is read once. */
export function createAnswers({ http, dialect }: Pick<MlflowServer, "http" | "dialect">): Source["ask"] {
  let listed: Promise<readonly string[]> | undefined;
  const experiments = async (signal: AbortSignal): Promise<readonly string[]> => {
    listed ??= experimentIds(http, signal);
    // A failed listing must not be the answer to every later question.
    listed.catch(() => (listed = undefined));
    return listed;
  };
  return async function* (question, signal) {
    for await (const entity of candidates({ http, dialect, experiments, signal }, question)) if (isAnswer(entity, question)) yield entity;
  };
}

interface Asking {
  readonly http: HttpClient;
  readonly dialect: Dialect;
  readonly experiments: (signal: AbortSignal) => Promise<readonly string[]>;
  readonly signal: AbortSignal;
}

async function* candidates(asking: Asking, question: Question): AsyncGenerator<Entity> {
  const { http, signal } = asking;
  switch (question.about) {
    case "key": {
      const entity = await readObject(http, question.key, signal);
      if (entity !== undefined) yield entity;
      return;
    }
    case "names":
      yield* question.kind === "experiment" ? experimentsNamed(asking, question.name) : modelsNamed(asking, question.name);
      return;
    case "dependants":
      yield* dependants(asking, question.key);
      return;
    case "origin":
      yield* placedFrom(asking, question.key);
      return;
  }
}

async function experimentIds(http: HttpClient, signal: AbortSignal): Promise<string[]> {
  const ids: string[] = [];
  for await (const experiment of listExperiments(http, signal)) ids.push(experiment.experiment_id);
  return ids;
}

async function* experimentsNamed({ http, signal }: Asking, name: string | undefined): AsyncGenerator<Entity> {
  if (name === undefined) {
    for await (const experiment of listExperiments(http, signal)) {
      if (!experiment.tags.has(CARRIER_TAG)) yield convert.toExperiment(experiment);
    }
    return;
  }
  const experiment = name === "" ? undefined : await readExperimentNamed(http, name, signal);
  if (experiment !== undefined) yield experiment;
}

async function* modelsNamed({ http, signal }: Asking, name: string | undefined): AsyncGenerator<Entity> {
  if (name === undefined) {
    for await (const model of searchModels(http, { prompts: false }, signal)) yield convert.toRegisteredModel(model);
    return;
  }
  const model = await readModel(http, name, signal);
  if (model !== undefined) yield convert.toRegisteredModel(model);
}

async function* dependants(asking: Asking, key: EntityKey): AsyncGenerator<Entity> {
  const { http, signal } = asking;
  const id = idOf(key);
  switch (kindOf(key)) {
    case "experiment":
      yield* runs(asking, [id]);
      yield* loggedModels(asking, [id]);
      return;
    case "run":
      yield* dependantsOfRun(asking, id);
      return;
    case "logged-model":
      yield* versionsOfLoggedModel(asking, id);
      return;
    case "registered-model":
      yield* versions(asking, canBeQuoted(id) ? `name = ${quoted(id)}` : undefined);
      for (const { alias, version } of (await readModel(http, id, signal))?.aliases ?? []) yield convert.toAlias(id, alias, version);
      return;
    case "model-version": {
      yield* versions(asking, canBeQuoted(id) ? `source_path = ${quoted(`models:/${id}`)}` : undefined);
      const model = id.slice(0, id.lastIndexOf("/"));
      for (const { alias, version } of (await readModel(http, model, signal))?.aliases ?? []) yield convert.toAlias(model, alias, version);
      return;
    }
    case "alias":
      return;
  }
}

/** Children, the logged models that it made, used or measured as far as it knows, and versions. */
async function* dependantsOfRun(asking: Asking, id: string): AsyncGenerator<Entity> {
  const { http, signal } = asking;
  const run = await readRun(http, id, signal);
  if (run === undefined) return;
  const ids = await asking.experiments(signal);
  yield* runs(asking, ids, `tags.\`${convert.PARENT_TAG}\` = '${id}'`);
  const { inputs, outputs } = indexOf(run);
  const models = new Map<string, WireLoggedModel>();
  const made = { experimentIds: ids, filter: `source_run_id = '${id}'`, page: asking.dialect.loggedModelPage };
  for await (const model of searchLoggedModels(http, made, signal)) models.set(model.info.model_id, model);
  const linked = [...inputs, ...outputs.map(({ model }) => model)].filter((model) => !models.has(model));
  for (const model of await Promise.all(linked.map((one) => readWireModel(http, one, signal)))) {
    if (model !== undefined) models.set(model.info.model_id, model);
  }
  const key = convert.runKey(id);
  for (const [model, wire] of models) {
    const outputOf = outputs.filter((output) => output.model === model).map(({ step }) => ({ run: key, step }));
    const inputOf = inputs.includes(model) ? [key] : [];
    yield convert.toLoggedModel(wire, { outputOf, inputOf }, (other) => other === key);
  }
  yield* versions(asking, `run_id = '${id}'`);
}

/** The server notes in a tag which versions were made of a logged model; a version may also name the model's folder. */
async function* versionsOfLoggedModel(asking: Asking, id: string): AsyncGenerator<Entity> {
  const model = await readWireModel(asking.http, id, asking.signal);
  if (model === undefined) return;
  const seen = new Set<EntityKey>();
  for (const source of [`models:/${id}`, model.info.artifact_uri].filter(canBeQuoted)) {
    for await (const version of versions(asking, `source_path = ${quoted(source)}`)) {
      if (!seen.has(version.key)) yield version;
      seen.add(version.key);
    }
  }
}

/** By the tag that holds the native id at the source; a text that no filter can hold is looked for in the whole list. */
async function* placedFrom(asking: Asking, key: EntityKey): AsyncGenerator<Entity> {
  const { http, signal } = asking;
  const id = idOf(key);
  const kind: Kind = kindOf(key);
  const filter = canBeQuoted(id) ? `tags.${PROVENANCE_PREFIX}${PROVENANCE.sourceId} = ${quoted(id)}` : undefined;
  switch (kind) {
    case "experiment":
      for await (const experiment of listExperiments(http, signal, filter)) yield convert.toExperiment(experiment);
      return;
    case "run":
      yield* runs(asking, await asking.experiments(signal), filter);
      return;
    case "logged-model":
      yield* loggedModels(asking, await asking.experiments(signal), filter);
      return;
    case "registered-model": {
      const options = { prompts: false, ...(filter === undefined ? {} : { filter }) };
      for await (const model of searchModels(http, options, signal)) yield convert.toRegisteredModel(model);
      return;
    }
    case "model-version":
      yield* versions(asking, filter);
      return;
    case "alias":
      return;
  }
}

async function* runs({ http, signal }: Asking, experimentIds: readonly string[], filter?: string): AsyncGenerator<Entity> {
  const isOwn = ({ data }: WireRun): boolean => !data.tags.has(CARRIER_TAG);
  for await (const page of searchRuns(http, { experimentIds, ...(filter === undefined ? {} : { filter }) }, signal)) {
    for (const run of page) if (isOwn(run)) yield runEntity(run);
  }
}

async function* loggedModels({ http, dialect, signal }: Asking, experimentIds: readonly string[], filter?: string): AsyncGenerator<Entity> {
  const search = { experimentIds, page: dialect.loggedModelPage, ...(filter === undefined ? {} : { filter }) };
  for await (const model of searchLoggedModels(http, search, signal)) {
    yield convert.toLoggedModel(model, { outputOf: [], inputOf: [] }, () => true);
  }
}

async function* versions({ http, signal }: Asking, filter: string | undefined): AsyncGenerator<Entity> {
  const isOwn = ({ tags }: WireModelVersion): boolean => !tags.has(PLACEHOLDER_TAG);
  for await (const version of filterVersions(http, filter, signal)) if (isOwn(version)) yield versionAlone(version);
}
