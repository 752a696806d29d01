// Sends files below a run's or a logged model's artifact root: through the server's artifact proxy, or where the root is a bucket, there.
import { MigrationError } from "../../errors.ts";
import type { SendFile } from "../../ports/target.ts";
import { FILE_PATH_REFUSES } from "./capabilities.ts";
import type { ServerFiles } from "./file-access.ts";

/**
 * A sender for files below `artifactUri`. Overwrites what is there, so it may be repeated. Each send throws NAME_ILLEGAL for a path
 * that would be stored under another name, NOT_SUPPORTED where the root is neither behind this server's proxy nor in a store.
 */
export function createSender({ http, direct, signed }: Server, artifactUri: string, signal: AbortSignal): SendFile {
  const root = proxyPath(artifactUri, http.baseUrl);
  const store = root === undefined ? direct.at(artifactUri) : undefined;
  if (store !== undefined) return (file, open) => store.write(file.path, { ...sizeOf(file), open }, signal);
  return async (file, open) => {
    if (root === undefined) throw notProxied(artifactUri);
    if (FILE_PATH_REFUSES.pattern.test(file.path)) {
      throw new MigrationError("NAME_ILLEGAL", `cannot store ${JSON.stringify(file.path)}: ${FILE_PATH_REFUSES.wording}`, {
        hint: "rename the file at the source",
      });
    }
    if (await signed.upload(joinPath(root, file.path), file.sizeBytes, open, signal)) return;
    const path = `${PROXY_ROUTE}${encodePath(joinPath(root, file.path))}`;
    await http.upload({ path, ...sizeOf(file) }, open, signal);
  };
}

type Server = Pick<ServerFiles, "http" | "direct" | "signed">;

function sizeOf({ sizeBytes }: { readonly sizeBytes?: number }): { readonly sizeBytes?: number } {
  return sizeBytes === undefined ? {} : { sizeBytes };
}

/**
 * Checks, before anything is written, that files could be: where the server keeps them in a bucket, that the package for it is installed and
 * that there are credentials. Throws NOT_SUPPORTED or NOT_AUTHORISED.
 */
export async function requireFileStore(
  { http, direct, artifactRoot }: Pick<ServerFiles, "http" | "direct" | "artifactRoot">,
  signal: AbortSignal,
): Promise<void> {
  if (artifactRoot === undefined || proxyPath(artifactRoot, http.baseUrl) !== undefined) return;
  await direct.at(artifactRoot)?.ready(signal);
}

/** A folder of an artifact root as an artifact URI; `path` may be empty. */
export function artifactUriBelow(root: string, path: string): string {
  return joinPath(root.replace(/\/+$/, ""), path);
}

/**
 * The path by which this server's proxy knows the root; undefined when the root is somewhere else. Forms as in
 * mlflow/store/artifact/mlflow_artifacts_repo.py: a URI without a host means the tracking server itself.
 */
export function proxyPath(artifactUri: string, baseUrl: string): string | undefined {
  const own = new URL(baseUrl);
  const match = /^mlflow-artifacts:(?:\/\/([^/]*))?\/*(.*)$/s.exec(artifactUri);
  if (match !== null) {
    const [, host = "", path = ""] = match;
    return host === "" || host === own.host ? path : undefined;
  }
  const route = artifactUri.indexOf(PROXY_ROUTE);
  if (!/^https?:/.test(artifactUri) || route < 0 || URL.parse(artifactUri)?.host !== own.host) return undefined;
  return artifactUri.slice(route + PROXY_ROUTE.length);
}

const PROXY_ROUTE = "/api/2.0/mlflow-artifacts/artifacts/";

/** Each part once: the server decodes more than once, which FILE_PATH_REFUSES takes care of. */
function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function joinPath(root: string, path: string): string {
  return path === "" ? root : `${root}/${path}`;
}

function notProxied(artifactUri: string): MigrationError {
  const place = /^[a-z][a-z0-9+.-]*:/i.exec(artifactUri)?.[0] ?? "a path of the server's own";
  return new MigrationError("NOT_SUPPORTED", `the server keeps artifacts at ${place}, where files cannot be sent through it`, {
    hint: "start the server with --serve-artifacts and an --artifacts-destination, and use a new experiment; a folder that is mounted here too can be named with --target-artifact-root OLD=NEW",
  });
}
