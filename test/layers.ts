// The layers of src, as a table. A new line here is a change of design: say so.

export interface Layer {
  /** Layers whose files it may import. Its own folder is always allowed; `*` is every layer. */
  readonly imports: readonly string[];
  /** Layers of which it may only `import type`. */
  readonly importsTypes?: readonly string[];
  /** npm packages and Node's modules that it may import; `node:*` is all of Node. */
  readonly modules: readonly string[];
  readonly reason: string;
}

const FILES = ["crypto", "fs", "fs/promises", "os", "path", "stream", "stream/promises", "url", "util"].map((name) => `node:${name}`);

/** By path below src. `adapters/*` is each place by itself, unless it has a line of its own. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  errors: { imports: [], modules: [], reason: "everything throws MigrationError, so it depends on nothing" },
  model: {
    imports: ["errors"],
    modules: ["zod", "yaml", "node:crypto"],
    reason: "the nouns are pure: no place, no input or output; what MLflow writes beside a model is YAML",
  },
  ports: { imports: ["model", "errors"], modules: [], reason: "contracts only" },
  engine: {
    imports: ["ports", "model", "errors"],
    modules: ["node:crypto"],
    reason: "the engine decides by capabilities and never knows which place it talks to",
  },
  journal: {
    imports: ["ports", "model", "errors"],
    modules: ["zod", "node:sqlite", ...FILES],
    reason: "another store must be able to stand behind the port",
  },
  "plan-file": {
    imports: ["ports", "model", "errors"],
    importsTypes: ["engine"],
    modules: ["zod", ...FILES],
    reason: "a plan on disk: it knows what a step is called, and nothing of how one comes about",
  },
  http: {
    imports: ["errors"],
    modules: ["undici", "p-limit", "node:crypto", "node:stream", "node:stream/promises", "node:timers/promises", "node:zlib"],
    reason: "one client for every server: it knows requests, not registries",
  },
  login: {
    imports: ["http", "errors"],
    modules: ["node:fs"],
    reason: "how to log in to a workspace, from settings to a credential; environment, clock, requests and programs are handed in",
  },
  stores: {
    imports: ["errors"],
    modules: [
      "@aws-sdk/client-s3",
      "@aws-sdk/lib-storage",
      "@azure/identity",
      "@azure/storage-blob",
      "@google-cloud/storage",
      "google-auth-library",
      // Pools of connections, for an SDK to use.
      "node:http",
      "node:https",
      "node:timers/promises",
      ...FILES,
    ],
    reason: "a bucket's files are bytes under names: the clouds' SDKs stay in here and know no registry, no engine and none of our HTTP",
  },
  "adapters/*": {
    imports: ["http", "ports", "model", "errors"],
    modules: ["zod", ...FILES],
    reason: "a place knows neither the engine nor another place",
  },
  "adapters/bundle": {
    imports: ["ports", "model", "errors"],
    modules: ["zod", "tar", "node:zlib", "node:events", ...FILES],
    reason: "a bundle is a file: it needs no network, and only it knows of tar",
  },
  "adapters/mlflow": {
    imports: ["http", "stores", "ports", "model", "errors"],
    modules: ["zod", "node:v8", ...FILES],
    reason:
      "listed runs wait in a temporary file, as V8 writes them; servers name buckets in which they keep files without passing them on",
  },
  "adapters/databricks": {
    imports: ["adapters/mlflow", "http", "stores", "ports", "model", "errors"],
    modules: ["zod", ...FILES],
    reason: "a workspace speaks MLflow's API with routes of its own: what it shares with MLflow is MLflow's",
  },
  "adapters/unity-catalog": {
    imports: ["adapters/databricks", "adapters/mlflow", "http", "stores", "ports", "model", "errors"],
    modules: ["zod", "node:crypto"],
    reason: "a registry beside a workspace's tracking, whose calls are MLflow's but for versions and their files",
  },
  "adapters/unity-catalog-oss": {
    imports: ["adapters/unity-catalog", "adapters/databricks", "adapters/mlflow", "http", "stores", "ports", "model", "errors"],
    modules: ["zod", "node:crypto"],
    reason: "the open-source server in its own dialect: what writing a version means is as in Databricks' Unity Catalog",
  },
  serve: {
    imports: ["ports", "model", "http", "errors"],
    modules: ["zod", "node:http", "node:net", "node:crypto", "node:stream", "node:stream/promises", "node:url"],
    reason: "any source can be served, so it sees the port and no adapter",
  },
  report: {
    imports: ["ports", "model", "errors"],
    importsTypes: ["engine"],
    modules: ["zod", "node:util"],
    reason: "reports are folds over what the engine tells: text in, text out",
  },
  cli: {
    imports: ["*"],
    modules: ["commander", "pino", "yaml", "zod", "node:*"],
    reason: "the one place where everything is put together",
  },
  index: { imports: ["*"], modules: [], reason: "the library's surface: exports and nothing else" },
};
