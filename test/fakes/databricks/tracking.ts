// Experiments and runs of the fake workspace. Rules and limits: reference of the Databricks MLflow API (databricks-sdk's service/ml.py).
import { compact, exists, fields, invalid, list, missing, optional, page, pairs, required, tagsJson } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import type { Routes } from "./routes.ts";
import { there } from "./state.ts";
import type { Experiment, Run, State } from "./state.ts";
import { matches } from "./filters.ts";

export const trackingRoutes: Routes = [
  [/^POST \/api\/2\.0\/mlflow\/experiments\/create$/, createExperiment],
  [/^GET \/api\/2\.0\/mlflow\/experiments\/get$/, (state, call) => ({ experiment: experimentJson(experimentOf(state, call)) })],
  [/^GET \/api\/2\.0\/mlflow\/experiments\/get-by-name$/, (state, call) => ({ experiment: experimentJson(byName(state, call)) })],
  [/^POST \/api\/2\.0\/mlflow\/experiments\/search$/, searchExperiments],
  [/^POST \/api\/2\.0\/mlflow\/experiments\/set-experiment-tag$/, (state, call) => setTag(experimentOf(state, call).tags, call.body, 250)],
  [/^POST \/api\/2\.0\/mlflow\/experiments\/delete$/, (state, call) => ((experimentOf(state, call).deleted = true), {})],
  [/^POST \/api\/2\.0\/mlflow\/experiments\/restore$/, (state, call) => ((experimentOf(state, call).deleted = false), {})],
  [/^POST \/api\/2\.0\/mlflow\/experiments\/update$/, renameExperiment],
  [/^POST \/api\/2\.0\/mlflow\/runs\/create$/, createRun],
  [/^GET \/api\/2\.0\/mlflow\/runs\/get$/, (state, call) => ({ run: runJson(state.run(runId(fields(call)))) })],
  [/^POST \/api\/2\.0\/mlflow\/runs\/search$/, searchRuns],
  [/^POST \/api\/2\.0\/mlflow\/runs\/update$/, updateRun],
  [/^POST \/api\/2\.0\/mlflow\/runs\/log-batch$/, logBatch],
  [
    /^POST \/api\/2\.0\/mlflow\/runs\/log-parameter$/,
    (state, call) => logParams(active(state, call.body), [[required(call.body, "key"), required(call.body, "value")]], state),
  ],
  [/^POST \/api\/2\.0\/mlflow\/runs\/log-metric$/, (state, call) => (logPoint(active(state, call.body), call.body), {})],
  [/^POST \/api\/2\.0\/mlflow\/runs\/set-tag$/, (state, call) => setTag(active(state, call.body).tags, call.body, 250)],
  [/^POST \/api\/2\.0\/mlflow\/runs\/delete-tag$/, deleteTag],
  [/^POST \/api\/2\.0\/mlflow\/runs\/delete$/, (state, call) => ((state.run(runId(call.body)).deleted = true), {})],
  [/^POST \/api\/2\.0\/mlflow\/runs\/restore$/, (state, call) => ((state.run(runId(call.body)).deleted = false), {})],
  [/^POST \/api\/2\.0\/mlflow\/runs\/log-inputs$/, logInputs],
  [/^POST \/api\/2\.0\/mlflow\/runs\/outputs$/, (state, call) => (active(state, call.body).outputs.push(...list(call.body["models"])), {})],
  [/^POST \/api\/2\.0\/mlflow\/runs\/log-model$/, (state, call) => (active(state, call.body), {})],
  [/^GET \/api\/2\.0\/mlflow\/metrics\/get-history$/, history],
];

/** Names are absolute paths; the folder must be there, and shares its names with notebooks and folders. */
function createExperiment(state: State, call: Call): Json {
  const name = required(call.body, "name");
  if (!name.startsWith("/"))
    throw invalid(
      `Got an invalid experiment name '${name}'. An experiment name must be an absolute path within the Databricks workspace, e.g. '/Users/<some-username>/my-experiment'.`,
    );
  const folder = name.slice(0, Math.max(1, name.lastIndexOf("/")));
  if (state.objects.get(folder)?.type !== "DIRECTORY") throw missing(`Could not find the parent directory ${folder}.`);
  const taken = [...state.experiments.values()].some((other) => other.name === name && !other.deleted) || state.objects.has(name);
  if (taken) throw exists(`Node named '${name.slice(folder.length)}' already exists`);
  const id = state.number();
  const tags = new Map([
    ...pairs(call.body["tags"]),
    ["mlflow.ownerId", "1001"],
    ["mlflow.experimentType", "MLFLOW_EXPERIMENT"],
    ["mlflow.experiment.sourceName", name],
  ]);
  const location = optional(call.body, "artifact_location");
  const place = location === undefined ? {} : { location };
  state.experiments.set(id, { id, name, tags, created: state.now(), deleted: false, ...place });
  return { experiment_id: id };
}

