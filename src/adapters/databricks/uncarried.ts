// Counts what is in a workspace but cannot be carried. Prompts of Databricks are Unity Catalog's.
import type { Dialect } from "../mlflow/dialect.ts";
import { countTraces } from "../mlflow/uncarried.ts";

/** See Dialect.uncarried. */
export const countUncarried: Dialect["uncarried"] = async (http, { experiments, selection }, signal) => {
  return countTraces(http, { experiments, selection }, signal);
};
