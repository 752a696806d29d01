// The fake workspace's model registry: models, versions with files of their own, stages.
import { compact, exists, fields, invalid, missing, optional, page, pairs, required, tagsJson } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { levelOf } from "./credentials.ts";
import { below, filesAt } from "./file-places.ts";
import { matches } from "./filters.ts";
import { signedUrl } from "./files.ts";
import type { Routes } from "./routes.ts";
import type { Model, State, Version } from "./state.ts";
import { runRoot, setTag } from "./tracking.ts";

const API = String.raw`\/api\/2\.0\/mlflow`;

export const registryRoutes: Routes = [
  [new RegExp(`^POST ${API}\\/registered-models\\/create$`), createModel],
  [new RegExp(`^GET ${API}\\/registered-models\\/get$`), (state, call) => ({ registered_model: modelJson(modelOf(state, call)) })],
  [new RegExp(`^GET ${API}\\/databricks\\/registered-models\\/get$`), getDatabricksModel],
  [new RegExp(`^GET ${API}\\/registered-models\\/(list|search)$`), searchModels],
  [new RegExp(`^POST ${API}\\/registered-models\\/rename$`), renameModel],
  [new RegExp(`^PATCH ${API}\\/registered-models\\/update$`), updateModel],
  [new RegExp(`^DELETE ${API}\\/registered-models\\/delete$`), deleteModel],
  [new RegExp(`^POST ${API}\\/registered-models\\/set-tag$`), (state, call) => setTag(modelOf(state, call).tags, call.body, 250)],
  [
    new RegExp(`^DELETE ${API}\\/registered-models\\/delete-tag$`),
    (state, call) => (modelOf(state, call).tags.delete(required(fields(call), "key")), {}),
  ],
  [new RegExp(`^(POST|GET) ${API}\\/registered-models\\/get-latest-versions$`), latestVersions],
  [new RegExp(`^POST ${API}\\/model-versions\\/create$`), createVersion],
  [new RegExp(`^GET ${API}\\/model-versions\\/get$`), (state, call) => ({ model_version: versionJson(readVersion(state, call)) })],
  [new RegExp(`^GET ${API}\\/model-versions\\/search$`), searchVersions],
  [new RegExp(`^GET ${API}\\/model-versions\\/get-download-uri$`), (state, call) => ({ artifact_uri: placeOf(versionOf(state, call)) })],
  [new RegExp(`^PATCH ${API}\\/model-versions\\/update$`), updateVersion],
  [new RegExp(`^DELETE ${API}\\/model-versions\\/delete$`), deleteVersion],
  [new RegExp(`^POST ${API}\\/model-versions\\/set-tag$`), (state, call) => setTag(versionOf(state, call).tags, call.body, 250)],
  [
    new RegExp(`^DELETE ${API}\\/model-versions\\/delete-tag$`),
    (state, call) => (versionOf(state, call).tags.delete(required(fields(call), "key")), {}),
  ],
  [new RegExp(`^GET ${API}\\/model-versions\\/list-artifacts$`), listFiles],
  [new RegExp(`^GET ${API}\\/model-versions\\/get-signed-download-uri$`), signFile],
];

const modelOf = (state: State, call: Call): Model => state.model(required(fields(call), "name"));
export const versionOf = (state: State, call: Call): Version =>
  state.version(required(fields(call), "name"), required(fields(call), "version"));

function createModel(state: State, call: Call): Json {
  const name = required(call.body, "name");
  if (/[/:.]/.test(name)) throw invalid(`Registered model names may not contain '/', ':' or '.': ${name}`);
  if (state.models.has(name)) throw exists(`Registered Model (name=${name}) already exists.`);
  const created = state.now();
  const model: Model = {
    id: state.hex(),
    name,
    created,
    user: call.user,
    owner: call.user,
    tags: new Map(pairs(call.body["tags"])),
    aliases: new Map(),
    versions: new Map(),
    description: optional(call.body, "description") ?? "",
    updated: created,
    lastNumber: 0,
  };
  state.models.set(name, model);
  state.permissions.set(`registered-models/${model.id}`, new Map([[call.user, "CAN_MANAGE"]]));
  return { registered_model: modelJson(model) };
}

