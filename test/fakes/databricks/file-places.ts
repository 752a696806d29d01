// Where the fake keeps the files of runs and logged models: one place, whether they come by the Files API, by signed URL or by DBFS path.
import type { LoggedModel, Run } from "./state.ts";

/** Where the fake keeps what lies in DBFS. */
export const DBFS = "/dbfs";

const ROOT = "/WorkspaceInternal/Mlflow/Artifacts";

export const isPathOfRuns = (path: string): boolean => path.startsWith(`${ROOT}/`);
export const filesOfRun = ({ experiment, id }: Run): string => `${ROOT}/${experiment.id}/Runs/${id}/artifacts`;
export const filesOfLoggedModel = ({ experiment, id }: LoggedModel): string => `${ROOT}/${experiment.id}/LoggedModels/${id}/artifacts`;

/** The path of the files that a `dbfs:/databricks/mlflow-tracking/…` address or one in DBFS means; undefined for other addresses. */
export function filesAt(uri: string): string | undefined {
  const model = /^dbfs:\/databricks\/mlflow-tracking\/(\d+)\/logged_models\/(m-[0-9a-f]+)\/artifacts(\/.*)?$/s.exec(uri);
  if (model !== null) return `${ROOT}/${model[1] ?? ""}/LoggedModels/${model[2] ?? ""}/artifacts${model[3] ?? ""}`;
  const run = /^dbfs:\/databricks\/mlflow-tracking\/(\d+)\/([0-9a-f]{32})\/artifacts(\/.*)?$/s.exec(uri);
  if (run !== null) return `${ROOT}/${run[1] ?? ""}/Runs/${run[2] ?? ""}/artifacts${run[3] ?? ""}`;
  const volume = /^dbfs:(\/Volumes\/.+)$/s.exec(uri);
  if (volume !== null) return volume[1];
  const dbfs = /^dbfs:(\/(?!databricks\/mlflow-).+)$/s.exec(uri);
  return dbfs === null ? undefined : `${DBFS}${dbfs[1] ?? ""}`;
}

/** Files below a folder, by path from there; the file itself, by its name, where the path is one. */
export function below(files: ReadonlyMap<string, Buffer>, root: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [path, bytes] of files) if (path.startsWith(`${root}/`)) found.set(path.slice(root.length + 1), bytes);
  return found;
}
