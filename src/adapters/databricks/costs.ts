// How many requests a workspace takes for each object, at least: counted at the fake workspace, and held against it by test/databricks/costs.test.ts.
import type { Entity } from "../../model/entities.ts";
import type { RequestCosts, Requests } from "../../ports/costs.ts";
import { DATABRICKS_RATES } from "./rates.ts";

/** A history for each metric, a listing for each object with files, and each file. */
export const readingCosts: RequestCosts = {
  rates: DATABRICKS_RATES,
  object: (entity) => ({ other: entity.kind === "run" ? entity.latestMetrics.size : 0 }),
  files: (count) => ({ other: 1 + count }),
};

/** Into the workspace and its own model registry. */
export const writingCosts: RequestCosts = {
  rates: DATABRICKS_RATES,
  object: objectCosts,
  files: (count) => ({ other: count }),
};

function objectCosts(entity: Entity): Requests {
  switch (entity.kind) {
    case "run":
      // Created, ended, deleted again.
      return { other: 2 + (entity.deleted ? 1 : 0) + (entity.datasets.length > 0 ? 1 : 0), "log-batch": 1 };
    case "logged-model":
      // Created, finalized, its mark, and the runs that made and used it.
      return { other: 3 + entity.outputOf.length + entity.inputOf.length };
    case "model-version":
      // Files of its own take a carrier run.
      return { other: entity.files.owner === "own" ? 3 : 1 };
    case "stage-transition":
    case "comment":
      // Made again, and noted.
      return { other: 2 };
    case "experiment":
    case "registered-model":
    case "alias":
    case "transition-request":
    case "webhook":
      return { other: 1 };
    case "permission":
      return {};
  }
}
