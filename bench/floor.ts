// A plain reader: the least requests that MLflow's API allows for all that an export reads, over bare undici, and nothing kept.
// One phase after the other, a fixed number of requests in flight in each. Run by export.ts: floor.ts URL IN_FLIGHT
import pLimit from "p-limit";
import { Agent } from "undici";

interface Run {
  readonly id: string;
  /** Path of its files below the artifact proxy. */
  readonly root: string;
  readonly metrics: readonly string[];
}

/** Most runs in one page of runs/search that a server gives in a second or two, and most in one request for histories. */
const PAGE_RUNS = 1000;
const BULK_RUNS = 100;
const MAX_POINTS = 25_000;
const FILES = "/api/2.0/mlflow-artifacts/artifacts/";

/** Sends one request: a POST where there is a body. Gives the parsed answer; a file's bytes are read and dropped. */
type Ask = (path: string, query: Query, body?: object) => Promise<unknown>;
type Query = readonly (readonly [string, string])[];
/** Does the work for all items, a fixed number at a time. */
type Each = <T, R>(items: readonly T[], work: (item: T) => Promise<R>) => Promise<R[]>;

async function readAll(url: string, inFlight: number): Promise<void> {
  const agent = new Agent({ connections: inFlight });
  const limit = pLimit(inFlight);
  const ask = asking(agent, url);
  const each: Each = (items, work) => Promise.all(items.map((item) => limit(() => work(item))));
  const runs = await readEntities(ask, each);
  await each(columns(runs), ({ key, ids }) => {
    const query: Query = [...ids.map((id) => ["run_id", id] as const), ["metric_key", key], ["max_results", String(MAX_POINTS)]];
    return ask("/ajax-api/2.0/mlflow/metrics/get-history-bulk", query);
  });
  await readFiles(ask, each, runs);
  await agent.close();
}

function asking(agent: Agent, url: string): Ask {
  return async (path, query, body) => {
    const search = new URLSearchParams(query.map(([key, value]): [string, string] => [key, value])).toString();
    const answer = await agent.request({
      origin: url,
      path: `${path}?${search}`,
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${await answer.body.text()}`);
    if (!path.startsWith(FILES)) return answer.body.json();
    await answer.body.bytes();
    return undefined;
  };
}

async function readEntities(ask: Ask, each: Each): Promise<Run[]> {
  const experiments = list(await ask("/api/2.0/mlflow/experiments/search", [], { max_results: 1000, view_type: "ALL" }), "experiments");
  const ids = experiments.map((experiment) => String(experiment["experiment_id"]));
  await each(["registered-models", "model-versions"], (kind) => ask(`/api/2.0/mlflow/${kind}/search`, [["max_results", "1000"]]));
  await ask("/api/2.0/mlflow/logged-models/search", [], { experiment_ids: ids, max_results: 1000 });
  return searchRuns((body) => ask("/api/2.0/mlflow/runs/search", [], body), ids);
}

async function readFiles(ask: Ask, each: Each, runs: readonly Run[]): Promise<void> {
  let folders = runs.map((run) => ({ run, path: "" }));
  while (folders.length > 0) {
    const entries = await each(folders, async ({ run, path }) => {
      const answer = await ask("/api/2.0/mlflow/artifacts/list", [
        ["run_id", run.id] as const,
        ...(path === "" ? [] : [["path", path] as const]),
      ]);
      return list(answer, "files").map((file) => ({ run, path: String(file["path"]), isFolder: file["is_dir"] === true }));
    });
    const files = entries.flat().filter(({ isFolder }) => !isFolder);
    await each(files, ({ run, path }) => ask(`${FILES}${run.root}/${path}`, []));
    folders = entries.flat().filter(({ isFolder }) => isFolder);
  }
}

async function searchRuns(ask: (body: object) => Promise<unknown>, experimentIds: readonly string[]): Promise<Run[]> {
  const runs: Run[] = [];
  let token: unknown;
  do {
    const page = { experiment_ids: experimentIds, run_view_type: "ALL", max_results: PAGE_RUNS };
    const answer = await ask(token === undefined ? page : { ...page, page_token: token });
    for (const run of list(answer, "runs")) {
      const metrics = list(Reflect.get(run, "data"), "metrics").map((metric) => String(metric["key"]));
      const info = Object(run["info"]) as Record<string, unknown>;
      const root = String(info["artifact_uri"]).replace(/^mlflow-artifacts:\/+/, "");
      runs.push({ id: String(info["run_id"]), root, metrics });
    }
    token = Reflect.get(Object(answer), "next_page_token");
  } while (token !== undefined && token !== "");
  return runs;
}

/** Which runs have a metric, 100 at a time: one request each. */
function columns(runs: readonly Run[]): { readonly key: string; readonly ids: readonly string[] }[] {
  const groups = Array.from({ length: Math.ceil(runs.length / BULK_RUNS) }, (_, at) => runs.slice(at * BULK_RUNS, (at + 1) * BULK_RUNS));
  return groups.flatMap((group) => {
    const keys = new Set(group.flatMap(({ metrics }) => metrics));
    return [...keys].map((key) => ({ key, ids: group.filter(({ metrics }) => metrics.includes(key)).map(({ id }) => id) }));
  });
}

function list(answer: unknown, name: string): Record<string, unknown>[] {
  const items: unknown = Reflect.get(Object(answer), name);
  return Array.isArray(items) ? (items as Record<string, unknown>[]) : [];
}

const [url, inFlight] = process.argv.slice(2);
if (url === undefined || inFlight === undefined) throw new Error("usage: floor.ts URL IN_FLIGHT");
await readAll(url, Number(inFlight));
