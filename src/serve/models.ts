// Logged models, registered models, versions and aliases.
import type { LoggedModel, ModelVersion, RegisteredModel } from "../model/entities.ts";
import { idOf } from "../model/keys.ts";
import { parseFilter, parseOrder } from "../model/query.ts";
import type { Searchable } from "../model/query.ts";
import { count, optionalText, requiredText, texts } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { page } from "./paging.ts";
import { invalid } from "./refusals.ts";
import { downloadUri, experimentKey, sourceUri } from "./registry.ts";
import type { Registry } from "./registry.ts";
import { json } from "./route.ts";
import type { Answer, Call, Route, Served } from "./route.ts";
import { latestVersions, loggedModelJson, registeredModelJson, tagsOf, versionJson } from "./wire.ts";

/** A server's caps on a page (mlflow/store/model_registry/__init__.py, 3.17.2); logged models have none. */
const MOST_MODELS = 1000;
const MOST_VERSIONS = 200_000;

export const MODEL_ROUTES: readonly Route[] = [
  { methods: ["POST"], path: "2.0/mlflow/logged-models/search", handler: searchLoggedModels },
  { methods: ["GET"], path: "2.0/mlflow/logged-models/{}", handler: getLoggedModel },
  { methods: ["GET"], path: "2.0/mlflow/registered-models/search", handler: searchRegisteredModels },
  { methods: ["GET"], path: "2.0/mlflow/registered-models/get", handler: getRegisteredModel },
  { methods: ["GET", "POST"], path: "2.0/mlflow/registered-models/get-latest-versions", handler: getLatestVersions },
  { methods: ["GET"], path: "2.0/mlflow/registered-models/alias", handler: getVersionByAlias },
  { methods: ["GET"], path: "2.0/mlflow/model-versions/search", handler: searchVersions },
  { methods: ["GET"], path: "2.0/mlflow/model-versions/get", handler: getVersion },
  { methods: ["GET"], path: "2.0/mlflow/model-versions/get-download-uri", handler: getDownloadUri },
];

const LOGGED_MODELS: Searchable<LoggedModel> = {
  prefixes: ["attribute", "attr"],
  attributes: {
    name: (model) => model.name,
    model_id: (model) => idOf(model.key),
    model_type: (model) => model.modelType ?? "",
    status: (model) => model.status,
    source_run_id: (model) => (model.sourceRun === undefined ? "" : idOf(model.sourceRun)),
    experiment_id: (model) => idOf(model.experiment),
    creation_timestamp: (model) => model.createdAt,
    creation_time: (model) => model.createdAt,
    last_updated_timestamp: (model) => model.createdAt,
  },
  keyed: {
    tag: (model, key) => tagsOf(model).get(key),
    param: (model, key) => model.params.get(key),
    metric: (model, key) => model.metrics.findLast((metric) => metric.key === key)?.value,
  },
  numbers: ["metric", "creation_timestamp", "creation_time", "last_updated_timestamp"],
  lists: ["name", "model_id", "model_type", "status", "source_run_id"],
};

/** Clients leave prompts out by `!= 'true'` on this tag, which for it alone also holds for models without it. */
const PROMPT_TAG = "mlflow.prompt.is_prompt";

function tagToSearch(model: RegisteredModel | ModelVersion, key: string): string | undefined {
  return tagsOf(model).get(key) ?? (key === PROMPT_TAG ? "false" : undefined);
}

const REGISTERED_MODELS: Searchable<RegisteredModel> = {
  prefixes: ["attribute"],
  attributes: {
    name: (model) => model.name,
    creation_timestamp: (model) => model.createdAt,
    last_updated_timestamp: (model) => model.createdAt,
    timestamp: (model) => model.createdAt,
  },
  keyed: { tag: tagToSearch },
  numbers: ["creation_timestamp", "last_updated_timestamp", "timestamp"],
  lists: ["name"],
};

function searchLoggedModels({ fields }: Call, { holdings }: Served): Answer {
  const size = count(fields, "max_results", { default: 100, most: Number.MAX_SAFE_INTEGER });
  const isWanted = parseFilter(optionalText(fields, "filter"), LOGGED_MODELS);
  const order = parseOrder([...loggedModelOrders(fields), "creation_timestamp DESC", "model_id"], LOGGED_MODELS);
  const found = texts(fields, "experiment_ids")
    .flatMap((id) => holdings.registry.loggedModelsOf.get(experimentKey(id)) ?? [])
    .filter(isWanted)
    .sort(order);
  const { items, ...rest } = page(found, fields, size);
  return json({ models: items.length === 0 ? undefined : items.map(loggedModelJson), ...rest });
}

