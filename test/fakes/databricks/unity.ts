// Unity Catalog models in the dialect that released MLflow clients speak (databricks_uc_registry_service.proto).
import { compact, exists, fields, invalid, missing, optional, page, pairs, Refused, required, tagsJson } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { below } from "./file-places.ts";
import { has } from "./grants.ts";
import type { Routes } from "./routes.ts";
import type { Model, State, Version } from "./state.ts";
import { checkAlias, checkTag, checkLineage, checkTags, fullName, mayCreate } from "./unity-rules.ts";

const U = String.raw`\/api\/2\.0\/mlflow\/unity-catalog`;

export const unityRoutes: Routes = [
  [/^GET \/api\/2\.1\/unity-catalog\/schemas\/(?<schema>[^/]+)$/, getSchema],
  [new RegExp(`^POST ${U}\\/registered-models\\/create$`), createModel],
  [
    new RegExp(`^GET ${U}\\/registered-models\\/get$`),
    (state, call) => ({ registered_model: modelJson(modelOf(state, call), { whole: true }) }),
  ],
  [new RegExp(`^GET ${U}\\/registered-models\\/search$`), searchModels],
  [new RegExp(`^PATCH ${U}\\/registered-models\\/update$`), updateModel],
  [new RegExp(`^DELETE ${U}\\/registered-models\\/delete$`), deleteModel],
  [
    new RegExp(`^POST ${U}\\/registered-models\\/set-tag$`),
    (state, call) => (mayTag(state, call), tagged(modelOf(state, call).tags, call)),
  ],
  [
    new RegExp(`^DELETE ${U}\\/registered-models\\/delete-tag$`),
    (state, call) => (modelOf(state, call).tags.delete(required(fields(call), "key")), {}),
  ],
  [new RegExp(`^POST ${U}\\/registered-models\\/alias$`), setAlias],
  [new RegExp(`^GET ${U}\\/registered-models\\/alias$`), getByAlias],
  [
    new RegExp(`^DELETE ${U}\\/registered-models\\/alias$`),
    (state, call) => (modelOf(state, call).aliases.delete(required(fields(call), "alias")), {}),
  ],
  [new RegExp(`^POST ${U}\\/model-versions\\/create$`), createVersion],
  [new RegExp(`^POST ${U}\\/model-versions\\/generate-temporary-credentials$`), giveCredentials],
  [new RegExp(`^POST ${U}\\/model-versions\\/finalize$`), finalize],
  [
    new RegExp(`^GET ${U}\\/model-versions\\/get$`),
    (state, call) => ({ model_version: versionJson(state, versionOf(state, call), { whole: true }) }),
  ],
  [new RegExp(`^GET ${U}\\/model-versions\\/search$`), searchVersions],
  [
    new RegExp(`^GET ${U}\\/model-versions\\/get-download-uri$`),
    (state, call) => ({ artifact_uri: locationOf(state, versionOf(state, call)) }),
  ],
  [new RegExp(`^PATCH ${U}\\/model-versions\\/update$`), updateVersion],
  [new RegExp(`^DELETE ${U}\\/model-versions\\/delete$`), deleteVersion],
  [new RegExp(`^POST ${U}\\/model-versions\\/set-tag$`), (state, call) => (mayTag(state, call), tagged(versionOf(state, call).tags, call))],
  [
    new RegExp(`^DELETE ${U}\\/model-versions\\/delete-tag$`),
    (state, call) => (versionOf(state, call).tags.delete(required(fields(call), "key")), {}),
  ],
  [new RegExp(`^POST ${U}\\/model-versions\\/emit-lineage$`), (state, call) => (versionOf(state, call), {})],
  [
    new RegExp(`^GET ${U}\\/registered-models:is-databricks-sdk-models-artifact-repository-enabled$`),
    (state) => ({ is_databricks_sdk_models_artifact_repository_enabled: state.rules.modelsFilesApi }),
  ],
];

function modelOf(state: State, call: Call): Model {
  const name = fullName(state, required(fields(call), "name"));
  const model = state.catalog.get(name);
  if (model === undefined) throw missing(`Registered Model '${name}' does not exist.`);
  return model;
}

function versionOf(state: State, call: Call): Version {
  const model = modelOf(state, call);
  const number = required(fields(call), "version");
  const version = model.versions.get(Number(number));
  if (version === undefined) throw missing(`Model Version '${model.name}' version '${number}' does not exist.`);
  return version;
}

