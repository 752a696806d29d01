// What a selection needs to know of a server before the first entity is handed out: names, places and links of everything
// that could come, found in as few requests as the API allows. Whole runs wait in the spool.
import { PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import { closeSelection } from "../../model/closure.ts";
import type { Experiment, RegisteredModel } from "../../model/entities.ts";
import { matcher } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";
import { canBeQuoted, listExperiments, searchModels, searchVersions } from "./calls.ts";
import type { MlflowServer } from "./connect.ts";
import { toExperiment, toRegisteredModel } from "./convert.ts";
import { resolvePromotions } from "./promotions.ts";
import type { Promotions } from "./promotions.ts";
import type { RunSpool } from "./run-spool.ts";
import { createStock } from "./stock.ts";
import type { RunIndex } from "./stock.ts";
import { CARRIER_TAG } from "./target-calls.ts";
import type { WireExperiment, WireLoggedModel, WireModelVersion, WireRegisteredModel } from "./wire.ts";

export interface Inventory extends Promotions {
  readonly experiments: ReadonlyMap<string, WireExperiment>;
  readonly runs: ReadonlyMap<string, RunIndex>;
  readonly loggedModels: ReadonlyMap<string, WireLoggedModel>;
  readonly models: readonly WireRegisteredModel[];
  readonly versions: readonly WireModelVersion[];
}

/** Few models are asked for one by one; more than this are cheaper in one listing. */
const MODELS_ASKED_ONE_BY_ONE = 20;

/** Takes stock of what `selection` can come to. Runs are added to `spool`. */
export async function takeStock(server: MlflowServer, selection: Selection, spool: RunSpool, signal: AbortSignal): Promise<Inventory> {
  const experiments = new Map<string, WireExperiment>();
  for await (const experiment of listExperiments(server.http, signal)) experiments.set(experiment.experiment_id, experiment);
  requireMatches("experiment", [...experiments.values()].map(toExperiment), selection);
  const stock = createStock({ server, experimentIds: [...experiments.keys()], spool, signal });
  const [{ models, versions }] = await Promise.all([
    listRegistry(server, selection, signal),
    stock.list(chosenExperiments(experiments, selection)),
  ]);
  const { promotions, locations } = await resolvePromotions(server.http, versions, signal);
  await stock.follow([
    ...versions.flatMap((version) => [version.run_id, ...idsIn(version.source)]),
    ...[...locations.values()].flatMap(idsIn),
  ]);
  const { runs, loggedModels } = stock;
  leaveOutCarriers(experiments, runs);
  return { experiments, runs, loggedModels, models, versions, promotions, locations };
}

/** Tells of a pattern without a match before anything long is read. Throws NOTHING_SELECTED. */
function requireMatches(
  kind: "experiment" | "registered-model",
  named: readonly (Experiment | RegisteredModel)[],
  selection: Selection,
): void {
  const globs = kind === "experiment" ? selection.experiments : selection.models;
  if (globs === undefined) return;
  const objects = named.map((object) => ({ ...object, pulls: [], deleted: "deleted" in object && object.deleted }));
  const only = kind === "experiment" ? { experiments: globs } : { models: globs };
  closeSelection(new Map(objects.map((object) => [object.key, object])), { ...only, includeDeleted: selection.includeDeleted });
}

function chosenExperiments(listing: ReadonlyMap<string, WireExperiment>, selection: Selection): string[] {
  if (selection.experiments === undefined && selection.models !== undefined) return [];
  const matches = matcher(selection.experiments ?? ["*"]);
  const isChosen = (experiment: WireExperiment): boolean =>
    matches(experiment.name) && (selection.includeDeleted || experiment.lifecycle_stage !== "deleted");
  return [...listing.values()].filter(isChosen).map((experiment) => experiment.experiment_id);
}

type Registry = Pick<Inventory, "models" | "versions">;

async function listRegistry(server: MlflowServer, selection: Selection, signal: AbortSignal): Promise<Registry> {
  if (selection.models === undefined && selection.experiments !== undefined) return { models: [], versions: [] };
  const models: WireRegisteredModel[] = [];
  for await (const model of searchModels(server.http, { prompts: false }, signal)) models.push(model);
  requireMatches("registered-model", models.map(toRegisteredModel), selection);
  const matches = matcher(selection.models ?? ["*"]);
  const chosen = models.filter((model) => matches(model.name));
  const oneByOne =
    chosen.length < models.length && chosen.length <= MODELS_ASKED_ONE_BY_ONE && chosen.every(({ name }) => canBeQuoted(name));
  const versions = new Map<string, WireModelVersion>();
  for (const name of oneByOne ? chosen.map((model) => model.name) : [undefined]) {
    for await (const version of searchVersions(server.http, name, signal)) {
      if (matches(version.name) && !version.tags.has(PLACEHOLDER_TAG)) versions.set(`${version.name}/${version.version}`, version);
    }
  }
  return { models, versions: [...versions.values()] };
}

/** On a version that mlferry made to use up a number, and did not come to remove. */
const PLACEHOLDER_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.placeholder}`;

/** The experiment of carrier runs is no part of the registry unless somebody put runs of their own there. */
function leaveOutCarriers(experiments: Map<string, WireExperiment>, runs: ReadonlyMap<string, RunIndex>): void {
  const carriers = new Set(
    [...experiments.values()].filter(({ tags }) => tags.has(CARRIER_TAG)).map((experiment) => experiment.experiment_id),
  );
  if (carriers.size === 0) return;
  for (const run of runs.values()) carriers.delete(run.experimentId);
  for (const id of carriers) experiments.delete(id);
}

/** Ids of runs and logged models in a source or a location. */
function idsIn(text: string): string[] {
  return [...text.matchAll(/(?<![0-9a-z])(m-)?[0-9a-f]{32}(?![0-9a-z])/g)].map(([id]) => id);
}