const experimentOf = (state: State, call: Call): Experiment => state.experiment(required(fields(call), "experiment_id"));

function byName(state: State, call: Call): Experiment {
  const name = required(fields(call), "experiment_name");
  const experiment = [...state.experiments.values()].find((other) => other.name === name && !other.deleted);
  if (experiment === undefined) throw missing(`Node ${name} does not exist.`);
  return experiment;
}

function renameExperiment(state: State, call: Call): Json {
  experimentOf(state, call).name = required(call.body, "new_name");
  return {};
}

function searchExperiments(state: State, call: Call): Json {
  const view = optional(call.body, "view_type") ?? "ACTIVE_ONLY";
  const filter = optional(call.body, "filter") ?? "";
  const all = [...state.experiments.values()].filter(
    (one) => seen(one.deleted, view) && matches(filter, { attributes: { name: one.name, experiment_id: one.id }, tags: one.tags }),
  );
  const { items, next } = page(all, call.body, { most: 3000, usual: 1000 });
  return compact({ experiments: items.map(experimentJson), ...next });
}

const seen = (deleted: boolean, view: string): boolean => view === "ALL" || view === "3" || deleted === (view === "DELETED_ONLY");

export function runId(from: Json): string {
  return optional(from, "run_id") ?? required(from, "run_uuid");
}

function active(state: State, body: Json): Run {
  const run = state.run(runId(body));
  if (run.deleted) throw invalid(`The run ${run.id} must be in the 'active' state. Current state is deleted.`);
  return run;
}

function createRun(state: State, call: Call): Json {
  const experiment = state.experiment(required(call.body, "experiment_id"));
  if (experiment.deleted) throw invalid(`The experiment ${experiment.id} must be in the 'active' state.`);
  const tags = new Map(pairs(call.body["tags"]));
  for (const [key] of tags) checkKey(key);
  const id = state.hex();
  const name = optional(call.body, "run_name") ?? tags.get("mlflow.runName") ?? "unnamed-run-1";
  tags.set("mlflow.runName", name);
  const run: Run = {
    id,
    experiment,
    user: call.user,
    startTime: call.body["start_time"] === undefined ? undefined : Number(call.body["start_time"]),
    name,
    status: "RUNNING",
    endTime: undefined,
    deleted: false,
    params: new Map(),
    tags,
    metrics: [],
    datasets: [],
    inputs: [],
    outputs: [],
  };
  state.runs.set(id, run);
  return { run: runJson(run) };
}

function updateRun(state: State, call: Call): Json {
  const run = active(state, call.body);
  run.status = optional(call.body, "status") ?? run.status;
  if (call.body["end_time"] !== undefined) run.endTime = Number(call.body["end_time"]);
  const name = optional(call.body, "run_name");
  if (name !== undefined) run.tags.set("mlflow.runName", (run.name = name));
  return { run_info: runJson(run)["info"] };
}

function searchRuns(state: State, call: Call): Json {
  const ids = new Set(((call.body["experiment_ids"] ?? []) as unknown[]).map(String));
  const view = optional(call.body, "run_view_type") ?? "ACTIVE_ONLY";
  const filter = optional(call.body, "filter") ?? "";
  const found = [...state.runs.values()].filter(
    (run) => ids.has(run.experiment.id) && seen(run.deleted, view) && matches(filter, facets(run)),
  );
  const { items, next } = page(found, call.body, { most: 50_000, usual: 1000 });
  return compact({ runs: items.map(runJson), ...next });
}

function facets(run: Run): Parameters<typeof matches>[1] {
  const { id, name, status, user } = run;
  return { attributes: { run_id: id, run_name: name, status, user_id: user }, tags: run.tags, params: run.params };
}

/** Params, metrics and tags, in this order and not as one: what came before an error stays. */
function logBatch(state: State, call: Call): Json {
  const run = active(state, call.body);
  const [metrics, params, tags] = [list(call.body["metrics"]), pairs(call.body["params"]), pairs(call.body["tags"])];
  if (call.bytes.length > 1_048_576) throw invalid("Request body exceeds the limit of 1 MB.");
  if (metrics.length > 1000 || params.length > 100 || tags.length > 100 || metrics.length + params.length + tags.length > 1000) {
    throw invalid("A batch logging request can contain at most 1000 metrics, 100 params and 100 tags, and 1000 of all.");
  }
  for (const [key] of [...params, ...tags]) checkKey(key);
  logParams(run, params, state);
  for (const metric of metrics) {
    logPoint(run, metric);
    noteForModel(state, run, metric);
  }
  for (const [key, value] of tags) run.tags.set(key, value);
  return {};
}

