// What a selection needs to know of a server before the first entity is handed out: names, places and links of everything
// that could come, found in as few requests as the API allows. Whole runs wait in the spool.
import { rootsOf } from "../../model/closure.ts";
import type { EntityKey, Experiment, RegisteredModel } from "../../model/entities.ts";
import { PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import { sidesOf, tagMatcher } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";
import { canBeQuoted, listExperiments, searchModels, searchVersions } from "./calls.ts";
import type { MlflowServer } from "./server.ts";
import { toExperiment, toRegisteredModel } from "./convert.ts";
import { chooseAmong } from "./listed-versions.ts";
import type { ListedVersions } from "./listed-versions.ts";
import { resolvePromotions } from "./promotions.ts";
import type { Promotions } from "./promotions.ts";
import { filtersOf, namingFilter } from "./run-searches.ts";
import type { RunSpool } from "./run-spool.ts";
import { createStock } from "./stock.ts";
import type { RunIndex } from "./stock.ts";
import { CARRIER_TAG } from "./target-calls.ts";
import type { WireExperiment, WireLoggedModel, WireModelVersion, WireRegisteredModel } from "./wire.ts";

export interface Inventory extends Promotions, ListedVersions {
  readonly experiments: ReadonlyMap<string, WireExperiment>;
  readonly runs: ReadonlyMap<string, RunIndex>;
  /** Ids of the runs that the server found for the selection's run filter; undefined where there is none. */
  readonly found: ReadonlySet<string> | undefined;
  readonly loggedModels: ReadonlyMap<string, WireLoggedModel>;
  readonly models: readonly WireRegisteredModel[];
}

/** Few models are asked for one by one; more than this are cheaper in one listing. */
const MODELS_ASKED_ONE_BY_ONE = 20;

/** Takes stock of what `selection` can come to. Runs are added to `spool`. */
export async function takeStock(server: MlflowServer, selection: Selection, spool: RunSpool, signal: AbortSignal): Promise<Inventory> {
  const experiments = new Map<string, WireExperiment>();
  for await (const experiment of listExperiments(server.http, signal)) experiments.set(experiment.experiment_id, experiment);
  const chosen = chosenExperiments(experiments, selection);
  const stock = createStock({ server, experimentIds: [...experiments.keys()], spool, signal });
  const [{ models, ...listed }, found] = await Promise.all([
    listRegistry(server, selection, signal),
    namingFilter(selection.runs, () => stock.list(chosen, filtersOf(selection))),
  ]);
  const { promotions, locations } = await resolvePromotions(server.http, listed.versions, signal);
  await stock.follow([
    ...listed.versions.flatMap((version) => [version.run_id, ...idsIn(version.source)]),
    ...[...locations.values()].flatMap(idsIn),
  ]);
  const { runs, loggedModels } = stock;
  leaveOutCarriers(experiments, runs);
  return {
    experiments,
    runs,
    found: selection.runs === undefined ? undefined : found,
    loggedModels,
    models,
    ...listed,
    promotions,
    locations,
  };
}

function chosenExperiments(listing: ReadonlyMap<string, WireExperiment>, selection: Selection): string[] {
  if (!sidesOf(selection).experiments) return [];
  const chosen = chosenByName([...listing.values()].map(toExperiment), { globs: "experiments", selection });
  return [...listing.values()].filter((wire) => chosen.has(toExperiment(wire).key)).map((experiment) => experiment.experiment_id);
}

/** By pattern and tags. Tells of a pattern without a match before anything long is read. Throws NOTHING_SELECTED. */
function chosenByName(
  named: readonly (Experiment | RegisteredModel)[],
  { globs, selection }: { readonly globs: "experiments" | "models"; readonly selection: Selection },
): ReadonlySet<EntityKey> {
  const isTagged = tagMatcher(selection.tags);
  const objects = named.map((object) => ({ ...object, pulls: [], deleted: "deleted" in object && object.deleted }));
  const only = selection[globs] === undefined ? {} : { [globs]: selection[globs] };
  const roots = rootsOf(new Map(objects.map((object) => [object.key, object])), { ...only, includeDeleted: selection.includeDeleted });
  // Tags that nothing here has may be on the other half: whether there is anything at all shows later.
  return new Set(objects.filter(({ key, tags }) => roots.has(key) && isTagged(tags)).map(({ key }) => key));
}

type Registry = Pick<Inventory, "models"> & ListedVersions;

async function listRegistry(server: MlflowServer, selection: Selection, signal: AbortSignal): Promise<Registry> {
  if (!sidesOf(selection).models) return { models: [], versions: [], others: [] };
  const models: WireRegisteredModel[] = [];
  for await (const model of searchModels(server.http, { prompts: false }, signal)) models.push(model);
  const keys = chosenByName(models.map(toRegisteredModel), { globs: "models", selection });
  const chosen = models.filter((model) => keys.has(toRegisteredModel(model).key));
  const names = new Set(chosen.map(({ name }) => name));
  const oneByOne =
    chosen.length < models.length && chosen.length <= MODELS_ASKED_ONE_BY_ONE && chosen.every(({ name }) => canBeQuoted(name));
  const versions = new Map<string, WireModelVersion>();
  for (const name of oneByOne ? names : [undefined]) {
    for await (const version of searchVersions(server.http, name, signal)) {
      if (names.has(version.name) && !version.tags.has(PLACEHOLDER_TAG)) versions.set(`${version.name}/${version.version}`, version);
    }
  }
  return { models, ...chooseAmong([...versions.values()], chosen, selection) };
}

/** On a version that mlferry made to use up a number, and did not come to remove. */
export const PLACEHOLDER_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.placeholder}`;

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
export function idsIn(text: string): string[] {
  return [...text.matchAll(/(?<![0-9a-z])(m-)?[0-9a-f]{32}(?![0-9a-z])/g)].map(([id]) => id);
}