function getDatabricksModel(state: State, call: Call): Json {
  const model = modelOf(state, call);
  return { registered_model_databricks: { ...modelJson(model), id: model.id, permission_level: "CAN_MANAGE" } };
}

function searchModels(state: State, call: Call): Json {
  const from = fields(call);
  // `LIKE 'x'` finds x anywhere in a name.
  const filter = (optional(from, "filter") ?? "").replace(/(like\s*)'([^%']*)'/i, "$1'%$2%'");
  const found = [...state.models.values()].filter((model) => matches(filter, { attributes: { name: model.name }, tags: model.tags }));
  const { items, next } = page(found, from, { most: 1000, usual: 100 });
  return compact({ registered_models: items.map(modelJson), ...next });
}

function renameModel(state: State, call: Call): Json {
  const model = modelOf(state, call);
  const name = required(call.body, "new_name");
  if (state.models.has(name)) throw exists(`Registered Model (name=${name}) already exists.`);
  state.models.delete(model.name);
  const versions = [...model.versions].map(([number, version]): [number, Version] => [number, { ...version, model: name }]);
  const renamed = { ...model, name, versions: new Map(versions) };
  state.models.set(name, renamed);
  return { registered_model: modelJson(renamed) };
}

function updateModel(state: State, call: Call): Json {
  const model = modelOf(state, call);
  model.description = optional(call.body, "description") ?? "";
  model.updated = state.now();
  return { registered_model: modelJson(model) };
}

/** Versions in a stage other than None and Archived keep a model from being deleted. */
function deleteModel(state: State, call: Call): Json {
  const model = modelOf(state, call);
  for (const { stage } of model.versions.values()) {
    if (stage === "Staging" || stage === "Production") throw invalid(`Cannot delete model with versions in active stages: ${model.name}`);
  }
  state.models.delete(model.name);
  return {};
}

function latestVersions(state: State, call: Call): Json {
  const from = fields(call);
  const stages = ((from["stages"] as string[] | undefined) ?? []).map((stage) => stage.toLowerCase());
  const newest = new Map<string, Version>();
  for (const version of modelOf(state, call).versions.values()) newest.set(version.stage, version);
  const found = [...newest.values()].filter(({ stage }) => stages.length === 0 || stages.includes(stage.toLowerCase()));
  return compact({ model_versions: found.map(versionJson) });
}

/** The registry takes a copy of the files at once; there is no way to upload any to a version. */
function createVersion(state: State, call: Call): Json {
  const model = modelOf(state, call);
  const source = required(call.body, "source");
  const files = copiedFrom(state, source);
  model.lastNumber += 1;
  const created = state.now();
  const version: Version = {
    model: model.name,
    number: model.lastNumber,
    created,
    user: call.user,
    source,
    runId: optional(call.body, "run_id"),
    runLink: optional(call.body, "run_link"),
    tags: new Map(pairs(call.body["tags"])),
    files,
    description: optional(call.body, "description") ?? "",
    stage: "None",
    status: state.rules.pendingReads > 0 ? "PENDING_REGISTRATION" : "READY",
    updated: created,
    pending: state.rules.pendingReads,
    extra: {},
  };
  model.versions.set(version.number, version);
  model.updated = created;
  return { model_version: versionJson(version) };
}

