// Fills an MLflow server over its REST API with a plain registry of any size: what the comparisons read and write.
import pLimit from "p-limit";

/** How much there is of everything. Same numbers, same registry. */
export interface Shape {
  readonly runs: number;
  /** Runs are dealt out to them in turn. */
  readonly experiments: number;
  /** Metric keys; every run has all of them. */
  readonly metrics: number;
  /** Points of each metric of each run. */
  readonly points: number;
  readonly params: number;
  readonly models: number;
  /** Of each model, each made from the files of another run. */
  readonly versions: number;
  /** Paths of each run's files. */
  readonly files: readonly string[];
}

/** What the comparisons use unless told otherwise. */
export const DEFAULT_SHAPE: Shape = {
  runs: 400,
  experiments: 4,
  metrics: 10,
  points: 5,
  params: 8,
  models: 5,
  versions: 4,
  files: ["model/MLmodel", "report.json"],
};

/** Bytes of each file. */
export const FILE_BYTES = 2048;

/** More at once dead-lock the connection pool of a server's worker (15 connections, two for a create). */
const IN_FLIGHT = 6;
/** 2024-01-01T00:00:00Z in ms; everything is dated from there. */
const EPOCH = 1_704_067_200_000;
const MINUTE_MS = 60_000;

/** Creates everything; takes a server about a tenth of a second per run. Throws on the first refusal. */
export async function fillRegistry(url: string, shape: Shape): Promise<void> {
  const experiments: string[] = [];
  for (let index = 0; index < shape.experiments; index += 1) {
    const made = await post(url, "experiments/create", { name: `team-${index}/training`, tags: [{ key: "team", value: `team ${index}` }] });
    experiments.push(textAt(made, "experiment_id"));
  }
  const limit = pLimit(IN_FLIGHT);
  const numbers = Array.from({ length: shape.runs }, (_, index) => index);
  const runs = await Promise.all(
    numbers.map((index) => limit(() => createRun(url, { index, experimentId: experiments[index % experiments.length] ?? "0", shape }))),
  );
  for (let model = 0; model < shape.models; model += 1) await createModel(url, { model, runs, shape });
}

interface Filled {
  readonly id: string;
  readonly artifactUri: string;
}

async function createRun(
  url: string,
  { index, experimentId, shape }: { readonly index: number; readonly experimentId: string; readonly shape: Shape },
): Promise<Filled> {
  const start = EPOCH + index * MINUTE_MS;
  const tags = [
    { key: "mlflow.user", value: "ada" },
    { key: "mlflow.source.name", value: "train.py" },
    { key: "candidate", value: String(index % 7 === 0) },
  ];
  const body = { experiment_id: experimentId, run_name: `run ${index}`, user_id: "ada", start_time: start, tags };
  const made = await post(url, "runs/create", body);
  const run = { id: textAt(made, "run", "info", "run_id"), artifactUri: textAt(made, "run", "info", "artifact_uri") };
  await post(url, "runs/log-batch", { run_id: run.id, params: paramsOf(index, shape), metrics: metricsOf(index, start, shape) });
  for (const path of shape.files) await putFile(url, run, path, `${path} of run ${index}\n`.repeat(FILE_BYTES).slice(0, FILE_BYTES));
  await post(url, "runs/update", { run_id: run.id, status: "FINISHED", end_time: start + MINUTE_MS });
  return run;
}

function paramsOf(index: number, shape: Shape): object[] {
  return Array.from({ length: shape.params }, (_, param) => ({ key: `param_${param}`, value: `${index * (param + 1)}` }));
}

function metricsOf(index: number, start: number, shape: Shape): object[] {
  const keys = Array.from({ length: shape.metrics }, (_, metric) => metric);
  const steps = Array.from({ length: shape.points }, (_, step) => step);
  return keys.flatMap((metric) =>
    steps.map((step) => ({ key: `metric_${metric}`, value: (index + 1) / (metric + step + 1), timestamp: start + step * 1000, step })),
  );
}

async function createModel(
  url: string,
  { model, runs, shape }: { readonly model: number; readonly runs: readonly Filled[]; readonly shape: Shape },
): Promise<void> {
  const name = `model-${model}`;
  await post(url, "registered-models/create", { name, description: "made to be moved", tags: [{ key: "owner", value: "ada" }] });
  for (let index = 0; index < shape.versions; index += 1) {
    const run = runs[(model * shape.versions + index) % runs.length];
    if (run === undefined) throw new Error("versions need at least one run");
    const tags = [{ key: "stage-of-review", value: "done" }];
    await post(url, "model-versions/create", { name, source: `${run.artifactUri}/model`, run_id: run.id, tags });
  }
  if (shape.versions > 0) await post(url, "registered-models/alias", { name, alias: "champion", version: String(shape.versions) });
}

/** Stores a file of a run through the server's artifact proxy. */
export async function putFile(url: string, run: { readonly artifactUri: string }, path: string, content: string): Promise<void> {
  const root = run.artifactUri.replace(/^mlflow-artifacts:\/+/, "");
  const answer = await fetch(`${url}/api/2.0/mlflow-artifacts/artifacts/${root}/${path}`, { method: "PUT", body: content });
  if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status} ${await answer.text()}`);
}

/** Sends a body to a route of the REST API and gives the answer. */
export async function post(url: string, route: string, body: object): Promise<unknown> {
  // A connection for each request: see latency-proxy.ts.
  const headers = { "content-type": "application/json", connection: "close" };
  const answer = await fetch(`${url}/api/2.0/mlflow/${route}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** The text at a path of an answer; throws where there is none. */
export function textAt(answer: unknown, ...path: readonly string[]): string {
  const value = path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    answer,
  );
  if (typeof value !== "string") throw new Error(`no text at ${path.join(".")} of ${JSON.stringify(answer)}`);
  return value;
}
