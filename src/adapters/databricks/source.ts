// The reading half of a workspace: MLflow's, in the workspace's dialect, and the notebooks that its runs were made by.
import { notebookOf } from "../../model/notebook.ts";
import type { Source } from "../../ports/source.ts";
import { createMlflowSource } from "../mlflow/source.ts";
import type { DatabricksServer } from "./connect.ts";
import { createNotebooks, withNotebook } from "./notebooks.ts";

/** A connected workspace, with its own model registry, as a source. */
export function createDatabricksSource(server: DatabricksServer): Source {
  const source = createMlflowSource(server);
  return {
    ...source,
    withNotebooks(format) {
      const notebooks = createNotebooks(server.http, format);
      return (owner, signal) => {
        const reader = source.artifacts(owner, signal);
        const notebook = owner.kind === "run" ? notebookOf(owner.tags) : undefined;
        return notebook === undefined ? reader : withNotebook(reader, () => notebooks.fileOf(notebook, signal));
      };
    },
  };
}
