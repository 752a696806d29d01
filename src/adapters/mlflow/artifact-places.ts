// The routes by which a server lists and reads files, and which names they can carry.
import { MigrationError } from "../../errors.ts";
import type { Query } from "../../http/client.ts";

/** A folder of files and the server's routes to it. */
export interface Place {
  /** For errors. */
  readonly name: string;
  list(directory: string): { readonly path: string; readonly query: Query };
  read(file: string): Request;
  /** Whether a listing names files by their last part, instead of by their whole path below the place. */
  readonly baseNames: boolean;
}

export interface Request {
  readonly path: string;
  readonly query?: Query;
}

export function runPlace(runId: string): Place {
  const id: Query = [["run_id", runId]];
  return {
    name: `run:${runId}`,
    list: (directory) => ({ path: "/api/2.0/mlflow/artifacts/list", query: directory === "" ? id : [...id, ["path", directory]] }),
    read: (file) => ({ path: "/get-artifact", query: [...id, ["path", file]] }),
    baseNames: false,
  };
}

export function loggedModelPlace(modelId: string): Place {
  const id = encodeURIComponent(modelId);
  return {
    name: `logged-model:${modelId}`,
    list: (directory) => ({
      path: `/api/2.0/mlflow/logged-models/${id}/artifacts/directories`,
      query: directory === "" ? [] : [["artifact_directory_path", directory]],
    }),
    read: (file) => ({ path: `/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files`, query: [["artifact_file_path", file]] }),
    baseNames: false,
  };
}

/** Below a path of the artifact proxy. */
export function proxyPlace(root: string): Place {
  return {
    name: `mlflow-artifacts:/${root}`,
    list: (directory) => ({ path: PROXY, query: [["path", joined(root, directory)]] }),
    read: (file) => proxyRequest(joined(root, file)),
    baseNames: true,
  };
}

/** The request to the artifact proxy for a file below a root such as `mlflow-artifacts:/1/<run>/artifacts`; undefined for other roots. */
export function proxied(rootUri: string, file: string): Request | undefined {
  const root = proxyRoot(rootUri);
  return root === undefined ? undefined : proxyRequest(joined(root, file));
}

/** The path that `mlflow-artifacts:/…` means at this server's proxy; with a host in it, it may be another server's. */
export function proxyRoot(uri: string): string | undefined {
  return /^mlflow-artifacts:\/(?!\/[^/])\/*(.*?)\/*$/s.exec(uri)?.[1];
}

function proxyRequest(path: string): Request {
  return { path: `${PROXY}/${path.split("/").map(encodeURIComponent).join("/")}` };
}

const PROXY = "/api/2.0/mlflow-artifacts/artifacts";

/**
 * Why no route of the server leads to this path, if so: it refuses `#` and decodes percent signs again and again, so that asking for
 * `a%20b` would give the bytes of `a b` (mlflow/utils/uri.py, validate_path_is_safe).
 */
export function whyUnservable(path: string): string | undefined {
  if (path.includes("#")) return "MLflow's server refuses paths with #";
  if (/%[0-9a-f]{2}/i.test(path))
    return "MLflow's server takes % before two hexadecimal digits for an encoded character and reads another file";
  return undefined;
}

/** @throws ARTIFACT_UNREADABLE for a path that {@link whyUnservable}. */
export function requireServable(path: string, place: Place): void {
  const reason = whyUnservable(path);
  if (reason === undefined) return;
  throw new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${path} of ${place.name}: ${reason}`, {
    hint: "rename the file in the server's artifact store, or copy it by hand",
  });
}

export function joined(root: string, path: string): string {
  return [root, path].filter((part) => part !== "").join("/");
}

/** The path of `uri` below `root`, "" for the root itself; undefined outside of it. A plain path and `file:` are the same. */
export function below(uri: string, root: string): string | undefined {
  const [inner, outer] = [plain(uri), plain(root)];
  if (inner === outer) return "";
  return inner.startsWith(`${outer}/`) ? normal(inner.slice(outer.length + 1)) : undefined;
}

function plain(uri: string): string {
  const path = trimmed(uri);
  return path.startsWith("file:") ? path.replace(/^file:(\/\/)?(?=\/)/, "") : path;
}

/** A path without empty and `.` parts, as the server takes it. */
export function normal(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, "");
}
