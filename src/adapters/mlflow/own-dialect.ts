// MLflow's own dialect: the routes of its open-source server, those of its UI among them where they save requests.
import { get, searchLoggedModels, searchRuns } from "./calls.ts";
import type { ByIds, Dialect } from "./dialect.ts";
import { readHistories } from "./histories.ts";
import { readModelInputs } from "./model-inputs.ts";
import type { LoggedPoint } from "./target-batches.ts";
import { isRefusal } from "./target-calls.ts";
import { createExperimentReader } from "./target-experiment-reads.ts";
import { countUncarried } from "./uncarried.ts";
import { wire } from "./wire.ts";

/** Filters over ids, bulk histories, GraphQL; a point that is sent again stays single, since the database's key holds all of it. */
export const ownDialect: Dialect = {
  histories: (http, runs, signal) => readHistories(http, runs, signal),
  modelInputs: readModelInputs,
  async *runs(http, { experimentIds, ids }, signal) {
    for (const filter of filtersOver("attributes.run_id", ids)) {
      for await (const page of searchRuns(http, { experimentIds, filter }, signal)) yield* page;
    }
  },
  async *loggedModels(http, { experimentIds, ids }, signal) {
    for (const filter of filtersOver("model_id", ids)) yield* searchLoggedModels(http, { experimentIds, filter }, signal);
  },
  loggedModelPage: 1000,
  async pointsAt(http, { run, metric, step }, signal) {
    const query = [
      ["run_ids", run],
      ["metric_key", metric],
      ["start_step", String(step)],
      ["end_step", String(step)],
      ["max_results", "2500"],
    ] as const;
    return (await get(http, "/api/2.0/mlflow/metrics/get-history-bulk-interval", { query, schema: wire.metrics, signal })).metrics;
  },
  carrierExperiment: "mlferry carriers",
  experimentReader: createExperimentReader,
  async logBatch(http, runId, { params, metrics, tags }, signal) {
    const body = { run_id: runId, params, metrics: metrics.map(wirePoint), tags };
    await http.json({ method: "POST", path: "/api/2.0/mlflow/runs/log-batch", body, repeat: "safe" }, signal);
  },
  async logDatasets(http, runId, datasets, signal) {
    const request = { method: "POST", path: "/api/2.0/mlflow/runs/log-inputs", body: { run_id: runId, datasets }, repeat: "safe" } as const;
    await again(() => http.json(request, signal));
  },
  missingPoints: (_http, _run, points) => points,
  uncarried: countUncarried,
};

/** A point in the words of runs/log-batch. */
export function wirePoint({ key, value, timestamp, step, model }: LoggedPoint): object {
  const shared = model && { model_id: model.id, dataset_name: model.datasetName, dataset_digest: model.datasetDigest };
  return { key, value, timestamp, step, ...shared };
}

/** Times that another run may get ahead with the same dataset. */
const RACES = 5;

/**
 * Two runs that bring the same dataset to an experiment at once: the server looks, finds none, and one of the two inserts fails on
 * the table's key. It is there then, so the call, which may be repeated, succeeds (seen on 3.17.2 with SQLite).
 */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let race = 1; ; race++) {
    try {
      return await call();
    } catch (thrown) {
      if (race >= RACES || !isRefusal(thrown, "BAD_REQUEST") || !/IntegrityError|UniqueViolation|unique constraint/i.test(thrown.message))
        throw thrown;
    }
  }
}

/** Keeps a filter far below what servers and proxies accept. */
const IDS_IN_FILTER = 100;

function* filtersOver(attribute: string, ids: ByIds["ids"]): Generator<string> {
  for (let at = 0; at < ids.length; at += IDS_IN_FILTER) {
    yield `${attribute} IN (${ids
      .slice(at, at + IDS_IN_FILTER)
      .map((id) => `'${id}'`)
      .join(", ")})`;
  }
}
