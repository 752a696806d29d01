// Metric histories of up to 100 runs, read column-wise: one request per metric key for all runs that have it. What would take
// too much memory, or was cut by the server, is read run by run.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { EntityKey, MetricPoint, Run } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { Histories } from "../../ports/source.ts";
import { get } from "./calls.ts";
import { parseWire, wire } from "./wire.ts";
import { workThrough } from "./workers.ts";

/** Most points in one bulk answer; one that is full was cut (mlflow/server/handlers.py, MAX_HISTORY_RESULTS). */
const BULK_POINTS = 25_000;
/** Points kept for runs of the group whose turn has not come: about 40 MB. */
const BUFFERED_POINTS = 500_000;
/** Most points handed out at a time. */
const BATCH = 10_000;
/** Columns asked for at a time; the pacer of the host limits further. */
const COLUMNS_AT_ONCE = 8;

/** Nothing is requested before the first `points` call. `bufferedPoints`: beyond it, the metrics that are left are read run by run. */
export function readHistories(http: HttpClient, runs: readonly Run[], signal: AbortSignal, bufferedPoints = BUFFERED_POINTS): Histories {
  const measured = new Set(runs.filter(({ latestMetrics }) => latestMetrics.size > 0).map(({ key }) => key));
  let columns: Promise<Columns> | undefined;
  return {
    async *points(run) {
      // It need not wait for the others' metrics.
      if (!measured.has(run)) return;
      columns ??= fetchColumns(http, { runs, bufferedPoints }, signal);
      const { points, left } = await columns;
      const buffered = points.get(run) ?? [];
      points.delete(run);
      for (let at = 0; at < buffered.length; at += BATCH) yield buffered.slice(at, at + BATCH);
      for (const key of left.get(run) ?? []) yield* pagedHistory(http, idOf(run), key, signal);
    },
  };
}

interface Columns {
  readonly points: Map<EntityKey, MetricPoint[]>;
  /** Metrics that are to be read run by run. */
  readonly left: ReadonlyMap<EntityKey, readonly string[]>;
}

interface Column {
  readonly key: string;
  readonly runs: readonly EntityKey[];
}

async function fetchColumns(
  http: HttpClient,
  { runs, bufferedPoints }: { readonly runs: readonly Run[]; readonly bufferedPoints: number },
  signal: AbortSignal,
): Promise<Columns> {
  const points = new Map<EntityKey, MetricPoint[]>();
  const left = new Map<EntityKey, string[]>();
  const queue = columnsOf(runs);
  let buffered = 0;
  const leave = ({ key, runs: owners }: Column): void => owners.forEach((run) => left.set(run, [...(left.get(run) ?? []), key]));
  await workThrough(queue, COLUMNS_AT_ONCE, async (column) => {
    const answer = buffered >= bufferedPoints ? undefined : await bulk(http, column, signal);
    if (answer === undefined) leave(column);
    else if (answer.length >= BULK_POINTS) queue.push(...halves(column, leave));
    else {
      buffered += answer.length;
      for (const { run, point } of answer) points.set(run, push(points.get(run), point));
    }
  });
  return { points, left };
}

function push(points: MetricPoint[] | undefined, point: MetricPoint): MetricPoint[] {
  if (points === undefined) return [point];
  points.push(point);
  return points;
}

function columnsOf(runs: readonly Run[]): Column[] {
  const owners = new Map<string, EntityKey[]>();
  for (const run of runs) for (const key of run.latestMetrics.keys()) owners.set(key, [...(owners.get(key) ?? []), run.key]);
  return [...owners].map(([key, runs]) => ({ key, runs }));
}

/** A full answer was cut: fewer runs at a time; one run alone is read in pages. */
function halves(column: Column, leave: (column: Column) => void): Column[] {
  if (column.runs.length === 1) {
    leave(column);
    return [];
  }
  const middle = Math.ceil(column.runs.length / 2);
  return [column.runs.slice(0, middle), column.runs.slice(middle)].map((runs) => ({ key: column.key, runs }));
}

/** Undefined where the server does not offer the route, or not for this metric: then each run fails or succeeds by itself. */
async function bulk(http: HttpClient, column: Column, signal: AbortSignal): Promise<{ run: EntityKey; point: MetricPoint }[] | undefined> {
  const path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk";
  const ids = column.runs.map((run) => ["run_id", idOf(run)] as const);
  const query = [...ids, ["metric_key", column.key] as const, ["max_results", String(BULK_POINTS)] as const];
  try {
    const { metrics } = await get(http, path, { query, schema: wire.metrics, signal });
    return metrics.map(({ run_id, ...point }) => ({ run: `run:${run_id ?? ""}` as EntityKey, point }));
  } catch (thrown) {
    if (thrown instanceof MigrationError && (thrown.code === "NOT_FOUND" || thrown.code === "REQUEST_FAILED")) return undefined;
    throw thrown;
  }
}

/**
 * A page at a time; servers before 3.0 give the whole history at once, whatever they are asked (127 MB for a million points). So an
 * answer is read as it comes into columns of 24 bytes a point, and turned into points when they are wanted.
 */
export async function* pagedHistory(
  http: HttpClient,
  run: string,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<readonly MetricPoint[]> {
  const path = "/api/2.0/mlflow/metrics/get-history";
  let token: string | undefined;
  do {
    const page = [["max_results", String(BULK_POINTS)] as const, ...(token === undefined ? [] : [["page_token", token] as const])];
    const request = { path, query: [["run_id", run] as const, ["metric_key", key] as const, ...page], timeoutMs: WHOLE_HISTORY_MS };
    let columns: PointColumns[] = [];
    const begin = (): ((items: readonly unknown[]) => void) => {
      const mine: PointColumns[] = [];
      columns = mine;
      return (items) => void mine.push(columnsFrom(parseWire(wire.points, items, path)));
    };
    const answer = parseWire(wire.metrics, await http.items(request, begin, signal), path);
    for (const some of columns) yield pointsFrom(key, some);
    token = answer.next_page_token === "" ? undefined : answer.next_page_token;
  } while (token !== undefined);
}

/** 2.22.5 takes three minutes for a million points, in silence. */
const WHOLE_HISTORY_MS = 15 * 60_000;

interface PointColumns {
  readonly values: Float64Array;
  readonly steps: BigInt64Array;
  readonly timestamps: BigInt64Array;
}

function columnsFrom(points: readonly Omit<MetricPoint, "key">[]): PointColumns {
  return {
    values: Float64Array.from(points, ({ value }) => value),
    steps: BigInt64Array.from(points, ({ step }) => step),
    timestamps: BigInt64Array.from(points, ({ timestamp }) => timestamp),
  };
}

function pointsFrom(key: string, { values, steps, timestamps }: PointColumns): MetricPoint[] {
  return Array.from(values, (value, at) => ({ key, value, step: steps[at] ?? 0n, timestamp: timestamps[at] ?? 0n }));
}
