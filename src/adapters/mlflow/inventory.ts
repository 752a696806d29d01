// What a selection needs to know of a server before the first entity is handed out: names, places and links of everything
// that could come, found in as few requests as the API allows. Whole runs wait in the spool.
import type { EntityKey } from "../../model/entities.ts";
import { PROVENANCE, PROVENANCE_PREFIX, versionKey } from "../../model/keys.ts";
import { matcher, type Selection } from "../../model/selection.ts";
import { canBeQuoted, get, listExperiments, searchLoggedModels, searchModels, searchRuns, searchVersions } from "./calls.ts";
import type { MlflowServer } from "./connect.ts";
import { unlessNotFound } from "./connect.ts";
import { PARENT_TAG } from "./convert.ts";
import type { RunSpool } from "./run-spool.ts";
import { wire, type WireExperiment, type WireLoggedModel, type WireModelVersion, type WireRegisteredModel, type WireRun } from "./wire.ts";

/** As much of a run as stays in memory. */
export interface RunIndex {
  readonly id: string;
  readonly experimentId: string;
  readonly startTime: bigint;
  readonly deleted: boolean;
  readonly artifactUri: string;
  readonly parent?: string;
  readonly outputs: readonly { readonly model: string; readonly step: bigint }[];
  readonly inputs: readonly string[];
}

export interface Inventory {
  readonly experiments: ReadonlyMap<string, WireExperiment>;
  readonly runs: ReadonlyMap<string, RunIndex>;
  readonly loggedModels: ReadonlyMap<string, WireLoggedModel>;
  readonly models: readonly WireRegisteredModel[];
  readonly versions: readonly WireModelVersion[];
  /** Where files really lie, for versions whose source does not tell: promoted from a version outside the selection. */
  readonly locations: ReadonlyMap<EntityKey, string>;
}

