// The reading half of a workspace: MLflow's, in the workspace's dialect.
import type { Source } from "../../ports/source.ts";
import { createMlflowSource } from "../mlflow/source.ts";
import type { DatabricksServer } from "./connect.ts";

/** A connected workspace, with its own model registry, as a source. */
export function createDatabricksSource(server: DatabricksServer): Source {
  return createMlflowSource(server);
}
