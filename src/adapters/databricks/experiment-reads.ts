// Experiments of a workspace by name. A deleted one gives its name free, so it is recognised by its provenance alone.
import type { HttpClient } from "../../http/client.ts";
import { PROVENANCE } from "../../model/keys.ts";
import { toExperiment } from "../mlflow/convert.ts";
import { createExperimentReader as createNameReader } from "../mlflow/target-experiment-reads.ts";
import type { ExperimentReader, ExperimentThere } from "../mlflow/target-experiment-reads.ts";
import { listDeletedExperiments } from "../mlflow/calls.ts";

/** Deleted experiments are listed once, when a name is first not found. */
export function createExperimentReader(http: HttpClient): ExperimentReader {
  const byNames = createNameReader(http);
  let deleted: Promise<ReadonlyMap<string, ExperimentThere>> | undefined;
  return {
    ...byNames,
    async byName(name, signal, source) {
      const there = await byNames.byName(name, signal);
      if (there !== undefined || source === undefined) return there;
      deleted ??= deletedBySource(http, signal);
      deleted.catch(() => (deleted = undefined));
      const gone = (await deleted).get(source);
      return gone?.entity.name === name ? gone : undefined;
    },
  };
}

async function deletedBySource(http: HttpClient, signal: AbortSignal): Promise<Map<string, ExperimentThere>> {
  const found = new Map<string, ExperimentThere>();
  for await (const experiment of listDeletedExperiments(http, signal)) {
    const entity = toExperiment(experiment);
    const source = entity.provenance.get(PROVENANCE.source);
    if (source !== undefined) found.set(source, { id: experiment.experiment_id, entity, source });
  }
  return found;
}
