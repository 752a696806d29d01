// An MLflow server to read from, behind the HTTP client's interface and without sockets: strict about limits and paging as 3.17.2 is,
// blind where that is blind, and counting requests.
import type { OpenSourceServer } from "../../src/adapters/mlflow/server.ts";
import { mlflowCapabilities } from "../../src/adapters/mlflow/capabilities.ts";
import { createDirectFiles } from "../../src/adapters/mlflow/direct-files.ts";
import { ownDialect } from "../../src/adapters/mlflow/own-dialect.ts";
import { createOwnRegistry } from "../../src/adapters/mlflow/own-registry.ts";
import { createServerFiles } from "../../src/adapters/mlflow/server-files.ts";
import { noSignedUrls } from "./no-signed-urls.ts";
import { MigrationError } from "../../src/errors.ts";
import type { HttpClient, JsonRequest, Query } from "../../src/http/client.ts";
import type { OriginId } from "../../src/model/entities.ts";

import { loggedModelTest, runTest } from "./search-filters.ts";

/** JSON as the server would send it. */
export type Json = Readonly<Record<string, unknown>>;

export interface RunJson {
  readonly info: Json & { readonly run_id: string; readonly experiment_id: string; readonly artifact_uri: string };
  readonly data?: Json;
  readonly inputs?: Json;
  readonly outputs?: Json;
}

export interface PointJson {
  readonly key: string;
  readonly value: unknown;
  readonly step: unknown;
  readonly timestamp: unknown;
}

/** What the server holds; everything is optional. */
export interface Content {
  readonly experiments?: readonly Json[];
  readonly runs?: readonly RunJson[];
  readonly points?: ReadonlyMap<string, readonly PointJson[]>;
  readonly loggedModels?: readonly { readonly info: Json; readonly data?: Json }[];
  /** Prompts have the tag `mlflow.prompt.is_prompt`. */
  readonly models?: readonly Json[];
  readonly versions?: readonly Json[];
  /** Where versions really lie, by `name/number`. */
  readonly locations?: Readonly<Record<string, string>>;
  readonly traces?: readonly Json[];
  /** File texts by path below the artifact proxy's root. */
  readonly files?: Readonly<Record<string, string>>;
  /** Routes that answer with this status instead. */
  readonly broken?: Readonly<Record<string, number>>;
  /** Routes of parts that the server was started without. */
  readonly switchedOff?: readonly string[];
}

export interface ReadableMlflow {
  readonly server: OpenSourceServer;
  /** Every request so far as `METHOD last/parts`, the query left out. */
  readonly requests: string[];
}

