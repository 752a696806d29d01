// What servers that speak MLflow's API are asked by different routes. Chosen when a server is opened; who asks does not know which it is.
import type { HttpClient } from "../../http/client.ts";
import type { Experiment, MetricPoint, Run } from "../../model/entities.ts";
import type { Selection } from "../../model/selection.ts";
import type { Histories, NotCarried } from "../../ports/source.ts";
import type { KeyValue, LogBatch } from "./target-batches.ts";
import type { ExperimentReader } from "./target-experiment-reads.ts";
import type { WireLoggedModel, WireRun } from "./wire.ts";

export interface Dialect {
  /** See Source.histories. */
  histories(http: HttpClient, runs: readonly Run[], signal: AbortSignal): Histories;
  /** Ids of the logged models that runs used, by run id; runs that used none are left out. */
  modelInputs(http: HttpClient, runIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Runs with these ids, deleted ones too; what is gone is left out. */
  runs(http: HttpClient, wanted: ByIds, signal: AbortSignal): AsyncIterable<WireRun>;
  /** Logged models with these ids; what is gone is left out. */
  loggedModels(http: HttpClient, wanted: ByIds, signal: AbortSignal): AsyncIterable<WireLoggedModel>;
  /** Most logged models that one search gives. */
  readonly loggedModelPage: number;
  /** Points of a run's metric at one step. */
  pointsAt(http: HttpClient, place: PointPlace, signal: AbortSignal): Promise<readonly MetricPoint[]>;
  /** Name of the experiment of carrier runs. */
  readonly carrierExperiment: string;
  experimentReader(http: HttpClient): ExperimentReader;
  /** Sends params, points and tags to a run. However often answers are lost, a point is there once. */
  logBatch(http: HttpClient, runId: string, batch: LogBatch, signal: AbortSignal): Promise<void>;
  /** Gives a run datasets that it used, as runs/log-inputs takes them; each is there once. */
  logDatasets(http: HttpClient, runId: string, datasets: readonly WireDataset[], signal: AbortSignal): Promise<void>;
  /** Of points for a run that is there already, those that have to be sent: all, where a repeated one changes nothing. */
  missingPoints(
    http: HttpClient,
    run: Run,
    points: AsyncIterable<readonly MetricPoint[]>,
    signal: AbortSignal,
  ): AsyncIterable<readonly MetricPoint[]>;
  /** What is in the selection and cannot be carried. */
  uncarried(
    http: HttpClient,
    what: { readonly experiments: readonly Experiment[]; readonly selection: Selection },
    signal: AbortSignal,
  ): Promise<readonly NotCarried[]>;
}

/** A dataset of a run in the words of runs/log-inputs. */
export interface WireDataset {
  readonly dataset: { readonly name: string; readonly digest: string };
  readonly tags: readonly KeyValue[];
}

export interface ByIds {
  /** Where they may be: searches name experiments one by one. */
  readonly experimentIds: readonly string[];
  readonly ids: readonly string[];
}

export interface PointPlace {
  readonly run: string;
  readonly metric: string;
  readonly step: bigint;
}
