// Writes the metrics of a logged model, which the server takes only along with a run's.
import { MigrationError } from "../../errors.ts";
import type { LoggedModel, ModelMetric } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import type { LoggedPoint } from "./target-batches.ts";

type Server = Pick<TrackingHalf, "http" | "dialect">;

/** Throws NOT_SUPPORTED where a metric has no run: every metric route of 3.17.2 demands one. */
export function refuseRunlessMetrics(model: LoggedModel): void {
  const runless = model.metrics.find((metric) => metric.run === undefined);
  if (runless === undefined) return;
  throw new MigrationError(
    "NOT_SUPPORTED",
    `metric ${JSON.stringify(runless.key)} of logged model ${JSON.stringify(model.name)} has no run`,
    {
      hint: "the server takes a logged model's metrics only with the run that measured them",
    },
  );
}

/** Logs the metrics to their runs with the model's id: the run's own point, which is there already, stays single. Repeatable. */
export async function logModelMetrics(
  server: Server,
  modelId: string,
  metrics: readonly ModelMetric[],
  signal: AbortSignal,
): Promise<void> {
  for (const [runId, ofRun] of byRun(metrics)) {
    const values = await valuesOfRun(server, runId, ofRun, signal);
    const points = ofRun.map(({ key, timestamp, step, datasetName, datasetDigest }, index): LoggedPoint => {
      return { key, value: values[index] ?? Number.NaN, timestamp, step, model: { id: modelId, datasetName, datasetDigest } };
    });
    for (let start = 0; start < points.length; start += MOST_METRICS) {
      const metrics = points.slice(start, start + MOST_METRICS);
      await server.dialect.logBatch(server.http, runId, { params: [], metrics, tags: [] }, signal);
    }
  }
}

/** mlflow/utils/validation.py, MAX_METRICS_PER_BATCH. */
const MOST_METRICS = 1000;

function byRun(metrics: readonly ModelMetric[]): Map<string, ModelMetric[]> {
  const runs = new Map<string, ModelMetric[]>();
  for (const metric of metrics) {
    if (metric.run === undefined) continue;
    const runId = idOf(metric.run);
    runs.set(runId, [...(runs.get(runId) ?? []), metric]);
  }
  return runs;
}

/**
 * The values to send. SQL stores keep a NaN of a run, but turn it into 0 in the model's copy (3.17.2); sent as 0 it would
 * become another point of the run, so a 0 whose run has a NaN in its place goes out as the NaN it was.
 */
async function valuesOfRun(server: Server, runId: string, metrics: readonly ModelMetric[], signal: AbortSignal): Promise<number[]> {
  const values: number[] = [];
  for (const metric of metrics) {
    const wasNaN = metric.value === 0 && (await hasOnlyNaN(server, runId, metric, signal));
    values.push(wasNaN ? Number.NaN : metric.value);
  }
  return values;
}

async function hasOnlyNaN({ http, dialect }: Server, runId: string, metric: ModelMetric, signal: AbortSignal): Promise<boolean> {
  const points = await dialect.pointsAt(http, { run: runId, metric: metric.key, step: metric.step }, signal);
  const values = points.filter(({ timestamp }) => timestamp === metric.timestamp);
  return values.some(({ value }) => Number.isNaN(value)) && !values.some(({ value }) => value === 0);
}
