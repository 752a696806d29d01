// How many requests objects take whose registry half is Unity Catalog: see databricks/costs.ts.
import type { Kind } from "../../model/entities.ts";
import type { RequestCosts, Requests } from "../../ports/costs.ts";
import { writingCosts } from "../databricks/costs.ts";

/** A version is created, marked, finalized and read back; notes are tags. */
const OF_THE_CATALOG: Readonly<Partial<Record<Kind, Requests>>> = {
  "model-version": { other: 4 },
  "stage-transition": { other: 1 },
  comment: { other: 1 },
  webhook: {},
};

export const catalogWritingCosts: RequestCosts = {
  ...writingCosts,
  object: (entity) => OF_THE_CATALOG[entity.kind] ?? writingCosts.object(entity),
};
