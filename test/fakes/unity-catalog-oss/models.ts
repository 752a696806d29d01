// Registered models and their versions as the open-source server keeps them (server/persist/ModelRepository.java of v0.6.0).
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fitting, invalid, page, pageSize, Refused, text } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import type { Model, State, Version } from "./state.ts";

export type Handle = (state: State, call: Call) => Json | string;

/** Columns of the database: RegisteredModelInfoDAO.java and ModelVersionInfoDAO.java; 255 is Hibernate's default. */
const COMMENT_CHARS = 65_535;
const TEXT_CHARS = 255;

const NAME = /^[a-zA-Z0-9_@-]+$/;

function checkName(name: string | undefined): string {
  if (name === undefined || name === "") throw invalid("Name cannot be empty");
  if (name.length > TEXT_CHARS) throw invalid(`Name cannot be longer than ${TEXT_CHARS} characters`);
  if (!NAME.test(name)) throw invalid("Name cannot contain a period, space, forward-slash, or control characters");
  return name;
}

function parseFullName(name: string): readonly [catalog: string, schema: string, model: string] {
  const parts = name.split(".");
  const [catalog, schema, model] = parts;
  if (parts.length !== 3 || catalog === undefined || schema === undefined || model === undefined) {
    throw invalid(`Invalid registered model name: ${name}`);
  }
  return [catalog, schema, model];
}

function modelOf(state: State, fullName: string): Model {
  const [catalog, schema] = parseFullName(fullName);
  state.requireSchema(catalog, schema);
  const model = state.models.get(fullName);
  if (model === undefined) throw new Refused("NOT_FOUND", `Registered model not found: ${fullName}`);
  return model;
}

function versionOf(state: State, fullName: string, number: string): { model: Model; version: Version } {
  if (!/^-?\d+$/.test(number)) throw invalid(`For input string: "${number}"`);
  const model = modelOf(state, fullName);
  const version = model.versions.get(Number(number));
  if (version === undefined) throw new Refused("NOT_FOUND", `Model version not found: ${fullName}/${number}`);
  return { model, version };
}

/** Makes the folder of a `file:` location; a cloud's is made by whoever writes. */
function makeFolder(location: string): void {
  if (location.startsWith("file:")) mkdirSync(fileURLToPath(location), { recursive: true });
}

/** Tags, owner and whatever else is sent is passed over without a word. */
export const createModel: Handle = (state, { body }) => {
  const name = checkName(text(body, "name"));
  const schema = state.requireSchema(text(body, "catalog_name") ?? "null", text(body, "schema_name") ?? "null");
  const fullName = `${schema}.${name}`;
  if (state.models.has(fullName)) throw new Refused("ALREADY_EXISTS", `Registered model already exists: ${fullName}`);
  const id = randomUUID();
  const storageLocation = `${state.storage.root}/__unitystorage/models/${id}`;
  const createdAt = state.now();
  const comment = fitting(text(body, "comment"), COMMENT_CHARS, `creating registered model: ${fullName}`);
  const model: Model = {
    id,
    schema,
    storageLocation,
    createdAt,
    versions: new Map(),
    name,
    comment,
    updatedAt: createdAt,
    maxVersion: 0,
  };
  makeFolder(storageLocation);
  state.models.set(fullName, model);
  return modelJson(model);
};

/** The whole metastore by ids, or one schema by names: then catalog and schema are both needed. */
export const listModels: Handle = (state, { query }) => {
  const [catalog = "", schema = "", token] = ["catalog_name", "schema_name", "page_token"].map((name) => query.get(name));
  if (catalog !== "" && schema === "") throw invalid("Cannot specify catalog w/o schema for list registered models.");
  if (catalog === "" && schema !== "") throw invalid("Cannot specify schema w/o catalog for list registered models.");
  const ofSchema = catalog === "" ? undefined : state.requireSchema(catalog, schema);
  if (ofSchema === undefined && token !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(token)) {
    throw invalid(`Invalid page token received: ${token}`);
  }
  const tokenOf = (model: Model): string => (ofSchema === undefined ? model.id : model.name);
  const rest = [...state.models.values()]
    .filter((model) => (ofSchema === undefined || model.schema === ofSchema) && (token === undefined || tokenOf(model) > token))
    .sort((a, b) => (tokenOf(a) < tokenOf(b) ? -1 : 1));
  const { items, next } = page(rest, pageSize(query), tokenOf);
  return { registered_models: items.map(modelJson), next_page_token: next };
};

export const getModel: Handle = (state, { parts }) => modelJson(modelOf(state, parts["model"] ?? ""));

export const updateModel: Handle = (state, { parts, body }) => {
  const [newName, comment] = [text(body, "new_name"), text(body, "comment")];
  if (newName !== undefined) checkName(newName);
  if (newName === undefined && comment === undefined) throw invalid("No updated fields defined.");
  const model = modelOf(state, parts["model"] ?? "");
  const before = `${model.schema}.${model.name}`;
  if (newName !== undefined) {
    const after = `${model.schema}.${newName}`;
    if (state.models.has(after)) throw new Refused("ALREADY_EXISTS", `Registered model already exists: ${after}`);
    state.models.delete(before);
    state.models.set(after, model);
    model.name = newName;
  }
  if (comment !== undefined) model.comment = fitting(comment, COMMENT_CHARS, `updating registered model: ${before}`);
  model.updatedAt = state.now();
  return modelJson(model);
};

export const deleteModel: Handle = (state, { parts, query }) => {
  const model = modelOf(state, parts["model"] ?? "");
  if (model.versions.size > 0 && query.get("force") !== "true") {
    throw new Refused("ABORTED", `Unable to delete a registered model with existing model versions: ${model.name}`);
  }
  // Files stay where they are.
  state.models.delete(`${model.schema}.${model.name}`);
  return "200 OK";
};

