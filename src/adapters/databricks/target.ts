// The writing half of a workspace: MLflow's, with the folders that experiments need.
import type { Source } from "../../ports/source.ts";
import type { Target } from "../../ports/target.ts";
import { createMlflowTarget } from "../mlflow/target.ts";
import type { DatabricksServer } from "./connect.ts";
import { createFolders } from "./folders.ts";

/** A target on an open workspace. `source` is its reading half; closing the target closes that. */
export function createDatabricksTarget(server: DatabricksServer, source: Source): Target {
  const target = createMlflowTarget(server, source);
  const folders = createFolders(server.http);
  return {
    ...target,
    ...(source.withNotebooks === undefined ? {} : { withNotebooks: source.withNotebooks }),
    async put(entity, context) {
      if (entity.kind === "experiment" && context.existing === undefined) await folders.makeFor(entity.name, context.signal);
      return target.put(entity, context);
    },
  };
}
