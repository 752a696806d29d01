// How many requests a second a workspace takes, by groups of routes. The figures stay below the documented limits (7, 47 and 127), which
// an older page of the MLflow API names for each workspace, and the page of resource limits (DBFS: 30, exports of notebooks: 60); what is beyond them is answered with 429.

/** Requests a second, by group; see PacerOptions.groups. */
export const DATABRICKS_RATES: Readonly<Record<string, number>> = { search: 5, "log-batch": 40, dbfs: 25, notebooks: 50, other: 80 };

/** The group of a request; stores behind signed URLs are no part of the workspace. */
export function rateGroupOf({ path }: { readonly path: string }): string | undefined {
  if (!path.startsWith("/api/")) return undefined;
  if (/\/mlflow\/(runs\/search|experiments\/(list|search|update|delete|restore))$/.test(path)) return "search";
  if (path.startsWith("/api/2.0/dbfs/")) return "dbfs";
  if (path === "/api/2.0/workspace/export") return "notebooks";
  return path.endsWith("/mlflow/runs/log-batch") ? "log-batch" : "other";
}
