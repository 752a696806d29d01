// Writes the metrics of a logged model, which the server takes only along with a run's.
import { MigrationError } from "../../errors.ts";
import type { LoggedModel, ModelMetric } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { Calls } from "./target-calls.ts";
import { parseWire, wire } from "./wire.ts";

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
export async function logModelMetrics(calls: Calls, modelId: string, metrics: readonly ModelMetric[], signal: AbortSignal): Promise<void> {
  for (const [runId, ofRun] of byRun(metrics)) {
    const values = await valuesOfRun(calls, runId, ofRun, signal);
    const points = ofRun.map((metric, index) => ({
      key: metric.key,
      value: values[index],
      timestamp: metric.timestamp,
      step: metric.step,
      model_id: modelId,
      dataset_name: metric.datasetName,
      dataset_digest: metric.datasetDigest,
    }));
    for (let start = 0; start < points.length; start += MOST_METRICS) {
      await calls.post("runs/log-batch", { run_id: runId, metrics: points.slice(start, start + MOST_METRICS) }, signal);
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
async function valuesOfRun(calls: Calls, runId: string, metrics: readonly ModelMetric[], signal: AbortSignal): Promise<number[]> {
  const values: number[] = [];
  for (const metric of metrics) {
    const wasNaN = metric.value === 0 && (await hasOnlyNaN(calls, runId, metric, signal));
    values.push(wasNaN ? Number.NaN : metric.value);
  }
  return values;
}

async function hasOnlyNaN(calls: Calls, runId: string, metric: ModelMetric, signal: AbortSignal): Promise<boolean> {
  const answer = await calls.get(
    "metrics/get-history-bulk-interval",
    [
      ["run_ids", runId],
      ["metric_key", metric.key],
      ["start_step", String(metric.step)],
      ["end_step", String(metric.step)],
      ["max_results", "2500"],
    ],
    signal,
  );
  const values = parseWire(wire.metrics, answer, "metrics/get-history-bulk-interval").metrics.filter(
    ({ timestamp }) => timestamp === metric.timestamp,
  );
  return values.some(({ value }) => Number.isNaN(value)) && !values.some(({ value }) => value === 0);
}
