// The notebook of a Databricks workspace that a run was made by: which one it is, and the file that it becomes on request.
import type { Tags } from "./entities.ts";

/** Source text, a page with the results, or Jupyter's form. */
export const NOTEBOOK_FORMATS = ["source", "html", "jupyter"] as const;
export type NotebookFormat = (typeof NOTEBOOK_FORMATS)[number];

/** Where it lies among the files of its run: of a version that was made of all of these it is no part. */
export const NOTEBOOK_FOLDER = "databricks_notebook";

export interface Notebook {
  /** Absolute, in the workspace. */
  readonly path: string;
  /** The text that the run was made by, as the workspace counts texts. */
  readonly revision?: string;
}

/** What the tags of a run say, as the workspace set them; undefined for a run that no notebook made. */
export function notebookOf(tags: Tags): Notebook | undefined {
  const named = tags.get("mlflow.source.type") === "NOTEBOOK" ? tags.get("mlflow.source.name") : undefined;
  const path = tags.get("mlflow.databricks.notebookPath") ?? named;
  if (path?.startsWith("/") !== true) return undefined;
  const revision = tags.get("mlflow.databricks.notebookRevisionID") ?? "";
  return { path, ...(/^\d+$/.test(revision) ? { revision } : {}) };
}

/** Whether a file, by its path below a run, is the run's notebook. */
export function isNotebookFile(path: string): boolean {
  return path.startsWith(`${NOTEBOOK_FOLDER}/`);
}
