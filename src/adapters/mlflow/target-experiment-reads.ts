// Reads experiments of the target for its writers.
import type { HttpClient } from "../../http/client.ts";
import type { Experiment } from "../../model/entities.ts";
import { PROVENANCE } from "../../model/keys.ts";
import { get } from "./calls.ts";
import { toExperiment } from "./convert.ts";
import { unlessUnseen } from "./target-calls.ts";
import { parseWire, wire } from "./wire.ts";

/** An experiment as it is at the target. */
export interface ExperimentThere {
  readonly id: string;
  readonly entity: Experiment;
  /** The digest in `mlferry_source`. */
  readonly source: string | undefined;
}

export interface ExperimentReader {
  /**
   * Deleted ones too, where they keep their names. Where they do not, one that is deleted is meant only if it has this provenance
   * (`source`).
   */
  byName(name: string, signal: AbortSignal, source?: string): Promise<ExperimentThere | undefined>;
  /** The id in the answer to experiments/create. */
  parseCreated(answer: unknown): string;
}

export function createExperimentReader(http: HttpClient): ExperimentReader {
  return {
    async byName(name, signal) {
      const path = "/api/2.0/mlflow/experiments/get-by-name";
      const answer = await unlessUnseen(get(http, path, { query: [["experiment_name", name]], schema: wire.experiment, signal }));
      if (answer === undefined) return undefined;
      const entity = toExperiment(answer.experiment);
      return { id: answer.experiment.experiment_id, entity, source: entity.provenance.get(PROVENANCE.source) };
    },
    parseCreated: (answer) => parseWire(wire.experimentCreated, answer, "experiments/create").experiment_id,
  };
}