/** databricks-sdk, catalog.SchemasAPI.get. */
function getSchema(state: State, call: Call): Json {
  const name = (call.parts["schema"] ?? "").toLowerCase();
  if (state.schemas.size === 0) throw new Refused(404, "METASTORE_DOES_NOT_EXIST", "No metastore assigned for the current workspace.");
  if (!state.schemas.has(name)) throw new Refused(404, "SCHEMA_DOES_NOT_EXIST", `Schema '${name}' does not exist.`);
  const [catalog = "", schema = ""] = name.split(".");
  return { full_name: name, catalog_name: catalog, name: schema, owner: state.users[0] ?? "" };
}

function createModel(state: State, call: Call): Json {
  const name = fullName(state, required(call.body, "name"));
  mayCreate(state, name, call.user);
  if (state.catalog.has(name)) throw exists(`Registered model '${name}' already exists.`);
  const tags = checkTags(state, pairs(call.body["tags"]));
  const description = optional(call.body, "description");
  if (description !== undefined && description.length > 65_536) throw invalid("comment is longer than 65536 characters");
  const created = state.now();
  const model: Model = {
    id: state.hex(),
    name,
    created,
    user: call.user,
    owner: call.user,
    tags,
    aliases: new Map(),
    versions: new Map(),
    description: description ?? "",
    updated: created,
    lastNumber: 0,
  };
  state.catalog.set(name, model);
  return { registered_model: modelJson(model, { whole: true }) };
}

/** Everything in the metastore, in no order that can be relied on, without aliases and tags. */
function searchModels(state: State, call: Call): Json {
  const from = fields(call);
  if (optional(from, "filter") !== undefined || from["order_by"] !== undefined) throw invalid("filter and order_by are not supported");
  const rules = { most: 10_000, usual: 100, emptyFirst: state.rules.emptyPages };
  const { items, next } = page([...state.catalog.values()].reverse(), from, rules);
  return compact({ registered_models: items.map((model) => modelJson(model, { whole: false })), ...next });
}

function updateModel(state: State, call: Call): Json {
  const model = modelOf(state, call);
  if (model.owner !== call.user) throw new Refused(403, "PERMISSION_DENIED", `User is not an owner of Routine or Model '${model.name}'.`);
  const description = optional(call.body, "description");
  if (description !== undefined) model.description = description;
  model.updated = state.now();
  return { registered_model: modelJson(model, { whole: true }) };
}

function deleteModel(state: State, call: Call): Json {
  const model = modelOf(state, call);
  for (const { number } of model.versions.values()) removeFiles(state, model.name, number);
  state.catalog.delete(model.name);
  return {};
}

function mayTag(state: State, call: Call): void {
  const { name } = modelOf(state, call);
  if (!has(state, call.user, { type: "function", name }, ["APPLY_TAG", "MANAGE"])) {
    throw new Refused(403, "PERMISSION_DENIED", `User does not have APPLY TAG on Routine or Model '${name}'.`);
  }
}

function tagged(tags: Map<string, string>, call: Call): Json {
  const [key, value] = [required(call.body, "key"), optional(call.body, "value") ?? ""];
  checkTag(key, value);
  if (!tags.has(key) && tags.size >= 50) throw new Refused(400, "INVALID_PARAMETER_VALUE", "at most 50 tags can be set on an object");
  tags.set(key, value);
  return {};
}

function setAlias(state: State, call: Call): Json {
  const version = versionOf(state, call);
  modelOf(state, call).aliases.set(checkAlias(required(call.body, "alias")), version.number);
  return {};
}

function getByAlias(state: State, call: Call): Json {
  const model = modelOf(state, call);
  const alias = required(fields(call), "alias");
  const version = model.versions.get(model.aliases.get(alias) ?? 0);
  if (version === undefined) throw missing(`Alias '${alias}' of '${model.name}' does not exist.`);
  return { model_version: versionJson(state, version, { whole: true }) };
}

/** Takes a number at once; files come after, and it counts only when it is finalized. */
function createVersion(state: State, call: Call): Json {
  const model = modelOf(state, call);
  if (!has(state, call.user, { type: "function", name: model.name }, ["MANAGE", "CREATE_MODEL_VERSION"])) {
    throw new Refused(403, "PERMISSION_DENIED", `User is not an owner of Routine or Model '${model.name}'.`);
  }
  required(call.body, "source");
  const { name: _name, source: _source, run_id: _run, description: _description, tags, ...extra } = call.body;
  checkLineage(state, extra);
  const kept = checkTags(state, pairs(tags));
  model.lastNumber += 1;
  const created = state.now();
  const version: Version = {
    model: model.name,
    number: model.lastNumber,
    created,
    user: call.user,
    source: required(call.body, "source"),
    runId: optional(call.body, "run_id"),
    runLink: undefined,
    tags: kept,
    files: new Map(),
    description: optional(call.body, "description") ?? "",
    stage: "",
    status: "PENDING_REGISTRATION",
    updated: created,
    pending: 0,
    extra,
  };
  model.versions.set(version.number, version);
  return { model_version: versionJson(state, version, { whole: true }) };
}

