// The fake server's experiments, runs and logged models.
import type { Route } from "./mlflow-server.ts";
import { checkPair, exists, list, missing, modelRoot, pairs, runRoot, text } from "./mlflow-store.ts";
import type { FakeExperiment, FakeLoggedModel, FakeRun, FakeStore, Json } from "./mlflow-store.ts";

export const trackingRoutes: readonly (readonly [RegExp, Route])[] = [
  [/^POST experiments\/create$/, createExperiment],
  [
    /^GET experiments\/get-by-name$/,
    (store, _body, query) => ({ experiment: experimentJson(byName(store, query.get("experiment_name"))) }),
  ],
  [/^GET experiments\/get$/, (store, _body, query) => ({ experiment: experimentJson(store.experiment(query.get("experiment_id"))) })],
  [/^POST experiments\/set-experiment-tag$/, (store, body) => setTag(store.activeExperiment(body["experiment_id"]).tags, body, 20_000)],
  [
    /^POST experiments\/delete-experiment-tag$/,
    (store, body) => deleteTag(store.activeExperiment(body["experiment_id"]).tags, body["key"]),
  ],
  [/^POST experiments\/delete$/, deleteExperiment],
  [/^POST experiments\/restore$/, restoreExperiment],
  [/^POST runs\/create$/, createRun],
  [/^GET runs\/get$/, (store, _body, query) => ({ run: runJson(store.run(query.get("run_id"))) })],
  [/^POST runs\/search$/, searchRuns],
  [/^POST runs\/update$/, updateRun],
  [/^POST runs\/log-batch$/, (store, body) => (store.logBatch(body), {})],
  [/^POST runs\/delete-tag$/, (store, body) => deleteTag(store.activeRun(body["run_id"]).tags, body["key"])],
  [/^POST runs\/delete$/, (store, body) => ((store.run(body["run_id"]).deleted = true), {})],
  [/^POST runs\/restore$/, (store, body) => ((store.run(body["run_id"]).deleted = false), {})],
  [/^POST runs\/log-inputs$/, logInputs],
  [/^POST runs\/outputs$/, (store, body) => (store.linkOutputs(body), {})],
  [/^GET metrics\/get-history-bulk-interval$/, history],
  [/^POST logged-models$/, createLoggedModel],
  [/^POST logged-models\/search$/, searchLoggedModels],
  [/^GET logged-models\/(?<id>[^/]+)$/, (store, _body, query) => ({ model: loggedModelJson(store.loggedModel(query.get("id"))) })],
  [/^PATCH logged-models\/(?<id>[^/]+)$/, setStatus],
  [/^PATCH logged-models\/(?<id>[^/]+)\/tags$/, tagLoggedModel],
  [
    /^DELETE logged-models\/(?<id>[^/]+)\/tags\/(?<key>[^/]+)$/,
    (store, _body, query) => deleteTag(store.loggedModel(query.get("id")).tags, query.get("key")),
  ],
];

function createExperiment(store: FakeStore, body: Json): Json {
  const name = text(body["name"]);
  if ([...store.experiments.values()].some((there) => there.name === name)) throw exists(`Experiment(name=${name}) already exists.`);
  for (const [key, value] of pairs(body["tags"])) checkPair(key, value, 20_000);
  const id = String(store.experiments.size + 1);
  store.experiments.set(id, { id, name, tags: new Map(pairs(body["tags"])), deleted: false });
  return { experiment_id: id };
}

function byName(store: FakeStore, name: string | undefined): FakeExperiment {
  const there = [...store.experiments.values()].find((experiment) => experiment.name === name);
  if (there === undefined) throw missing(`Could not find experiment with name '${String(name)}'`);
  return there;
}

function deleteExperiment(store: FakeStore, body: Json): Json {
  const experiment = store.experiment(body["experiment_id"]);
  if (experiment.deleted) throw missing(`No Experiment with id=${experiment.id} exists`);
  experiment.deleted = true;
  for (const run of store.runs.values()) if (run.experiment === experiment) run.deleted = true;
  return {};
}

function restoreExperiment(store: FakeStore, body: Json): Json {
  const experiment = store.experiment(body["experiment_id"]);
  if (!experiment.deleted) throw missing(`No Experiment with id=${experiment.id} exists`);
  experiment.deleted = false;
  for (const run of store.runs.values()) if (run.experiment === experiment) run.deleted = false;
  return {};
}

function createRun(store: FakeStore, body: Json): Json {
  const experiment = store.activeExperiment(body["experiment_id"]);
  const tags = new Map(pairs(body["tags"]));
  const name = text(body["run_name"]);
  const run: FakeRun = {
    id: store.newId(),
    experiment,
    user: text(body["user_id"]),
    startTime: body["start_time"] ?? 0,
    name: name === "" ? "random-name-1" : name,
    status: "RUNNING",
    endTime: undefined,
    deleted: false,
    params: new Map(),
    tags,
    metrics: new Map(),
    datasets: [],
    outputs: new Map(),
    inputs: new Set(),
  };
  tags.set("mlflow.runName", run.name);
  store.runs.set(run.id, run);
  return { run: runJson(run) };
}

function updateRun(store: FakeStore, body: Json): Json {
  const run = store.activeRun(body["run_id"]);
  if (body["status"] !== undefined) run.status = text(body["status"]);
  if (body["end_time"] !== undefined) run.endTime = body["end_time"];
  if (body["run_name"] !== undefined) run.name = text(body["run_name"]);
  return { run_info: runJson(run)["info"] };
}

