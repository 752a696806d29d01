// What a workspace is asked by other routes than MLflow's own server: documented ones alone, so histories and runs come one by one.
import type { HttpClient } from "../../http/client.ts";
import { idOf } from "../../model/keys.ts";
import { get, unlessNotFound } from "../mlflow/calls.ts";
import type { ByIds, Dialect } from "../mlflow/dialect.ts";
import { pagedHistory } from "../mlflow/histories.ts";
import { oneByOne } from "../mlflow/model-inputs.ts";
import { wire } from "../mlflow/wire.ts";
import type { WireLoggedModel, WireRun } from "../mlflow/wire.ts";
import { inOrder } from "./ahead.ts";
import { createExperimentReader } from "./experiment-reads.ts";
import { logBatch, logDatasets, missingPoints } from "./run-log.ts";
import { countUncarried } from "./uncarried.ts";

/** Requests under way for one reader; the pacer of the host limits further. */
const AT_ONCE = 8;
const API = "/api/2.0/mlflow";

export const databricksDialect: Dialect = {
  histories(http, runs, signal) {
    const keys = new Map(runs.map((run) => [run.key, [...run.latestMetrics.keys()]]));
    return {
      async *points(run) {
        const pages = inOrder(keys.get(run) ?? [], AT_ONCE, (key) => pagedHistory(http, idOf(run), key, signal));
        for await (const points of pages) yield points;
      },
    };
  },
  modelInputs: async (http, runIds, signal) => new Map((await oneByOne(http, runIds, signal)).filter(([, models]) => models.length > 0)),
  runs: (http, wanted, signal) => each(wanted, (id) => run(http, id, signal)),
  loggedModels: (http, wanted, signal) => each(wanted, (id) => loggedModel(http, id, signal)),
  // What a search takes at most is not documented; this is what MLflow's client asks for.
  loggedModelPage: 50,
  async pointsAt(http, { run, metric, step }, signal) {
    const points = [];
    for await (const page of pagedHistory(http, run, metric, signal)) points.push(...page.filter((point) => point.step === step));
    return points;
  },
  // Every workspace has the folder.
  carrierExperiment: "/Shared/mlferry carriers",
  experimentReader: createExperimentReader,
  logBatch,
  logDatasets,
  missingPoints,
  uncarried: countUncarried,
};

async function* each<T>({ ids }: ByIds, read: (id: string) => Promise<T | undefined>): AsyncGenerator<T> {
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    for (const found of await Promise.all(ids.slice(at, at + AT_ONCE).map(read))) if (found !== undefined) yield found;
  }
}

async function run(http: HttpClient, id: string, signal: AbortSignal): Promise<WireRun | undefined> {
  const answer = await unlessNotFound(get(http, `${API}/runs/get`, { query: [["run_id", id]], schema: wire.run, signal }));
  return answer?.run;
}

async function loggedModel(http: HttpClient, id: string, signal: AbortSignal): Promise<WireLoggedModel | undefined> {
  return (await unlessNotFound(get(http, `${API}/logged-models/${id}`, { schema: wire.loggedModel, signal })))?.model;
}