/** A server that holds `content`. */
export function createReadableMlflow(
  content: Content,
  options: { readonly version?: string; readonly servesArtifacts?: boolean } = {},
): ReadableMlflow {
  const requests: string[] = [];
  const handle = (request: JsonRequest): unknown => {
    const route = request.path.replace(/^\/(ajax-)?api\/\d\.0\/mlflow\//, "");
    requests.push(`${request.method} ${route}`);
    const broken = content.broken?.[route];
    if (broken !== undefined) throw refused(broken, request.method, route);
    if (content.switchedOff?.includes(route) === true) throw switchedOff(request.method, route);
    return answer(content, route, request);
  };
  const http: HttpClient = {
    baseUrl: "http://fake",
    credential: undefined,
    clockSkewMs: undefined,
    get requests() {
      return requests.length;
    },
    json: async (request, signal) => (signal.throwIfAborted(), handle(request)),
    async items({ path, query }, begin, signal) {
      signal.throwIfAborted();
      const whole = handle({ method: "GET", path, ...(query === undefined ? {} : { query }), repeat: "safe" }) as { metrics: unknown[] };
      begin()(whole.metrics);
      return { ...whole, metrics: [] };
    },
    text: async () => options.version ?? "3.17.2",
    async *download({ path, query, offset = 0 }, signal) {
      signal.throwIfAborted();
      yield Buffer.from(String(handle({ method: "GET", path, ...(query === undefined ? {} : { query }), repeat: "safe" }))).subarray(
        offset,
      );
    },
    upload: async () => {
      throw new Error("nothing is written to this server");
    },
    withHeaders: () => http,
    close: async () => undefined,
  };
  const { version = "3.17.2", servesArtifacts = true } = options;
  const features = { loggedModels: true, stages: true, strictTexts: false };
  const origin = "0".repeat(32) as OriginId;
  const files = createServerFiles({ http, servesArtifacts, direct: createDirectFiles(), signed: noSignedUrls });
  const capabilities = mlflowCapabilities({ version, features });
  const server = { http, uri: "http://fake", version, origin, knownBy: "database" as const, features, servesArtifacts };
  return { server: { ...server, capabilities, dialect: ownDialect, registry: createOwnRegistry(http), files }, requests };
}

function answer(content: Content, route: string, request: JsonRequest): unknown {
  const body = (request.body ?? {}) as Json;
  const query = new Map(request.query);
  switch (route) {
    case "experiments/search":
      return paged("experiments", content.experiments ?? [], body, 50_000);
    case "runs/search":
      return paged("runs", foundRuns(content, body), body, 50_000);
    case "runs/get":
      return { run: runOf(content, query.get("run_id")) };
    case "logged-models/search":
      return paged("models", foundModels(content, body), body, Infinity);
    case "registered-models/search":
      return paged("registered_models", models(content, query.get("filter")), pageOf(query), 1000);
    case "model-versions/search":
      return paged("model_versions", versions(content, query.get("filter")), pageOf(query), 200_000);
    case "model-versions/get-download-uri":
      return { artifact_uri: content.locations?.[`${query.get("name") ?? ""}/${query.get("version") ?? ""}`] };
    case "metrics/get-history-bulk":
      return bulkHistory(content, request.query ?? []);
    case "metrics/get-history":
      return history(content, query);
    case "traces":
    case "traces/search":
      return { traces: content.traces ?? [] };
    case "/graphql":
      return graphql(content, String(body["query"]));
    default:
      return fileRoute(content, route, query);
  }
}

/** Pages by offset, refusing more than the server allows at a time. */
function paged(name: string, all: readonly unknown[], { max_results: size, page_token: token }: Json, most: number): Json {
  const count = Number(size);
  if (!(count > 0 && count <= most)) throw refused(400, "POST", name);
  const offset = Number(token ?? 0);
  return { [name]: all.slice(offset, offset + count), ...(offset + count < all.length ? { next_page_token: String(offset + count) } : {}) };
}

function pageOf(query: ReadonlyMap<string, string>): Json {
  return { max_results: query.get("max_results"), ...(query.has("page_token") ? { page_token: query.get("page_token") } : {}) };
}

/** As the server's search: without model inputs. */
function foundRuns(content: Content, body: Json): RunJson[] {
  if (body["run_view_type"] !== "ALL") throw new Error("runs that are deleted would be missed");
  const isWanted = runTest(body["filter"]);
  const experiments = new Set((body["experiment_ids"] as unknown[]).map(String));
  return (content.runs ?? [])
    .filter((run) => experiments.has(run.info.experiment_id) && isWanted(run))
    .map((run) => ({ ...run, inputs: { dataset_inputs: run.inputs?.["dataset_inputs"] ?? [] } }));
}

function foundModels(content: Content, body: Json): unknown[] {
  const isWanted = loggedModelTest(body["filter"]);
  const experiments = new Set((body["experiment_ids"] as unknown[]).map(String));
  return (content.loggedModels ?? []).filter((model) => experiments.has(String(model.info["experiment_id"])) && isWanted(model));
}

function runOf(content: Content, id: string | undefined): RunJson {
  const run = content.runs?.find(({ info }) => info.run_id === id);
  if (run === undefined) throw refused(404, "GET", "runs/get");
  return run;
}

const isPrompt = (json: Json): boolean =>
  (json["tags"] as { key: string }[] | undefined)?.some(({ key }) => key === "mlflow.prompt.is_prompt") === true;

function models(content: Content, filter: string | undefined): Json[] {
  return (content.models ?? []).filter((model) => isPrompt(model) === (filter?.includes("mlflow.prompt.is_prompt") === true));
}

function versions(content: Content, filter: string | undefined): Json[] {
  const name = filter === undefined ? undefined : /^name=(['"])(.*)\1$/s.exec(filter)?.[2];
  return (content.versions ?? []).filter((version) => !isPrompt(version) && (filter === undefined || version["name"] === name));
}

/** Truncated without a token; `max_results` is for all runs together. */
function bulkHistory(content: Content, query: Query): Json {
  const ids = query.filter(([key]) => key === "run_id").map(([, id]) => id);
  const parameters = new Map(query);
  if (ids.length === 0 || ids.length > 100) throw refused(400, "GET", "metrics/get-history-bulk");
  const all = ids.flatMap((id) => pointsOf(content, id, parameters.get("metric_key")).map((point) => ({ ...point, run_id: id })));
  return { metrics: all.slice(0, Math.min(25_000, Number(parameters.get("max_results")))) };
}

function history(content: Content, query: ReadonlyMap<string, string>): Json {
  return paged("metrics", pointsOf(content, query.get("run_id") ?? "", query.get("metric_key")), pageOf(query), Infinity);
}

function pointsOf(content: Content, run: string, key: string | undefined): readonly PointJson[] {
  return (content.points?.get(run) ?? []).filter((point) => point.key === key);
}

function graphql(content: Content, query: string): Json {
  const fields = [...query.matchAll(/(\w+): mlflowGetRun\(input: \{runId: "([^"]+)"\}\)/g)];
  if (fields.length > 10) return { data: null, errors: ["GraphQL queries should have at most 10 root fields"] };
  const run = (id: string | undefined): Json => {
    const inputs = (runOf(content, id).inputs?.["model_inputs"] ?? []) as { model_id: string }[];
    return { run: { inputs: { modelInputs: inputs.map(({ model_id: modelId }) => ({ modelId })) } } };
  };
  return { data: Object.fromEntries(fields.map(([, name = "", id]) => [name, run(id)])), errors: null };
}

const PROXY = "/api/2.0/mlflow-artifacts/artifacts";

/** Files by run, by logged model and through the proxy. */
function fileRoute(content: Content, route: string, query: ReadonlyMap<string, string>): unknown {
  if (route === "artifacts/list") return listed(content, runOf(content, query.get("run_id")).info.artifact_uri, query.get("path"));
  if (route === "/get-artifact") return file(content, runOf(content, query.get("run_id")).info.artifact_uri, query.get("path") ?? "");
  const model = /^logged-models\/(m-[^/]+)\/artifacts\/(directories|files)$/.exec(route);
  if (model !== null) {
    const info = content.loggedModels?.find((candidate) => candidate.info["model_id"] === model[1])?.info;
    if (info === undefined) throw refused(404, "GET", route);
    const root = String(info["artifact_uri"]);
    return model[2] === "files"
      ? file(content, root, query.get("artifact_file_path") ?? "")
      : listed(content, root, query.get("artifact_directory_path"));
  }
  if (route === PROXY) return { ...listed(content, "mlflow-artifacts:/", query.get("path"), true) };
  if (route.startsWith(`${PROXY}/`)) return file(content, "mlflow-artifacts:/", decodeURIComponent(route.slice(PROXY.length + 1)));
  throw refused(404, "GET", route);
}

function listed(content: Content, rootUri: string, directory = "", baseNames = false): Json {
  const root = `${rootUri.replace(/^mlflow-artifacts:\/*/, "")}/`.replace(/^\//, "");
  const below = `${root}${directory === "" ? "" : `${served(directory)}/`}`;
  const entries = new Map<string, Json>();
  for (const [path, text] of Object.entries(content.files ?? {})) {
    if (!path.startsWith(below)) continue;
    const [name = "", ...rest] = path.slice(below.length).split("/");
    const shown = baseNames ? name : `${below}${name}`.slice(root.length);
    // An empty file has no size, by protobuf's rules.
    const size = text.length === 0 ? {} : { file_size: text.length };
    entries.set(name, rest.length > 0 ? { path: shown, is_dir: true } : { path: shown, is_dir: false, ...size });
  }
  return { root_uri: rootUri, files: [...entries.values()] };
}

function file(content: Content, rootUri: string, path: string): string {
  const text = content.files?.[`${rootUri.replace(/^mlflow-artifacts:\/*/, "")}/${served(path)}`.replace(/^\//, "")];
  if (text === undefined) throw refused(404, "GET", path);
  return text;
}

/** The server decodes until nothing changes, and refuses what then holds a `#`. */
function served(path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (decoded.includes("#")) throw refused(400, "GET", path);
  return decoded === path ? path : served(decoded);
}

function refused(status: number, method: string, url: string): MigrationError {
  const code = status === 404 ? "NOT_FOUND" : status === 401 || status === 403 ? "NOT_AUTHORISED" : "REQUEST_FAILED";
  return new MigrationError(code, `server answered ${String(status)} to ${method} ${url}`, { request: { method, url, status } });
}

/** As http/failure.ts tells MLflow's own 503. */
function switchedOff(method: string, url: string): MigrationError {
  const hint = "the server was started without this part";
  return new MigrationError("REQUEST_FAILED", "Endpoint: … disabled due to …", { hint, request: { method, url, status: 503 } });
}