function copiedFrom(state: State, source: string): Map<string, Buffer> {
  const named = /^models:\/([^/]+)\/(\d+)$/.exec(source);
  if (named !== null) return new Map(state.version(named[1] ?? "", named[2] ?? "").files);
  const logged = /^models:\/(m-[0-9a-f]+)$/.exec(source);
  const loggedModel = state.loggedModels.get(logged?.[1] ?? "");
  if (logged !== null && loggedModel === undefined) throw missing(`Logged model with ID '${logged[1] ?? ""}' not found.`);
  const run = /^runs:\/([^/]+)\/?(.*)$/s.exec(source);
  const uri =
    loggedModel !== undefined
      ? `dbfs:/databricks/mlflow-tracking/${loggedModel.experiment.id}/logged_models/${loggedModel.id}/artifacts`
      : run === null
        ? source
        : `${runRoot(state.run(run[1] ?? ""))}/${run[2] ?? ""}`;
  const root = filesAt(uri);
  if (root === undefined) throw invalid(`Unable to download model artifacts from source artifact location '${source}'`);
  const files = below(state.files, root.replace(/\/+$/, ""));
  if (files.size === 0 && !state.rules.emptySources)
    throw invalid(`Unable to download model artifacts from source artifact location '${source}': no files were found`);
  return files;
}

/** A read counts: versions are PENDING_REGISTRATION for a while. */
function readVersion(state: State, call: Call): Version {
  const version = versionOf(state, call);
  if (version.pending > 0) version.pending -= 1;
  else if (version.status === "PENDING_REGISTRATION") version.status = "READY";
  return version;
}

function searchVersions(state: State, call: Call): Json {
  const from = fields(call);
  const filter = optional(from, "filter") ?? "";
  if (/ and /i.test(filter)) throw invalid("Only one condition is supported in a model version filter.");
  const all = [...state.models.values()].flatMap((model) => [...model.versions.values()]);
  const found = all.filter((version) =>
    matches(filter, { attributes: { name: version.model, run_id: version.runId ?? "" }, tags: version.tags }),
  );
  const { items, next } = page(found, from, { most: 10_000, usual: 10_000 });
  return compact({ model_versions: items.map(versionJson), ...next });
}

function updateVersion(state: State, call: Call): Json {
  const version = versionOf(state, call);
  version.description = optional(call.body, "description") ?? "";
  version.updated = state.now();
  return { model_version: versionJson(version) };
}

function deleteVersion(state: State, call: Call): Json {
  const version = versionOf(state, call);
  if (version.stage === "Staging" || version.stage === "Production") throw invalid("Cannot delete a model version in an active stage.");
  state.model(version.model).versions.delete(version.number);
  return {};
}

const placeOf = (version: Version): string => `dbfs:/databricks/model-registry/${version.model}/${String(version.number)}`;

function listFiles(state: State, call: Call): Json {
  const version = versionOf(state, call);
  const path = (optional(fields(call), "path") ?? "").replace(/\/+$/, "");
  const { items, next } = page(levelOf(version.files, path), { page_token: fields(call)["page_token"] }, { most: 1000, usual: 1000 });
  return compact({ root_uri: placeOf(version), files: items, ...next });
}

function signFile(state: State, call: Call): Json {
  const version = versionOf(state, call);
  const path = required(fields(call), "path");
  const bytes = version.files.get(path);
  if (bytes === undefined) throw missing(`The file ${path} does not exist in version ${String(version.number)} of ${version.model}.`);
  const stored = `/.registry/${version.model}/${String(version.number)}/${path}`;
  state.files.set(stored, bytes);
  return { signed_uri: signedUrl(state, call, { method: "GET", path: stored }), headers: [{ name: "x-store", value: "registry" }] };
}

export function modelJson(model: Model): Json {
  const newest = new Map<string, Version>();
  for (const version of model.versions.values()) newest.set(version.stage, version);
  return compact({
    name: model.name,
    creation_timestamp: model.created,
    last_updated_timestamp: model.updated,
    user_id: model.user,
    description: model.description,
    tags: tagsJson(model.tags),
    latest_versions: [...newest.values()].map(versionJson),
  });
}

export function versionJson(version: Version): Json {
  return compact({
    name: version.model,
    version: String(version.number),
    creation_timestamp: version.created,
    last_updated_timestamp: version.updated,
    user_id: version.user,
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.runId,
    run_link: version.runLink,
    status: version.status,
    tags: tagsJson(version.tags),
  });
}
