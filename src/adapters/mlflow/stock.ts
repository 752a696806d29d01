// Runs and logged models of a selection as they become known: by experiment first, then by the ids that others name.
import { later } from "../../model/closure.ts";
import { hasLoggedModels, searchLoggedModels, searchRuns } from "./calls.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import { PARENT_TAG } from "./convert.ts";
import type { RunSpool } from "./run-spool.ts";
import { CARRIER_TAG } from "./target-calls.ts";
import type { WireLoggedModel, WireRun } from "./wire.ts";

/** As much of a run as stays in memory. */
export interface RunIndex {
  readonly id: string;
  readonly experimentId: string;
  readonly startTime: bigint;
  /** The later one of begin and end. */
  readonly changedAt: bigint;
  readonly deleted: boolean;
  readonly artifactUri: string;
  readonly parent?: string;
  /** Logged models that it made. */
  readonly outputs: readonly { readonly model: string; readonly step: bigint }[];
  /** Logged models that it used. */
  readonly inputs: readonly string[];
}

export interface Stock {
  readonly runs: ReadonlyMap<string, RunIndex>;
  readonly loggedModels: ReadonlyMap<string, WireLoggedModel>;
  /** Adds what is in these experiments and meets the filters. Gives the ids of these runs. */
  list(experimentIds: readonly string[], filters: StockFilters): Promise<ReadonlySet<string>>;
  /** Looks up these ids, and all ids that runs and logged models name, until each is known or known to be gone. */
  follow(ids: readonly string[]): Promise<void>;
}

/** In the server's own language. */
export interface StockFilters {
  /** One search each, and what any of them finds counts. Undefined: all runs. */
  readonly runs?: readonly string[];
  /** `none`: only those that something else names. Undefined: all. */
  readonly loggedModels?: { readonly filter: string } | "none";
}

export interface StockOptions {
  readonly server: Pick<TrackingHalf, "http" | "files" | "dialect">;
  /** Of all experiments of the server: searches name them one by one. */
  readonly experimentIds: readonly string[];
  readonly spool: RunSpool;
  readonly signal: AbortSignal;
}

/** An empty stock. Carrier runs are left out: they only hold the files of versions, which are then the versions' own. */
export function createStock(options: StockOptions): Stock {
  const shelf: Shelf = { ...options, runs: new Map(), loggedModels: new Map(), absent: new Set(), withInputs: new Set(), allListed: false };
  return {
    runs: shelf.runs,
    loggedModels: shelf.loggedModels,
    async list(experimentIds, { runs, loggedModels }) {
      const [found] = await Promise.all([
        Promise.all((runs ?? [undefined]).map((filter) => addRuns(shelf, experimentIds, filter))),
        loggedModels === "none" ? undefined : addModels(shelf, experimentIds, loggedModels?.filter),
      ]);
      shelf.allListed ||= loggedModels === undefined && experimentIds.length === shelf.experimentIds.length;
      return new Set(found.flat());
    },
    async follow(ids) {
      for (;;) {
        const named = new Set([...ids, ...idsNamedBy(shelf)]);
        const wanted = [...named].filter((id) => isId(id) && !isKnown(shelf, id));
        if (wanted.length > 0) await lookUp(shelf, wanted);
        else if (!(await addInputs(shelf))) return;
      }
    },
  };
}

interface Shelf extends StockOptions {
  readonly runs: Map<string, RunIndex>;
  readonly loggedModels: Map<string, WireLoggedModel>;
  /** Ids of objects that are gone. */
  readonly absent: Set<string>;
  /** Runs whose inputs were asked for. */
  readonly withInputs: Set<string>;
  /** Whether no logged model can be unknown. */
  allListed: boolean;
}

/** Gives the ids of what the search finds. */
async function addRuns(shelf: Shelf, experimentIds: readonly string[], filter?: string): Promise<string[]> {
  const found: string[] = [];
  const search = { experimentIds, ...(filter === undefined ? {} : { filter }) };
  for await (const page of searchRuns(shelf.server.http, search, shelf.signal)) {
    for (const run of page) if (addRun(shelf, run)) found.push(run.info.run_id);
  }
  return found;
}