/** On a tag of experiments and runs that mlferry made to carry files of versions: not part of the registry. */
const CARRIER_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.carrier}`;

/** Few models are asked for one by one; more than this are cheaper in one listing. */
const MODELS_ASKED_ONE_BY_ONE = 20;
/** Ids in one `run_id IN (…)`: keeps the filter far below what servers and proxies accept. */
const IDS_IN_FILTER = 100;

/** Takes stock of what `selection` can come to. Runs are added to `spool`. */
export async function takeStock(server: MlflowServer, selection: Selection, spool: RunSpool, signal: AbortSignal): Promise<Inventory> {
  const listing = new Map<string, WireExperiment>();
  for await (const experiment of listExperiments(server.http, signal)) {
    if (!experiment.tags.has(CARRIER_TAG)) listing.set(experiment.experiment_id, experiment);
  }
  const stock = new Stock(server, listing, spool, signal);
  const chosen = chosenExperiments(listing, selection);
  const registry = listRegistry(server, selection, signal);
  // A failure of one must not leave the other's rejection unseen.
  const [{ models, versions }] = await Promise.all([registry, stock.listExperiments(chosen)]);
  const locations = await locate(server, versions, signal);
  await stock.follow([...versions.flatMap(idsNamedBy), ...[...locations.values()].flatMap(idsIn)]);
  return { experiments: listing, runs: stock.runs, loggedModels: stock.loggedModels, models, versions, locations };
}

async function locate(server: MlflowServer, versions: readonly WireModelVersion[], signal: AbortSignal): Promise<Map<EntityKey, string>> {
  const selected = new Set(versions.map(({ name, version }) => versionKey(name, version)));
  const locations = new Map<EntityKey, string>();
  const ask = async ({ name, version }: WireModelVersion): Promise<void> => {
    const query = [["name", name] as const, ["version", String(version)] as const];
    const answer = await get(server.http, "/api/2.0/mlflow/model-versions/get-download-uri", { query, schema: wire.downloadUri, signal });
    locations.set(versionKey(name, version), answer.artifact_uri);
  };
  const unclear = versions.filter(({ source }) => {
    const promoted = promotedFrom(source);
    return promoted !== undefined && !selected.has(promoted);
  });
  await Promise.all(unclear.map(ask));
  return locations;
}

/** The version that a source of the form `models:/name/3` names. */
export function promotedFrom(source: string): EntityKey | undefined {
  const match = /^models:\/(.+)\/(\d+)$/s.exec(source);
  return match?.[1] === undefined ? undefined : versionKey(match[1], Number(match[2]));
}

function chosenExperiments(listing: ReadonlyMap<string, WireExperiment>, selection: Selection): string[] {
  if (selection.experiments === undefined && selection.models !== undefined) return [];
  const matches = matcher(selection.experiments ?? ["*"]);
  const isChosen = (experiment: WireExperiment): boolean =>
    matches(experiment.name) && (selection.includeDeleted || experiment.lifecycle_stage !== "deleted");
  return [...listing.values()].filter(isChosen).map((experiment) => experiment.experiment_id);
}

async function listRegistry(
  server: MlflowServer,
  selection: Selection,
  signal: AbortSignal,
): Promise<Pick<Inventory, "models" | "versions">> {
  if (selection.models === undefined && selection.experiments !== undefined) return { models: [], versions: [] };
  const models: WireRegisteredModel[] = [];
  for await (const model of searchModels(server.http, { prompts: false }, signal)) models.push(model);
  const matches = matcher(selection.models ?? ["*"]);
  const chosen = models.filter((model) => matches(model.name));
  const oneByOne =
    chosen.length < models.length && chosen.length <= MODELS_ASKED_ONE_BY_ONE && chosen.every(({ name }) => canBeQuoted(name));
  const versions: WireModelVersion[] = [];
  for (const name of oneByOne ? chosen.map((model) => model.name) : [undefined]) {
    for await (const version of searchVersions(server.http, name, signal)) if (matches(version.name)) versions.push(version);
  }
  return { models, versions };
}

/** Runs and logged models found so far; grows until nothing known refers to something that was not looked for. */
class Stock {
  readonly runs = new Map<string, RunIndex>();
  readonly loggedModels = new Map<string, WireLoggedModel>();
  private readonly absent = new Set<string>();

  constructor(server: MlflowServer, experiments: ReadonlyMap<string, WireExperiment>, spool: RunSpool, signal: AbortSignal) {
    this.server = server;
    this.experiments = experiments;
    this.spool = spool;
    this.signal = signal;
  }
  private readonly server: MlflowServer;
  private readonly experiments: ReadonlyMap<string, WireExperiment>;
  private readonly spool: RunSpool;
  private readonly signal: AbortSignal;

  async listExperiments(experimentIds: readonly string[]): Promise<void> {
    for await (const page of searchRuns(this.server.http, { experimentIds }, this.signal)) for (const run of page) this.addRun(run);
    for await (const model of searchLoggedModels(this.server.http, experimentIds, this.signal))
      this.loggedModels.set(model.info.model_id, model);
  }

  /** Looks up these ids and what runs and logged models name, until all of it is known or known to be gone. */
  async follow(ids: readonly string[]): Promise<void> {
    const named = new Set(ids);
    for (;;) {
      const wanted = [...named, ...this.idsNamedByStock()].filter((id) => !this.isKnown(id));
      if (wanted.length === 0) return;
      await this.lookUp([...new Set(wanted)]);
    }
  }

  private addRun(run: WireRun): void {
    if (run.data.tags.has(CARRIER_TAG) || this.runs.has(run.info.run_id)) return;
    const parent = run.data.tags.get(PARENT_TAG);
    this.spool.add(run);
    this.runs.set(run.info.run_id, {
      id: run.info.run_id,
      experimentId: run.info.experiment_id,
      startTime: run.info.start_time ?? 0n,
      deleted: run.info.lifecycle_stage === "deleted",
      artifactUri: run.info.artifact_uri,
      ...(parent === undefined ? {} : { parent }),
      outputs: run.outputs.model_outputs.map((output) => ({ model: output.model_id, step: output.step })),
      inputs: run.inputs.model_inputs.map((input) => input.model_id),
    });
  }

  private *idsNamedByStock(): Generator<string> {
    for (const run of this.runs.values()) {
      if (run.parent !== undefined && isRunId(run.parent)) yield run.parent;
      for (const { model } of run.outputs) yield model;
      yield* run.inputs;
    }
    for (const { info } of this.loggedModels.values()) if (isRunId(info.source_run_id)) yield info.source_run_id;
  }

  private isKnown(id: string): boolean {
    return this.runs.has(id) || this.loggedModels.has(id) || this.absent.has(id);
  }

  private async lookUp(ids: readonly string[]): Promise<void> {
    const runs = ids.filter((id) => !id.startsWith("m-"));
    const experimentIds = [...this.experiments.keys()];
    for (let at = 0; at < runs.length; at += IDS_IN_FILTER) {
      const list = runs.slice(at, at + IDS_IN_FILTER).map((id) => `'${id}'`);
      const filter = `attributes.run_id IN (${list.join(", ")})`;
      for await (const page of searchRuns(this.server.http, { experimentIds, filter }, this.signal))
        for (const run of page) this.addRun(run);
    }
    await Promise.all(ids.filter((id) => id.startsWith("m-")).map((id) => this.lookUpModel(id)));
    for (const id of ids) if (!this.isKnown(id)) this.absent.add(id);
  }

  private async lookUpModel(id: string): Promise<void> {
    const path = `/api/2.0/mlflow/logged-models/${encodeURIComponent(id)}`;
    const answer = await unlessNotFound(get(this.server.http, path, { schema: wire.loggedModel, signal: this.signal }));
    if (answer !== undefined) this.loggedModels.set(id, answer.model);
  }
}

/** Runs and logged models that a version names, in its run or in its source. */
function idsNamedBy(version: WireModelVersion): string[] {
  const ids = idsIn(version.source);
  return isRunId(version.run_id) ? [version.run_id, ...ids] : ids;
}

function idsIn(text: string): string[] {
  return [...text.matchAll(/(?<![0-9a-z])(m-)?[0-9a-f]{32}(?![0-9a-z])/g)].map(([id]) => id);
}

function isRunId(id: string): boolean {
  return /^[0-9a-f]{32}$/.test(id);
}