/** Default storage needs no credentials of a cloud: the caller asks for signed URLs. */
function giveCredentials(state: State, call: Call): Json {
  const version = versionOf(state, call);
  const operation = required(call.body, "operation");
  if (!/^MODEL_VERSION_OPERATION_READ(_WRITE)?$/.test(operation)) throw invalid(`Invalid operation ${operation}`);
  if (operation.endsWith("WRITE") && version.status !== "PENDING_REGISTRATION") {
    throw new Refused(400, "INVALID_STATE", `Model version ${version.model} ${String(version.number)} is not pending registration.`);
  }
  const usual = { expiration_time: Date.now() + 3_600_000, storage_mode: "DEFAULT_STORAGE" };
  const { customerStorage } = state.rules;
  return {
    credentials: customerStorage === undefined ? usual : { ...usual, storage_mode: "CUSTOMER_HOSTED", ...customerStorage.credentials() },
  };
}

const root = (name: string, number: number): string => `/Models/${name.split(".").join("/")}/${String(number)}`;

function finalize(state: State, call: Call): Json {
  const version = versionOf(state, call);
  if (version.status !== "PENDING_REGISTRATION") throw new Refused(400, "INVALID_STATE", `Model version is in status ${version.status}.`);
  const files = below(state.files, root(version.model, version.number));
  const model = files.get("MLmodel")?.toString() ?? "";
  if (state.rules.checksSignatures && !/^signature:/m.test(model)) {
    throw invalid("Model passed for registration did not contain any signature metadata.");
  }
  version.status = "READY";
  version.updated = state.now();
  return { model_version: versionJson(state, version, { whole: true }) };
}

/** Only by name; without tags and aliases. */
function searchVersions(state: State, call: Call): Json {
  const from = fields(call);
  const name = /^name\s*=\s*'([^']*)'$/.exec(optional(from, "filter") ?? "")?.[1];
  if (name === undefined) throw invalid("Model versions can only be searched with a filter of the form name = 'catalog.schema.model'.");
  const model = state.catalog.get(fullName(state, name));
  const rules = { most: 10_000, usual: 100, emptyFirst: state.rules.emptyPages };
  const { items, next } = page([...(model?.versions.values() ?? [])], from, rules);
  return compact({ model_versions: items.map((version) => versionJson(state, version, { whole: false })), ...next });
}

function updateVersion(state: State, call: Call): Json {
  const version = versionOf(state, call);
  version.description = optional(call.body, "description") ?? "";
  version.updated = state.now();
  return { model_version: versionJson(state, version, { whole: true }) };
}

function deleteVersion(state: State, call: Call): Json {
  const [model, version] = [modelOf(state, call), versionOf(state, call)];
  model.versions.delete(version.number);
  for (const [alias, number] of model.aliases) if (number === version.number) model.aliases.delete(alias);
  removeFiles(state, model.name, version.number);
  return {};
}

function removeFiles(state: State, name: string, number: number): void {
  for (const path of [...state.files.keys()]) if (path.startsWith(`${root(name, number)}/`)) state.files.delete(path);
}

const locationOf = ({ rules }: State, { model, number }: Version): string =>
  `${rules.customerStorage?.root ?? "s3://managed"}/${model}/${String(number)}`;

interface Detail {
  /** False: as it appears in a listing. */
  readonly whole: boolean;
}

function modelJson(model: Model, { whole }: Detail): Json {
  const aliases = [...model.aliases].map(([alias, version]) => ({ alias, version: String(version) }));
  return compact({
    name: model.name,
    creation_timestamp: model.created,
    last_updated_timestamp: model.updated,
    user_id: model.owner,
    description: model.description,
    ...(whole ? { tags: tagsJson(model.tags), aliases } : {}),
  });
}

function versionJson(state: State, version: Version, { whole }: Detail): Json {
  const aliases = [...(state.catalog.get(version.model)?.aliases ?? [])].filter(([, number]) => number === version.number);
  return compact({
    name: version.model,
    version: String(version.number),
    creation_timestamp: version.created,
    last_updated_timestamp: version.updated,
    user_id: version.user,
    description: version.description,
    source: version.source,
    run_id: version.runId,
    run_tracking_server_id: version.extra["run_tracking_server_id"],
    model_id: version.extra["model_id"],
    status: version.status,
    storage_location: locationOf(state, version),
    ...(whole ? { tags: tagsJson(version.tags), aliases: aliases.map(([alias]) => ({ alias, version: String(version.number) })) } : {}),
  });
}