/** Whether the run counts: one that carries files for mlferry does not. */
function addRun({ server, spool, runs }: Shelf, run: WireRun): boolean {
  if (run.data.tags.has(CARRIER_TAG)) return false;
  const { run_id: id, artifact_uri: artifactUri } = run.info;
  if (runs.has(id)) return true;
  spool.add(run);
  server.files.note(id, artifactUri);
  runs.set(id, indexOf(run));
  return true;
}

async function addModels(shelf: Shelf, experimentIds: readonly string[], filter?: string): Promise<void> {
  const { server, signal } = shelf;
  const search = { experimentIds, page: server.dialect.loggedModelPage, ...(filter === undefined ? {} : { filter }) };
  for await (const model of searchLoggedModels(server.http, search, signal)) addModel(shelf, model);
}

function addModel({ server, loggedModels }: Shelf, model: WireLoggedModel): void {
  server.files.note(model.info.model_id, model.info.artifact_uri);
  loggedModels.set(model.info.model_id, model);
}

async function lookUp(shelf: Shelf, ids: readonly string[]): Promise<void> {
  const { server, experimentIds, signal } = shelf;
  const [runIds, modelIds] = [ids.filter((id) => !isModelId(id)), ids.filter(isModelId)];
  const lookUpRuns = async (): Promise<void> => {
    for await (const run of server.dialect.runs(server.http, { experimentIds, ids: runIds }, signal)) addRun(shelf, run);
  };
  const lookUpModels = async (): Promise<void> => {
    for await (const model of server.dialect.loggedModels(server.http, { experimentIds, ids: modelIds }, signal)) addModel(shelf, model);
  };
  await Promise.all([lookUpRuns(), lookUpModels()]);
  for (const id of ids) if (!isKnown(shelf, id)) shelf.absent.add(id);
}

/** Asks for the inputs of runs that were added since; they take requests of their own, so only where there is a logged model at all. */
async function addInputs(shelf: Shelf): Promise<boolean> {
  const { server, signal, runs, withInputs } = shelf;
  const asked = [...runs.keys()].filter((id) => !withInputs.has(id));
  if (asked.length === 0 || !(await hasModels(shelf))) return false;
  for (const id of asked) withInputs.add(id);
  for (const [id, inputs] of await server.dialect.modelInputs(server.http, asked, signal)) {
    const run = runs.get(id);
    if (run !== undefined) runs.set(id, { ...run, inputs });
  }
  return true;
}

async function hasModels({ server, experimentIds, signal, loggedModels, allListed }: Shelf): Promise<boolean> {
  return loggedModels.size > 0 || (!allListed && (await hasLoggedModels(server.http, experimentIds, signal)));
}

/** The light facts of a run that was read whole. */
export function indexOf({ info, data, outputs, inputs }: WireRun): RunIndex {
  const parent = data.tags.get(PARENT_TAG);
  return {
    id: info.run_id,
    experimentId: info.experiment_id,
    startTime: info.start_time ?? 0n,
    changedAt: later(info.start_time, info.end_time),
    deleted: info.lifecycle_stage === "deleted",
    artifactUri: info.artifact_uri,
    ...(parent === undefined ? {} : { parent }),
    outputs: outputs.model_outputs.map((output) => ({ model: output.model_id, step: output.step })),
    inputs: inputs.model_inputs.map((input) => input.model_id),
  };
}

function isKnown({ runs, loggedModels, absent }: Shelf, id: string): boolean {
  return runs.has(id) || loggedModels.has(id) || absent.has(id);
}

function* idsNamedBy({ runs, loggedModels }: Shelf): Generator<string> {
  for (const run of runs.values()) {
    if (run.parent !== undefined) yield run.parent;
    for (const { model } of run.outputs) yield model;
    yield* run.inputs;
  }
  for (const { info, data } of loggedModels.values()) {
    yield info.source_run_id;
    for (const { run_id: measuring } of data.metrics) if (measuring !== undefined) yield measuring;
  }
}

/** What MLflow takes for an id (mlflow/utils/validation.py, _RUN_ID_REGEX); nothing in it needs quoting in a filter. */
function isId(id: string): boolean {
  return /^[a-zA-Z0-9][\w-]{0,255}$/.test(id);
}

function isModelId(id: string): boolean {
  return /^m-[0-9a-f]{32}$/.test(id);
}
