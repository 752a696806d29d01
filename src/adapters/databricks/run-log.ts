// What is logged to runs of a workspace. It keeps every point that it is sent, a repeated one twice, so nothing is sent again before the
// run was read back; and a batch takes short tags only, so that long ones go by themselves.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { MetricPoint, Run } from "../../model/entities.ts";
import { pointText } from "../../model/facts.ts";
import { idOf } from "../../model/keys.ts";
import { get } from "../mlflow/calls.ts";
import type { WireDataset } from "../mlflow/dialect.ts";
import { pagedHistory } from "../mlflow/histories.ts";
import { wirePoint } from "../mlflow/own-dialect.ts";
import type { KeyValue, LogBatch, LoggedPoint } from "../mlflow/target-batches.ts";
import { wire } from "../mlflow/wire.ts";
import type { WireRun } from "../mlflow/wire.ts";

const API = "/api/2.0/mlflow";

/** See Dialect.logBatch. Long tags go first, so that the last of the short ones comes after everything else. */
export async function logBatch(http: HttpClient, runId: string, batch: LogBatch, signal: AbortSignal): Promise<void> {
  const path = `${API}/runs/set-tag`;
  for (const tag of batch.tags.filter(isLong)) {
    await http.json({ method: "POST", path, body: { run_id: runId, ...tag }, repeat: "safe" }, signal);
  }
  const { params, metrics } = batch;
  const tags = batch.tags.filter((tag) => !isLong(tag));
  if (params.length + metrics.length + tags.length === 0) return;
  await untilKnown({
    send: (left) => sendBatch(http, runId, { params, metrics: left, tags }, signal),
    left: (sent) => pointsLeft(http, runId, sent, signal),
    items: metrics,
  });
}

/** Of a tag's value, in bytes: a batch documents no more, and set-tag takes 64 KB. */
const SHORT_TAG = 250;

function isLong({ value }: KeyValue): boolean {
  return Buffer.byteLength(value) > SHORT_TAG;
}

interface Repeated<T> {
  readonly items: readonly T[];
  /** Sends these, once. */
  readonly send: (items: readonly T[]) => Promise<void>;
  /** Of these, those that are not there. */
  readonly left: (items: readonly T[]) => Promise<readonly T[]>;
}

/** Sends again what a request whose answer was lost did not bring about. Throws OUTCOME_UNKNOWN when no answer comes at all. */
async function untilKnown<T>({ items, send, left }: Repeated<T>): Promise<void> {
  let rest = items;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(rest);
    } catch (thrown) {
      if (!(thrown instanceof MigrationError) || thrown.code !== "OUTCOME_UNKNOWN" || attempt >= MOST_ATTEMPTS) throw thrown;
      rest = await left(rest);
    }
  }
}

const MOST_ATTEMPTS = 4;

async function sendBatch(http: HttpClient, runId: string, { params, metrics, tags }: LogBatch, signal: AbortSignal): Promise<void> {
  const points = metrics.map((point) => ({ ...wirePoint(point), value: valueOf(point.value) }));
  const body = { run_id: runId, params, metrics: points, tags };
  await http.json({ method: "POST", path: `${API}/runs/log-batch`, body, repeat: "once" }, signal);
}

/** Numbers that JSON has no form for go as text, as protobuf writes them. */
function valueOf(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

async function pointsLeft(
  http: HttpClient,
  runId: string,
  points: readonly LoggedPoint[],
  signal: AbortSignal,
): Promise<readonly LoggedPoint[]> {
  const there = await pointsThere(http, runId, new Set(points.map(({ key }) => key)), signal);
  return points.filter((point) => !there.has(nameOf(point)));
}

/** How often each point is there. */
async function pointsThere(http: HttpClient, runId: string, keys: Iterable<string>, signal: AbortSignal): Promise<Map<string, number>> {
  const there = new Map<string, number>();
  for (const key of keys) {
    for await (const page of pagedHistory(http, runId, key, signal)) {
      for (const point of page) there.set(nameOf(point), (there.get(nameOf(point)) ?? 0) + 1);
    }
  }
  return there;
}

function nameOf(point: MetricPoint): string {
  return `${pointText(point)}/${point.key}`;
}

/** See Dialect.missingPoints: what the run has is read whole before the first point is handed on. */
export async function* missingPoints(
  http: HttpClient,
  run: Run,
  points: AsyncIterable<readonly MetricPoint[]>,
  signal: AbortSignal,
): AsyncGenerator<readonly MetricPoint[]> {
  const there = await pointsThere(http, idOf(run.key), run.latestMetrics.keys(), signal);
  for await (const batch of points) {
    yield batch.filter((point) => {
      const count = there.get(nameOf(point)) ?? 0;
      if (count > 0) there.set(nameOf(point), count - 1);
      return count === 0;
    });
  }
}

/** See Dialect.logDatasets. Whether a dataset that is sent again counts twice is not documented. */
export async function logDatasets(http: HttpClient, runId: string, datasets: readonly WireDataset[], signal: AbortSignal): Promise<void> {
  const path = `${API}/runs/log-inputs`;
  await untilKnown({
    items: datasets,
    send: async (items) => {
      if (items.length > 0) await http.json({ method: "POST", path, body: { run_id: runId, datasets: items }, repeat: "once" }, signal);
    },
    async left(items) {
      const there = new Set((await readRun(http, runId, signal)).inputs.dataset_inputs.map(({ dataset }) => labelOf(dataset)));
      return items.filter(({ dataset }) => !there.has(labelOf(dataset)));
    },
  });
}

function labelOf({ name, digest }: { readonly name: string; readonly digest: string }): string {
  return `${name}@${digest}`;
}

async function readRun(http: HttpClient, id: string, signal: AbortSignal): Promise<WireRun> {
  return (await get(http, `${API}/runs/get`, { query: [["run_id", id]], schema: wire.run, signal })).run;
}
