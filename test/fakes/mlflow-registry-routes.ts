// The fake server's registered models, versions and aliases.
import type { Route } from "./mlflow-server.ts";
import { checkPair, exists, invalid, pairs, text } from "./mlflow-store.ts";
import type { FakeModel, FakeStore, FakeVersion, Json } from "./mlflow-store.ts";
import { setTag, tagsJson } from "./mlflow-tracking-routes.ts";

export const registryRoutes: readonly (readonly [RegExp, Route])[] = [
  [/^POST registered-models\/create$/, createModel],
  [/^GET registered-models\/get$/, (store, _body, query) => ({ registered_model: modelJson(store.model(query.get("name"))) })],
  [/^PATCH registered-models\/update$/, (store, body) => ((store.model(body["name"]).description = text(body["description"])), {})],
  [/^POST registered-models\/set-tag$/, (store, body) => setTag(store.model(body["name"]).tags, body, 100_000)],
  [/^DELETE registered-models\/delete$/, (store, body) => (store.model(body["name"]), store.models.delete(text(body["name"])), {})],
  [/^DELETE registered-models\/delete-tag$/, (store, body) => (store.model(body["name"]).tags.delete(text(body["key"])), {})],
  [/^POST registered-models\/alias$/, setAlias],
  [/^POST model-versions\/create$/, (store, body) => ({ model_version: versionJson(store.createVersion(body)) })],
  [
    /^GET model-versions\/get$/,
    (store, _body, query) => ({ model_version: versionJson(store.version(query.get("name"), query.get("version"))) }),
  ],
  [/^GET model-versions\/search$/, searchVersions],
  [/^PATCH model-versions\/update$/, (store, body) => ((version(store, body).description = text(body["description"])), {})],
  [/^POST model-versions\/set-tag$/, (store, body) => setTag(version(store, body).tags, body, 100_000)],
  [/^DELETE model-versions\/delete-tag$/, (store, body) => (version(store, body).tags.delete(text(body["key"])), {})],
  [/^POST model-versions\/transition-stage$/, (store, body) => ((version(store, body).stage = text(body["stage"])), {})],
  [/^DELETE model-versions\/delete$/, deleteVersion],
];

const version = (store: FakeStore, body: Json): FakeVersion => store.version(body["name"], body["version"]);

function createModel(store: FakeStore, body: Json): Json {
  const name = text(body["name"]);
  if (name.trim() === "" || /[/:]/.test(name)) throw invalid(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  if (store.models.has(name)) throw exists(`Registered Model (name=${name}) already exists.`);
  for (const [key, value] of pairs(body["tags"])) checkPair(key, value, 100_000);
  const model: FakeModel = {
    name,
    tags: new Map(pairs(body["tags"])),
    aliases: new Map(),
    versions: new Map(),
    description: text(body["description"]),
    lastNumber: 0,
  };
  store.models.set(name, model);
  return { registered_model: modelJson(model) };
}

function setAlias(store: FakeStore, body: Json): Json {
  const there = version(store, body);
  const alias = text(body["alias"]);
  if (!/^[\w-]{1,255}$/u.test(alias) || /^(latest|v\d+)$/i.test(alias)) throw invalid(`Invalid alias name: '${alias}'.`);
  store.model(there.model).aliases.set(alias, String(there.version));
  return {};
}

/** By name, and perhaps one tag. */
function searchVersions(store: FakeStore, _body: Json, query: ReadonlyMap<string, string>): Json {
  const filter = query.get("filter") ?? "";
  const name = /^name ?= ?(?:'([^']*)'|"([^"]*)")/.exec(filter);
  if (name === null) throw new Error(`not a filter that the fake knows: ${filter}`);
  const tag = / AND tags\.(\w+) = '([^']*)'$/i.exec(filter);
  const versions = [...(store.models.get(name[1] ?? name[2] ?? "")?.versions.values() ?? [])];
  return { model_versions: versions.filter((there) => tag === null || there.tags.get(tag[1] ?? "") === tag[2]).map(versionJson) };
}

function deleteVersion(store: FakeStore, body: Json): Json {
  const there = version(store, body);
  const model = store.model(there.model);
  model.versions.delete(there.version);
  for (const [alias, number] of model.aliases) if (number === String(there.version)) model.aliases.delete(alias);
  return {};
}

function modelJson(model: FakeModel): Json {
  const aliases = [...model.aliases].map(([alias, number]) => ({ alias, version: number }));
  return {
    name: model.name,
    creation_timestamp: 1,
    last_updated_timestamp: 1,
    description: model.description,
    tags: tagsJson(model.tags),
    aliases,
  };
}

function versionJson(there: FakeVersion): Json {
  return {
    name: there.model,
    version: String(there.version),
    creation_timestamp: 1,
    last_updated_timestamp: 1,
    current_stage: there.stage,
    description: there.description,
    source: there.source,
    run_id: there.runId,
    run_link: there.runLink,
    status: "READY",
    tags: tagsJson(there.tags),
  };
}
