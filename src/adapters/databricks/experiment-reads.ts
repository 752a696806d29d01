// Experiments of a workspace by name. A deleted one gives its name free, so it is recognised by its provenance alone.
import type { HttpClient } from "../../http/client.ts";
import { PROVENANCE } from "../../model/keys.ts";
import { get, listDeletedExperiments } from "../mlflow/calls.ts";
import { toExperiment } from "../mlflow/convert.ts";
import { createExperimentReader as createNameReader } from "../mlflow/target-experiment-reads.ts";
import type { ExperimentReader, ExperimentThere } from "../mlflow/target-experiment-reads.ts";
import { wire } from "../mlflow/wire.ts";

/** Deleted experiments are listed once, when a name is first not found. */
export function createExperimentReader(http: HttpClient): ExperimentReader {
  const byNames = createNameReader(http);
  let deleted: Promise<ReadonlyMap<string, string>> | undefined;
  return {
    ...byNames,
    async byName(name, signal, source) {
      const there = await byNames.byName(name, signal);
      if (there !== undefined || source === undefined) return there;
      deleted ??= deletedBySource(http, signal);
      deleted.catch(() => (deleted = undefined));
      const id = (await deleted).get(source);
      const gone = id === undefined ? undefined : await byId(http, id, signal);
      return gone?.entity.name === name ? gone : undefined;
    },
  };
}

/** As it is now. */
async function byId(http: HttpClient, id: string, signal: AbortSignal): Promise<ExperimentThere> {
  const path = "/api/2.0/mlflow/experiments/get";
  const { experiment } = await get(http, path, { query: [["experiment_id", id]], schema: wire.experiment, signal });
  const entity = toExperiment(experiment);
  return { id, entity, source: entity.provenance.get(PROVENANCE.source) };
}

/** Ids by provenance. */
async function deletedBySource(http: HttpClient, signal: AbortSignal): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const experiment of listDeletedExperiments(http, signal)) {
    const source = toExperiment(experiment).provenance.get(PROVENANCE.source);
    if (source !== undefined) found.set(source, experiment.experiment_id);
  }
  return found;
}
