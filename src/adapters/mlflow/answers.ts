// Answers small questions about a server with searches that the server itself filters. What concerns the registry, that half answers.
import type { HttpClient } from "../../http/client.ts";
import type { Entity, EntityKey } from "../../model/entities.ts";
import { idOf, kindOf } from "../../model/keys.ts";
import { isAnswer } from "../../model/question.ts";
import type { Question } from "../../model/question.ts";
import type { Source } from "../../ports/source.ts";
import { listExperiments, searchLoggedModels, searchRuns } from "./calls.ts";
import * as convert from "./convert.ts";
import type { Dialect } from "./dialect.ts";
import { sourceIdFilter } from "./registry-answers.ts";
import type { RegistryHalf } from "./registry-half.ts";
import type { MlflowServer } from "./server.ts";
import { readExperimentNamed, readRun, readTracked, readWireModel, runEntity } from "./single-objects.ts";
import { indexOf } from "./stock.ts";
import { CARRIER_TAG } from "./target-calls.ts";
import type { WireLoggedModel, WireRun } from "./wire.ts";

/** The server's `Source.ask`. The list of experiments, which searches for runs have to name, is read once. */
export function createAnswers({ http, dialect, registry }: Pick<MlflowServer, "http" | "dialect" | "registry">): Source["ask"] {
  let listed: Promise<readonly string[]> | undefined;
  const experiments = async (signal: AbortSignal): Promise<readonly string[]> => {
    listed ??= experimentIds(http, signal);
    // A failed listing must not be the answer to every later question.
    listed.catch(() => (listed = undefined));
    return listed;
  };
  return async function* (question, signal) {
    for await (const entity of candidates({ http, dialect, registry, experiments, signal }, question))
      if (isAnswer(entity, question)) yield entity;
  };
}

interface Asking {
  readonly http: HttpClient;
  readonly dialect: Dialect;
  readonly registry: RegistryHalf;
  readonly experiments: (signal: AbortSignal) => Promise<readonly string[]>;
  readonly signal: AbortSignal;
}

async function* candidates(asking: Asking, question: Question): AsyncGenerator<Entity> {
  const { http, registry, signal } = asking;
  switch (question.about) {
    case "key": {
      const { key } = question;
      const entity = await (isTracked(key) ? readTracked(http, key, signal) : registry.object(key, signal));
      if (entity !== undefined) yield entity;
      return;
    }
    case "names":
      yield* question.kind === "experiment" ? experimentsNamed(asking, question.name) : registry.models(question.name, signal);
      return;
    case "dependants":
      if (isTracked(question.key)) yield* dependants(asking, question.key);
      yield* registry.dependants(question.key, signal);
      return;
    case "origin":
      yield* isTracked(question.key) ? placedFrom(asking, question.key) : registry.placedFrom(question.key, signal);
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

/** Whether the object is one of the tracking half. */
function isTracked(key: EntityKey): boolean {
  const kind = kindOf(key);
  return kind === "experiment" || kind === "run" || kind === "logged-model";
}

/** Of an experiment or a run, as far as the tracking half knows. */
async function* dependants(asking: Asking, key: EntityKey): AsyncGenerator<Entity> {
  const id = idOf(key);
  if (kindOf(key) === "run") yield* dependantsOfRun(asking, id);
  if (kindOf(key) !== "experiment") return;
  yield* runs(asking, [id]);
  yield* loggedModels(asking, [id]);
}

/** Children, and the logged models that it made, used or measured as far as it knows. */
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
}

async function* placedFrom(asking: Asking, key: EntityKey): AsyncGenerator<Entity> {
  const { http, signal } = asking;
  const filter = sourceIdFilter(key);
  if (kindOf(key) === "run") yield* runs(asking, await asking.experiments(signal), filter);
  else if (kindOf(key) === "logged-model") yield* loggedModels(asking, await asking.experiments(signal), filter);
  else for await (const experiment of listExperiments(http, signal, filter)) yield convert.toExperiment(experiment);
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
