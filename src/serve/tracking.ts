// Experiments, runs and metric histories.
import type { Experiment, MetricPoint, Run } from "../model/entities.ts";
import { idOf } from "../model/keys.ts";
import { parseFilter, parseOrder } from "../model/query.ts";
import type { Searchable } from "../model/query.ts";
import { SEARCHABLE_RUN } from "../model/run-filter.ts";
import { count, optionalText, requiredText, texts, viewType } from "./fields.ts";
import { page } from "./paging.ts";
import { invalid, notFound } from "./refusals.ts";
import { artifactRoot, experimentKey } from "./registry.ts";
import { json } from "./route.ts";
import type { Answer, Call, Route, Served } from "./route.ts";
import { experimentJson, pointJson, runJson, tagsOf } from "./wire.ts";

/** A server's caps on a page of runs or experiments, on the runs and on the points of a bulk history (mlflow/server/handlers.py, 3.17.2). */
const MOST_RESULTS = 50_000;
const MOST_BULK_RUNS = 100;
const MOST_BULK_POINTS = 25_000;

export const TRACKING_ROUTES: readonly Route[] = [
  { methods: ["GET", "POST"], path: "2.0/mlflow/experiments/search", handler: searchExperiments },
  { methods: ["GET"], path: "2.0/mlflow/experiments/get", handler: getExperiment },
  { methods: ["GET"], path: "2.0/mlflow/experiments/get-by-name", handler: getExperimentByName },
  { methods: ["POST"], path: "2.0/mlflow/experiments/search-datasets", handler: searchDatasets },
  { methods: ["POST"], path: "2.0/mlflow/runs/search", handler: searchRuns },
  { methods: ["GET"], path: "2.0/mlflow/runs/get", handler: getRun },
  { methods: ["GET"], path: "2.0/mlflow/metrics/get-history", handler: getHistory },
  { methods: ["GET"], path: "2.0/mlflow/metrics/get-history-bulk", handler: getHistoryBulk },
];

const EXPERIMENTS: Searchable<Experiment> = {
  prefixes: ["attribute", "attr"],
  attributes: {
    name: (experiment) => experiment.name,
    experiment_id: (experiment) => idOf(experiment.key),
    creation_time: (experiment) => experiment.createdAt,
    last_update_time: (experiment) => experiment.createdAt,
  },
  keyed: { tag: (experiment, key) => tagsOf(experiment).get(key) },
  numbers: ["creation_time", "last_update_time"],
  lists: ["experiment_id"],
};

const RUNS: Searchable<Run> = {
  ...SEARCHABLE_RUN,
  attributes: {
    ...SEARCHABLE_RUN.attributes,
    artifact_uri: (run) => `mlflow-artifacts:/${artifactRoot(run)}`,
    experiment_id: (run) => idOf(run.experiment),
  },
};

function searchExperiments({ fields }: Call, { holdings }: Served): Answer {
  const size = count(fields, "max_results", { most: MOST_RESULTS });
  const isSeen = viewType(fields, "view_type");
  const isWanted = parseFilter(optionalText(fields, "filter"), EXPERIMENTS);
  const order = parseOrder([...texts(fields, "order_by"), "creation_time DESC", "experiment_id"], EXPERIMENTS);
  const found = [...holdings.registry.experiments.values()].filter((one) => isSeen(one.deleted) && isWanted(one)).sort(order);
  const { items, ...rest } = page(found, fields, size);
  return json({ experiments: items.length === 0 ? undefined : items.map(experimentJson), ...rest });
}

function getExperiment({ fields }: Call, { holdings }: Served): Answer {
  return json({ experiment: experimentJson(holdings.experiment(requiredText(fields, "experiment_id"))) });
}

function getExperimentByName({ fields }: Call, { holdings }: Served): Answer {
  const name = requiredText(fields, "experiment_name");
  for (const experiment of holdings.registry.experiments.values()) {
    if (experiment.name === name) return json({ experiment: experimentJson(experiment) });
  }
  throw notFound(`Could not find experiment with name '${name}'`);
}

function searchDatasets({ fields }: Call, { holdings }: Served): Answer {
  const summaries = new Map<string, object>();
  for (const experimentId of texts(fields, "experiment_ids")) {
    for (const run of holdings.registry.runsOf.get(experimentKey(experimentId)) ?? []) {
      for (const { name, digest, tags } of run.datasets) {
        const summary = { experiment_id: experimentId, name, digest, context: tags.get("mlflow.data.context") };
        summaries.set(JSON.stringify(summary), summary);
      }
    }
  }
  return json(summaries.size === 0 ? {} : { dataset_summaries: [...summaries.values()] });
}

function searchRuns({ fields }: Call, { holdings }: Served): Answer {
  const size = count(fields, "max_results", { default: 1000, most: MOST_RESULTS });
  const isSeen = viewType(fields, "run_view_type");
  const isWanted = parseFilter(optionalText(fields, "filter"), RUNS);
  const order = parseOrder([...texts(fields, "order_by"), "attributes.start_time DESC", "attributes.run_id"], RUNS);
  const found = texts(fields, "experiment_ids")
    .flatMap((id) => holdings.registry.runsOf.get(experimentKey(id)) ?? [])
    .filter((run) => isSeen(run.deleted) && isWanted(run))
    .sort(order);
  const { items, ...rest } = page(found, fields, size);
  return json({ runs: items.length === 0 ? undefined : items.map((run) => runJson(holdings.registry, run)), ...rest });
}

function getRun({ fields }: Call, { holdings }: Served): Answer {
  return json({ run: runJson(holdings.registry, holdings.run(requiredText(fields, "run_id", "run_uuid"))) });
}

/** An unknown run or metric has an empty history, as on a server. */
async function getHistory({ fields }: Call, { holdings }: Served): Promise<Answer> {
  const run = holdings.registry.runs.get(requiredText(fields, "run_id", "run_uuid"));
  const key = requiredText(fields, "metric_key");
  const size = count(fields, "max_results", { default: Number.MAX_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER });
  const points = run === undefined ? [] : ((await holdings.histories([run])).get(run.key)?.get(key) ?? []);
  const { items, ...rest } = page(points, fields, size);
  return json({ metrics: items.length === 0 ? undefined : items.map(pointJson), ...rest });
}

/** Cut without a token, and with bare `NaN`: both as on a server. */
async function getHistoryBulk({ fields }: Call, { holdings }: Served): Promise<Answer> {
  const ids = texts(fields, "run_id");
  if (ids.length === 0) throw invalid("GetMetricHistoryBulk request must specify at least one run_id.");
  if (ids.length > MOST_BULK_RUNS) {
    throw invalid(`GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received ${String(ids.length)} run_ids.`);
  }
  const key = optionalText(fields, "metric_key");
  if (key === undefined) throw invalid("GetMetricHistoryBulk request must specify a metric_key.");
  const size = count(fields, "max_results", { default: MOST_BULK_POINTS, most: Number.MAX_SAFE_INTEGER });
  const runs = [...ids].sort().flatMap((id) => holdings.registry.runs.get(id) ?? []);
  const histories = await holdings.histories(runs);
  const points = runs.flatMap((run) => (histories.get(run.key)?.get(key) ?? []).map((point) => bulkPoint(run, point)));
  return { kind: "json", bare: true, body: { metrics: points.slice(0, Math.min(size, MOST_BULK_POINTS)) } };
}

function bulkPoint(run: Run, point: MetricPoint): object {
  return { key: point.key, run_id: idOf(run.key), step: point.step, timestamp: point.timestamp, value: point.value };
}
