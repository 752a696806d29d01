// The artifact URIs under which a workspace keeps files for its users, and what they say of whose files these are.
import type { FilesOwner } from "./credential-files.ts";

export interface ManagedRoot {
  readonly owner: FilesOwner;
  /** The same place for the Files API. */
  readonly internalPath: string;
  /** Below the owner's root; "" is that itself. */
  readonly path: string;
}

/** Undefined for other places (mlflow/utils/uri.py, is_databricks_acled_artifacts_uri). */
export function managedRoot(uri: string): ManagedRoot | undefined {
  const [, experiment = "", model, run, rest = ""] =
    /^dbfs:(?:\/\/[^/]*)?\/databricks\/mlflow-tracking\/([^/]+)\/(?:logged_models\/([^/]+)|(?!tr-)([^/]+))\/artifacts(?:\/(.*?))?\/*$/s.exec(
      uri,
    ) ?? [];
  const id = model ?? run;
  if (id === undefined) return undefined;
  const owner: FilesOwner = { kind: model === undefined ? "run" : "logged-model", id };
  const folder = model === undefined ? "Runs" : "LoggedModels";
  return { owner, internalPath: `/WorkspaceInternal/Mlflow/Artifacts/${experiment}/${folder}/${id}/artifacts`, path: rest };
}

/** The URI of a run's files where its experiment keeps them where the workspace does. */
export function usualRunRoot(experimentId: string, runId: string): string {
  return `dbfs:/databricks/mlflow-tracking/${experimentId}/${runId}/artifacts`;
}

/** The same of a logged model. */
export function usualModelRoot(experimentId: string, modelId: string): string {
  return `dbfs:/databricks/mlflow-tracking/${experimentId}/logged_models/${modelId}/artifacts`;
}