/** Here an order is an object; texts are what other searches take. */
function loggedModelOrders(fields: Fields): readonly string[] {
  return (fields.get("order_by") ?? []).map((order) => {
    if (typeof order !== "object" || order === null || !("field_name" in order)) throw invalid("Invalid order_by: field_name is missing");
    const isDescending = "ascending" in order && order.ascending === false;
    return `${String(order.field_name)}${isDescending ? " DESC" : ""}`;
  });
}

function getLoggedModel({ parts: [id = ""] }: Call, { holdings }: Served): Answer {
  return json({ model: loggedModelJson(holdings.loggedModel(id)) });
}

function searchRegisteredModels({ fields }: Call, { holdings }: Served): Answer {
  const size = count(fields, "max_results", { default: 100, most: MOST_MODELS });
  const isWanted = parseFilter(optionalText(fields, "filter"), REGISTERED_MODELS);
  const order = parseOrder([...texts(fields, "order_by"), "name"], REGISTERED_MODELS);
  const found = [...holdings.registry.registeredModels.values()].filter(isWanted).sort(order);
  const { items, ...rest } = page(found, fields, size);
  const models = items.map((model) => registeredModelJson(holdings.registry, model));
  return json({ registered_models: models.length === 0 ? undefined : models, ...rest });
}

function getRegisteredModel({ fields }: Call, { holdings }: Served): Answer {
  const model = holdings.registeredModel(requiredText(fields, "name"));
  return json({ registered_model: registeredModelJson(holdings.registry, model) });
}

function getLatestVersions({ fields }: Call, { holdings }: Served): Answer {
  const { name } = holdings.registeredModel(requiredText(fields, "name"));
  const stages = texts(fields, "stages").map((stage) => stage.toLowerCase());
  const found = latestVersions(holdings.registry, name).filter(({ stage }) => stages.length === 0 || stages.includes(stage.toLowerCase()));
  return json({ model_versions: found.length === 0 ? undefined : found.map((one) => versionJson(holdings.registry, one)) });
}

/** An unknown alias is a wrong parameter, not a missing object: as on a server. An alias of a version that is gone is a missing object. */
function getVersionByAlias({ fields }: Call, { holdings }: Served): Answer {
  const { name } = holdings.registeredModel(requiredText(fields, "name"));
  const wanted = requiredText(fields, "alias");
  const alias = holdings.registry.aliasesOf.get(name)?.find((one) => one.alias === wanted);
  if (alias === undefined) throw invalid(`Registered model alias ${wanted} not found.`);
  return json({ model_version: versionJson(holdings.registry, holdings.version(name, String(alias.version)), { aliases: true }) });
}

function searchVersions({ fields }: Call, { holdings }: Served): Answer {
  const { registry } = holdings;
  const size = count(fields, "max_results", { default: 10_000, most: MOST_VERSIONS });
  const searchable = searchableVersions(registry);
  const isWanted = parseFilter(optionalText(fields, "filter"), searchable);
  const order = parseOrder([...texts(fields, "order_by"), "last_updated_timestamp DESC", "name", "version_number DESC"], searchable);
  const { items, ...rest } = page([...registry.versions.values()].filter(isWanted).sort(order), fields, size);
  return json({ model_versions: items.length === 0 ? undefined : items.map((one) => versionJson(registry, one)), ...rest });
}

function searchableVersions(registry: Registry): Searchable<ModelVersion> {
  return {
    prefixes: ["attribute"],
    attributes: {
      name: (version) => version.model,
      version_number: (version) => version.version,
      run_id: (version) => (version.run === undefined ? "" : idOf(version.run)),
      source_path: (version) => sourceUri(registry, version),
      creation_timestamp: (version) => version.createdAt,
      last_updated_timestamp: (version) => version.createdAt,
    },
    keyed: { tag: tagToSearch },
    numbers: ["version_number", "creation_timestamp", "last_updated_timestamp"],
    lists: ["name", "run_id"],
  };
}

function getVersion({ fields }: Call, { holdings }: Served): Answer {
  const version = holdings.version(requiredText(fields, "name"), requiredText(fields, "version"));
  return json({ model_version: versionJson(holdings.registry, version, { aliases: true }) });
}

function getDownloadUri({ fields }: Call, { holdings }: Served): Answer {
  const version = holdings.version(requiredText(fields, "name"), requiredText(fields, "version"));
  return json({ artifact_uri: downloadUri(holdings.registry, version) });
}