function logParams(run: Run, params: readonly [string, string][], { rules }: State): Json {
  for (const [key, value] of params) {
    if (value.length > rules.paramValueChars)
      throw invalid(
        `Param value '${value.slice(0, 20)}…' had length ${value.length}, which exceeded length limit of ${rules.paramValueChars}`,
      );
    if ((run.params.get(key) ?? value) !== value)
      throw invalid(`Changing param values is not allowed. Param with key='${key}' was already logged.`);
  }
  for (const [key, value] of params) run.params.set(key, value);
  return {};
}

/** A point that a logged model shares with its run, which clients send with `model_id`, is the run's already. */
function logPoint(run: Run, metric: Json): void {
  const point = pointOf(metric);
  const isShared = metric["model_id"] !== undefined && run.metrics.some((known) => JSON.stringify(known) === JSON.stringify(point));
  if (!isShared) run.metrics.push(point);
}

/** The model gets the point too, once (databricks-sdk, ml.Metric: model_id, dataset_name, dataset_digest). */
function noteForModel(state: State, run: Run, metric: Json): void {
  const id = optional(metric, "model_id");
  if (id === undefined) return;
  const { metrics } = there(state.loggedModels.get(id), `Logged model with ID '${id}' not found.`);
  const [dataset_name, dataset_digest] = [metric["dataset_name"], metric["dataset_digest"]];
  const noted = compact({ ...pointOf(metric), run_id: run.id, model_id: id, dataset_name, dataset_digest });
  if (!metrics.some((known) => JSON.stringify(known) === JSON.stringify(noted))) metrics.push(noted);
}

function pointOf(metric: Json): Json {
  const value = metric["value"];
  const isNumber = typeof value === "number" || value === "NaN" || value === "Infinity" || value === "-Infinity";
  if (!isNumber) throw invalid(`Got invalid value ${JSON.stringify(value)} for metric '${String(metric["key"])}'`);
  return {
    key: required(metric, "key"),
    value,
    timestamp: int64(required(metric, "timestamp")),
    step: int64(optional(metric, "step") ?? "0"),
  };
}

/** As text where a number would not be exact. */
function int64(text: string): number | string {
  return Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

function logInputs(state: State, call: Call): Json {
  const run = active(state, call.body);
  run.datasets.push(...list(call.body["datasets"]));
  run.inputs.push(...list(call.body["models"]));
  return {};
}

/** At most 25,000 points a page; more asked for is an error. */
function history(state: State, call: Call): Json {
  const from = fields(call);
  const points = state.run(runId(from)).metrics.filter((point) => point["key"] === required(from, "metric_key"));
  const { items, next } = page(points, from, { most: 25_000, usual: 25_000 });
  return compact({ metrics: items, ...next });
}

function deleteTag(state: State, call: Call): Json {
  const key = required(call.body, "key");
  if (!active(state, call.body).tags.delete(key)) throw missing(`No tag with name: ${key}`);
  return {};
}

export function setTag(tags: Map<string, string>, body: Json, keyChars: number): Json {
  const key = required(body, "key");
  checkKey(key, keyChars);
  tags.set(key, optional(body, "value") ?? "");
  return {};
}

export function checkKey(key: string, chars = 250): void {
  if (key.length > chars) throw invalid(`Key '${key.slice(0, 20)}…' had length ${key.length}, which exceeded length limit of ${chars}`);
  // Letters of any alphabet, as MLflow's clients check it (mlflow/utils/validation.py).
  if (!/^[/\p{L}\p{N}_.\- :]*$/u.test(key))
    throw invalid(
      `Invalid key '${key}'. Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), and slashes (/).`,
    );
}

function experimentJson(one: Experiment): Json {
  return compact({
    experiment_id: one.id,
    name: one.name,
    artifact_location: placeOf(one),
    lifecycle_stage: one.deleted ? "deleted" : "active",
    creation_time: one.created,
    last_update_time: one.created,
    tags: tagsJson(one.tags),
  });
}

const placeOf = ({ id, location }: Experiment): string => location ?? `dbfs:/databricks/mlflow-tracking/${id}`;

export const runRoot = (run: Run): string => `${placeOf(run.experiment)}/${run.id}/artifacts`;

export function runJson(run: Run): Json {
  const info = compact({
    run_id: run.id,
    run_uuid: run.id,
    experiment_id: run.experiment.id,
    run_name: run.name,
    user_id: run.user,
    status: run.status,
    start_time: run.startTime,
    end_time: run.endTime,
    artifact_uri: runRoot(run),
    lifecycle_stage: run.deleted ? "deleted" : "active",
  });
  const latest = new Map<unknown, Json>();
  for (const point of run.metrics) {
    const known = latest.get(point["key"]);
    if (known === undefined || Number(point["step"]) >= Number(known["step"])) latest.set(point["key"], point);
  }
  const data = compact({ metrics: [...latest.values()], params: tagsJson(run.params), tags: tagsJson(run.tags) });
  return {
    info,
    data,
    inputs: compact({ dataset_inputs: run.datasets, model_inputs: run.inputs }),
    outputs: compact({ model_outputs: run.outputs }),
  };
}