/** The filters that are used: one tag's value, the presence of a tag, a list of ids. */
function searchRuns(store: FakeStore, body: Json): Json {
  const experiments = new Set((body["experiment_ids"] as unknown[]).map(String));
  const filter = text(body["filter"]);
  const view = text(body["run_view_type"], "ACTIVE_ONLY");
  const runs = [...store.runs.values()].filter(
    (run) =>
      experiments.has(run.experiment.id) &&
      matches(filter, run.id, run.tags) &&
      (view === "ALL" || run.deleted === (view === "DELETED_ONLY")),
  );
  return { runs: runs.map(runJson) };
}

function matches(filter: string, id: string, tags: ReadonlyMap<string, string>): boolean {
  const tag = /^tags\.(\w+) (=|LIKE) '([^']*)'$/.exec(filter);
  if (tag !== null) {
    const value = tags.get(tag[1] ?? "");
    return tag[2] === "LIKE" ? value !== undefined : value === tag[3];
  }
  const ids = /^attributes\.run_id IN \((.*)\)$/.exec(filter);
  if (ids === null && filter !== "") throw new Error(`not a filter that the fake knows: ${filter}`);
  return ids === null || (ids[1] ?? "").includes(`'${id}'`);
}

function logInputs(store: FakeStore, body: Json): Json {
  const run = store.activeRun(body["run_id"]);
  run.datasets.push(...list(body["datasets"]));
  for (const model of list(body["models"])) run.inputs.add(text(model["model_id"]));
  return {};
}

function history(store: FakeStore, _body: Json, query: ReadonlyMap<string, string>): Json {
  const points = [...store.run(query.get("run_ids")).metrics.values()].filter(
    (point) => point["key"] === query.get("metric_key") && String(point["step"]) === query.get("start_step"),
  );
  return { metrics: points };
}

function createLoggedModel(store: FakeStore, body: Json): Json {
  const { experiment_id: experimentId, params, tags, ...fields } = body;
  const id = `m-${store.newId()}`;
  const experiment = store.activeExperiment(experimentId);
  const model: FakeLoggedModel = {
    id,
    experiment,
    fields,
    params: new Map(pairs(params)),
    tags: new Map(pairs(tags)),
    metrics: new Map(),
    status: "LOGGED_MODEL_PENDING",
  };
  store.loggedModels.set(id, model);
  return { model: loggedModelJson(model) };
}

function searchLoggedModels(store: FakeStore, body: Json): Json {
  const experiments = new Set((body["experiment_ids"] as unknown[]).map(String));
  const filter = text(body["filter"]);
  const models = [...store.loggedModels.values()].filter(
    (model) => experiments.has(model.experiment.id) && matches(filter, model.id, model.tags),
  );
  return { models: models.map(loggedModelJson) };
}

function setStatus(store: FakeStore, body: Json, query: ReadonlyMap<string, string>): Json {
  const model = store.loggedModel(query.get("id"));
  model.status = text(body["status"]);
  return { model: loggedModelJson(model) };
}

function tagLoggedModel(store: FakeStore, body: Json, query: ReadonlyMap<string, string>): Json {
  const model = store.loggedModel(query.get("id"));
  for (const [key, value] of pairs(body["tags"])) model.tags.set(key, value);
  return { model: loggedModelJson(model) };
}

export function setTag(tags: Map<string, string>, body: Json, longest: number): Json {
  const [pair] = pairs([body]);
  if (pair !== undefined) checkPair(...pair, longest);
  if (pair !== undefined) tags.set(...pair);
  return {};
}

function deleteTag(tags: Map<string, string>, key: unknown): Json {
  if (!tags.delete(String(key))) throw missing(`No tag with name: ${String(key)}`);
  return {};
}

export const tagsJson = (tags: ReadonlyMap<string, string>): Json[] => [...tags].map(([key, value]) => ({ key, value }));

function experimentJson({ id, name, tags, deleted }: FakeExperiment): Json {
  return {
    experiment_id: id,
    name,
    artifact_location: `mlflow-artifacts:/${id}`,
    lifecycle_stage: stageOf(deleted),
    creation_time: 1,
    tags: tagsJson(tags),
  };
}

function runJson(run: FakeRun): Json {
  const info = {
    run_id: run.id,
    experiment_id: run.experiment.id,
    run_name: run.name,
    user_id: run.user,
    status: run.status,
    start_time: run.startTime,
    end_time: run.endTime,
    artifact_uri: runRoot(run),
    lifecycle_stage: stageOf(run.deleted),
  };
  const data = { params: tagsJson(run.params), tags: tagsJson(run.tags), metrics: [...run.metrics.values()] };
  const inputs = { dataset_inputs: run.datasets, model_inputs: [...run.inputs].map((id) => ({ model_id: id })) };
  return { info, data, inputs, outputs: { model_outputs: [...run.outputs].map(([id, step]) => ({ model_id: id, step })) } };
}

function loggedModelJson(model: FakeLoggedModel): Json {
  const { id, experiment, fields, status, tags } = model;
  const info = {
    ...fields,
    model_id: id,
    experiment_id: experiment.id,
    artifact_uri: modelRoot(model),
    status,
    tags: tagsJson(tags),
    creation_timestamp_ms: 1,
  };
  return { info, data: { params: tagsJson(model.params), metrics: [...model.metrics.values()] } };
}

const stageOf = (deleted: boolean): string => (deleted ? "deleted" : "active");
