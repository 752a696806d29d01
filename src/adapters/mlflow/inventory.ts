// What a selection needs to know of a server before the first entity is handed out: names, places and links of everything
// that could come, found in as few requests as the API allows. Whole runs wait in the spool.
import { sidesOf } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";
import { listExperiments } from "./calls.ts";
import { chosenByName } from "./chosen-names.ts";
import { toExperiment } from "./convert.ts";
import type { Attached, RegistryStock } from "./registry-half.ts";
import { filtersOf, namingFilter } from "./run-searches.ts";
import type { RunSpool } from "./run-spool.ts";
import type { MlflowServer } from "./server.ts";
import { createStock } from "./stock.ts";
import type { RunIndex } from "./stock.ts";
import { CARRIER_TAG } from "./target-calls.ts";
import type { WireExperiment, WireLoggedModel } from "./wire.ts";

export interface Inventory extends RegistryStock {
  readonly attached: Attached;
  readonly experiments: ReadonlyMap<string, WireExperiment>;
  readonly runs: ReadonlyMap<string, RunIndex>;
  /** Ids of the runs that the server found for the selection's run filter; undefined where there is none. */
  readonly found: ReadonlySet<string> | undefined;
  readonly loggedModels: ReadonlyMap<string, WireLoggedModel>;
}

/** Takes stock of what `selection` can come to. Runs are added to `spool`. */
export async function takeStock(server: MlflowServer, selection: Selection, spool: RunSpool, signal: AbortSignal): Promise<Inventory> {
  const experiments = new Map<string, WireExperiment>();
  for await (const experiment of listExperiments(server.http, signal)) experiments.set(experiment.experiment_id, experiment);
  const chosen = chosenExperiments(experiments, selection);
  const stock = createStock({ server, experimentIds: [...experiments.keys()], spool, signal });
  const [registry, found] = await Promise.all([
    server.registry.stock(selection, signal),
    namingFilter(selection.runs, () => stock.list(chosen, filtersOf(selection))),
  ]);
  await stock.follow([
    ...registry.versions.flatMap((version) => [version.run_id, ...idsIn(version.source), ...idsIn(version.model_id)]),
    ...[...registry.locations.values()].flatMap(idsIn),
  ]);
  const { runs, loggedModels } = stock;
  leaveOutCarriers(experiments, runs);
  await server.registry.prepare?.(registry, { runs, loggedModels, ...registry }, signal);
  const experimentIds = [...new Set([...chosen, ...[...runs.values()].map((run) => run.experimentId)])].filter((id) => experiments.has(id));
  const attached = (await server.registry.attached?.({ stock: registry, selection, experimentIds }, signal)) ?? NOTHING;
  return {
    experiments,
    attached,
    runs,
    found: selection.runs === undefined ? undefined : found,
    loggedModels,
    ...registry,
  };
}

const NOTHING: Attached = { parts: [], histories: new Map(), notCarried: [] };

function chosenExperiments(listing: ReadonlyMap<string, WireExperiment>, selection: Selection): string[] {
  if (!sidesOf(selection).experiments) return [];
  const chosen = chosenByName([...listing.values()].map(toExperiment), { globs: "experiments", selection });
  return [...listing.values()].filter((wire) => chosen.has(toExperiment(wire).key)).map((experiment) => experiment.experiment_id);
}

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