/** The number is the highest that the model ever had + 1; it is pending until it is finalized. */
export const createVersion: Handle = (state, { body }) => {
  const [catalog = "null", schema = "null", name = "null"] = ["catalog_name", "schema_name", "model_name"].map((one) => text(body, one));
  const fullName = `${catalog}.${schema}.${name}`;
  const model = modelOf(state, fullName);
  const id = randomUUID();
  const what = `creating model version for model: ${fullName}`;
  const createdAt = state.now();
  const version: Version = {
    id,
    version: model.maxVersion + 1,
    source: fitting(text(body, "source"), TEXT_CHARS, what),
    runId: fitting(text(body, "run_id"), TEXT_CHARS, what),
    storageLocation: `${model.storageLocation}/versions/${id}`,
    createdAt,
    comment: fitting(text(body, "comment"), COMMENT_CHARS, what),
    status: "PENDING_REGISTRATION",
    updatedAt: createdAt,
  };
  makeFolder(version.storageLocation);
  model.versions.set(version.version, version);
  model.maxVersion = version.version;
  return versionJson(model, version);
};

/** Ascending; the token is the last number. */
export const listVersions: Handle = (state, { parts, query }) => {
  const token = query.get("page_token") ?? "0";
  if (!/^-?\d+$/.test(token)) throw invalid(`Invalid page token received: ${token}`);
  const size = pageSize(query);
  const model = modelOf(state, parts["model"] ?? "");
  const rest = [...model.versions.values()].filter(({ version }) => version > Number(token)).sort((a, b) => a.version - b.version);
  const { items, next } = page(rest, size, ({ version }) => String(version));
  return { model_versions: items.map((version) => versionJson(model, version)), next_page_token: next };
};

export const getVersion: Handle = (state, { parts }) => {
  const { model, version } = versionOf(state, parts["model"] ?? "", parts["version"] ?? "");
  return versionJson(model, version);
};

export const updateVersion: Handle = (state, { parts, body }) => {
  const comment = text(body, "comment");
  if (comment === undefined) throw invalid("No updated fields defined.");
  const { model, version } = versionOf(state, parts["model"] ?? "", parts["version"] ?? "");
  version.comment = fitting(comment, COMMENT_CHARS, `updating model version: ${model.name}/${version.version}`);
  version.updatedAt = state.now();
  return versionJson(model, version);
};

export const deleteVersion: Handle = (state, { parts }) => {
  const { model, version } = versionOf(state, parts["model"] ?? "", parts["version"] ?? "");
  model.versions.delete(version.version);
  return "200 OK";
};

/** By what the body says, whatever the path; whether there are files is not looked at. */
export const finalize: Handle = (state, { body }) => {
  const [fullName, number] = [text(body, "full_name"), text(body, "version")];
  if (fullName === undefined) throw invalid("No three tier full name specified.");
  if (number === undefined) throw invalid("No version specified.");
  const { model, version } = versionOf(state, fullName, number);
  if (version.status !== "PENDING_REGISTRATION") {
    throw invalid(`Model version not in a pending registration state: ${fullName}/${number}`);
  }
  version.status = "READY";
  version.updatedAt = state.now();
  return versionJson(model, version);
};

/** For reading always, for writing until the version is finalized; never for files of the server's own machine. */
export const giveCredentials: Handle = (state, { body }) => {
  const [catalog = "null", schema = "null", name = "null"] = ["catalog_name", "schema_name", "model_name"].map((one) => text(body, one));
  const fullName = `${catalog}.${schema}.${name}`;
  const { version } = versionOf(state, fullName, text(body, "version") ?? "0");
  const which = `${fullName}/${version.version}`;
  if (version.storageLocation.startsWith("file")) {
    throw invalid(`Cannot request credentials on a model version with a file based storage location: ${which}`);
  }
  const operation = text(body, "operation");
  if (operation !== "READ_MODEL_VERSION" && operation !== "READ_WRITE_MODEL_VERSION") throw invalid("Unknown operation in the request");
  if (version.status === "FAILED_REGISTRATION") {
    throw invalid(`Cannot request credentials on a model version with status ${version.status}: ${which}`);
  }
  if (version.status !== "PENDING_REGISTRATION" && operation === "READ_WRITE_MODEL_VERSION") {
    throw invalid(`Cannot request read/write credentials on a model version that has been finalized: ${which}`);
  }
  return { ...state.storage.credentials, url: version.storageLocation };
};

function namesOf(model: Model): Json {
  const [catalog, schema] = model.schema.split(".");
  return { catalog_name: catalog, schema_name: schema };
}

/** Without a login the server knows no users. */
const NOBODY = { owner: null, created_by: null, updated_by: null };

function modelJson(model: Model): Json {
  return {
    name: model.name,
    ...namesOf(model),
    storage_location: model.storageLocation,
    full_name: `${model.schema}.${model.name}`,
    comment: model.comment ?? null,
    ...NOBODY,
    created_at: model.createdAt,
    updated_at: model.updatedAt,
    id: model.id,
  };
}

function versionJson(model: Model, version: Version): Json {
  return {
    model_name: model.name,
    ...namesOf(model),
    version: version.version,
    source: version.source ?? null,
    run_id: version.runId ?? null,
    status: version.status,
    storage_location: version.storageLocation,
    comment: version.comment ?? null,
    created_by: null,
    updated_by: null,
    created_at: version.createdAt,
    updated_at: version.updatedAt,
    id: version.id,
  };
}
