// Logged models of the fake workspace.
import { compact, fields, list, missing, optional, page, pairs, required, tagsJson } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { matches } from "./filters.ts";
import type { Routes } from "./routes.ts";
import { there } from "./state.ts";
import type { LoggedModel, State } from "./state.ts";

const ONE = String.raw`\/api\/2\.0\/mlflow\/logged-models\/(?<id>m-[0-9a-f]+)`;

export const loggedModelRoutes: Routes = [
  [/^POST \/api\/2\.0\/mlflow\/logged-models$/, create],
  [/^POST \/api\/2\.0\/mlflow\/logged-models\/search$/, search],
  [new RegExp(`^GET ${ONE}$`), (state, call) => ({ model: loggedModelJson(modelOf(state, call)) })],
  [new RegExp(`^PATCH ${ONE}$`), finalize],
  [new RegExp(`^DELETE ${ONE}$`), (state, call) => (state.loggedModels.delete(modelOf(state, call).id), {})],
  [new RegExp(`^PATCH ${ONE}\\/tags$`), setTags],
  [new RegExp(`^DELETE ${ONE}\\/tags\\/(?<key>.+)$`), deleteTag],
  [new RegExp(`^POST ${ONE}\\/params$`), addParams],
];

const modelOf = (state: State, call: Call): LoggedModel =>
  there(state.loggedModels.get(call.parts["id"] ?? ""), `Logged model with ID '${call.parts["id"] ?? ""}' not found.`);

function create(state: State, call: Call): Json {
  const { experiment_id: _, params, tags, ...rest } = call.body;
  const model: LoggedModel = {
    id: `m-${state.hex()}`,
    experiment: state.experiment(required(call.body, "experiment_id")),
    fields: rest,
    params: new Map(pairs(params)),
    tags: new Map(pairs(tags)),
    metrics: [],
    status: "LOGGED_MODEL_PENDING",
    created: state.now(),
  };
  state.loggedModels.set(model.id, model);
  return { model: loggedModelJson(model) };
}

function finalize(state: State, call: Call): Json {
  const model = modelOf(state, call);
  model.status = required(call.body, "status");
  return { model: loggedModelJson(model) };
}

function search(state: State, call: Call): Json {
  const ids = new Set(((call.body["experiment_ids"] ?? []) as unknown[]).map(String));
  const filter = optional(call.body, "filter") ?? "";
  const found = [...state.loggedModels.values()].filter(
    ({ experiment, id, fields: { name, source_run_id: run }, tags }) =>
      ids.has(experiment.id) && matches(filter, { attributes: { model_id: id, name: String(name), source_run_id: String(run) }, tags }),
  );
  const { items, next } = page(found, fields(call), { most: 50, usual: 50 });
  return compact({ models: items.map(loggedModelJson), ...next });
}

function setTags(state: State, call: Call): Json {
  const model = modelOf(state, call);
  for (const [key, value] of pairs(call.body["tags"])) model.tags.set(key, value);
  return { model: loggedModelJson(model) };
}

function deleteTag(state: State, call: Call): Json {
  if (!modelOf(state, call).tags.delete(call.parts["key"] ?? "")) throw missing(`No tag with name: ${call.parts["key"] ?? ""}`);
  return {};
}

function addParams(state: State, call: Call): Json {
  const model = modelOf(state, call);
  for (const { key, value } of list(call.body["params"])) model.params.set(String(key), String(value));
  return { model: loggedModelJson(model) };
}

export const loggedModelRoot = ({ experiment, id }: LoggedModel): string =>
  `dbfs:/databricks/mlflow-tracking/${experiment.id}/logged_models/${id}/artifacts`;

export function loggedModelJson(model: LoggedModel): Json {
  const info = compact({
    ...model.fields,
    model_id: model.id,
    experiment_id: model.experiment.id,
    artifact_uri: loggedModelRoot(model),
    status: model.status,
    creation_timestamp_ms: model.created,
    last_updated_timestamp_ms: model.created,
    tags: tagsJson(model.tags),
  });
  return { info, data: compact({ params: tagsJson(model.params), metrics: model.metrics }) };
}
