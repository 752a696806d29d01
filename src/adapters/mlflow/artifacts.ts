// Files of runs, logged models and versions, through the server: its artifact proxy where it has one, else the routes that read on
// behalf of a run, a logged model or a version with the server's own credentials.
import { asMigrationError, MigrationError } from "../../errors.ts";
import type { Query } from "../../http/client.ts";
import type { EntityKey, LoggedModel, ModelVersion, Run } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { ArtifactFile, ArtifactReader } from "../../ports/source.ts";
import { get } from "./calls.ts";
import type { MlflowServer } from "./connect.ts";
import { wire } from "./wire.ts";

/** How one place of files is listed and read: two routes of the server. */
interface Place {
  /** For errors. */
  readonly name: string;
  list(directory: string): { readonly path: string; readonly query: Query };
  read(file: string): { readonly path: string; readonly query?: Query };
  /** Whether listed paths are relative to the directory listed, instead of to the root. */
  readonly baseNames: boolean;
}

/** A reader over the files of an entity that this server yielded. `versionOf` resolves the version that another was promoted from. */
export function readArtifacts(server: MlflowServer, owner: Run | LoggedModel | ModelVersion, signal: AbortSignal): ArtifactReader {
  if (owner.kind === "run") return reader(server, runPlace(owner.key), "", signal);
  if (owner.kind === "logged-model") return reader(server, modelPlace(owner.key), "", signal);
  const { files } = owner;
  if (files.owner === "run") return reader(server, runPlace(files.key), files.path, signal);
  if (files.owner === "logged-model") return reader(server, modelPlace(files.key), files.path, signal);
  return versionReader(server, owner, signal);
}

function runPlace(run: EntityKey): Place {
  const id: Query = [["run_id", idOf(run)]];
  return {
    name: run,
    list: (directory) => ({ path: "/api/2.0/mlflow/artifacts/list", query: directory === "" ? id : [...id, ["path", directory]] }),
    read: (file) => ({ path: "/get-artifact", query: [...id, ["path", file]] }),
    baseNames: false,
  };
}

function modelPlace(model: EntityKey): Place {
  const id = encodeURIComponent(idOf(model));
  return {
    name: model,
    list: (directory) => ({
      path: `/api/2.0/mlflow/logged-models/${id}/artifacts/directories`,
      query: directory === "" ? [] : [["artifact_directory_path", directory]],
    }),
    read: (file) => ({ path: `/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files`, query: [["artifact_file_path", file]] }),
    baseNames: false,
  };
}

/** Below a path of the artifact proxy: what `mlflow-artifacts:/…` means. */
function proxyPlace(root: string): Place {
  return {
    name: `mlflow-artifacts:/${root}`,
    list: (directory) => ({ path: "/api/2.0/mlflow-artifacts/artifacts", query: [["path", joined(root, directory)]] }),
    read: (file) => ({ path: `/api/2.0/mlflow-artifacts/artifacts/${joined(root, file).split("/").map(encodeURIComponent).join("/")}` }),
    baseNames: true,
  };
}

function versionReader(server: MlflowServer, version: ModelVersion, signal: AbortSignal): ArtifactReader {
  const inner = async (): Promise<ArtifactReader> => {
    const query: Query = [
      ["name", version.model],
      ["version", String(version.version)],
    ];
    const { artifact_uri: uri } = await get(server.http, "/api/2.0/mlflow/model-versions/get-download-uri", {
      query,
      schema: wire.downloadUri,
      signal,
    });
    const [, model] = /^models:\/(m-[0-9a-f]{32})\/?$/.exec(uri) ?? [];
    if (model !== undefined) return reader(server, modelPlace(`logged-model:${model}` as EntityKey), "", signal);
    const [, run, path = ""] = /^runs:\/([^/]+)\/?(.*)$/s.exec(uri) ?? [];
    if (run !== undefined) return reader(server, runPlace(`run:${run}` as EntityKey), path, signal);
    const [, proxied] = /^mlflow-artifacts:\/+(.*)$/s.exec(uri) ?? [];
    if (proxied !== undefined) return reader(server, proxyPlace(proxied.replace(/\/+$/, "")), "", signal);
    throw new MigrationError("ARTIFACT_UNREADABLE", `the files of ${version.key} lie at ${uri}, which the server does not pass on`, {
      side: "source",
      key: version.key,
      hint: "files outside of the server's own artifact stores cannot be read through it",
    });
  };
  let opened: Promise<ArtifactReader> | undefined;
  return {
    async *list() {
      yield* (await (opened ??= inner())).list();
    },
    async *open(file, options) {
      yield* (await (opened ??= inner())).open(file, options);
    },
  };
}

/** Lists one directory per request, several at once, and reads one file per request. Paths are relative to `base`. */
function reader(server: MlflowServer, place: Place, base: string, signal: AbortSignal): ArtifactReader {
  return {
    list: () => listing(server, place, base, signal),
    async *open(file, options) {
      const path = file.path === "" ? base : joined(base, file.path);
      const request = { ...place.read(path), ...(options?.offset === undefined ? {} : { offset: options.offset }) };
      try {
        yield* server.http.download(request, signal);
      } catch (thrown) {
        throw unreadable(thrown, `${file.path} of ${place.name}`);
      }
    },
  };
}

async function* listing(server: MlflowServer, place: Place, base: string, signal: AbortSignal): AsyncGenerator<ArtifactFile> {
  const read = (directory: string): Promise<Entry[]> => listDirectory(server, place, directory, signal);
  const relative = (path: string): string => (base === "" ? path : path.slice(base.length + 1));
  let level = [base];
  while (level.length > 0) {
    const next: string[] = [];
    for (const directory of level.map((path) => ({ path, entries: settled(read(path)) }))) {
      const entries = await directory.entries;
      if (entries instanceof MigrationError) {
        // Without its root nothing is known; a folder that cannot be listed leaves the others readable.
        if (directory.path === base || entries.code !== "ARTIFACT_UNREADABLE") throw entries;
        yield { path: relative(directory.path), unreadable: entries.message };
        continue;
      }
      for (const entry of entries) {
        if (entry.isDirectory) next.push(entry.path);
        else yield { path: relative(entry.path), sizeBytes: entry.sizeBytes };
      }
    }
    level = next;
  }
}

interface Entry {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
}

async function listDirectory(server: MlflowServer, place: Place, directory: string, signal: AbortSignal): Promise<Entry[]> {
  const { path, query } = place.list(directory);
  try {
    const answer = await get(server.http, path, { query, schema: wire.files, signal });
    return answer.files.map((file) => ({
      path: place.baseNames ? joined(directory, file.path) : file.path,
      isDirectory: file.is_dir,
      // A listing leaves out the size of an empty file (protobuf's default).
      sizeBytes: Number(file.file_size ?? 0n),
    }));
  } catch (thrown) {
    throw unreadable(thrown, `${directory === "" ? "the files" : directory} of ${place.name}`);
  }
}

function unreadable(thrown: unknown, what: string): MigrationError {
  const cause = asMigrationError(thrown);
  const isAnswer = cause.code === "REQUEST_FAILED" || cause.code === "NOT_FOUND" || cause.code === "ARTIFACT_UNREADABLE";
  if (!isAnswer) return cause;
  return new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${what}: ${cause.message}`, {
    cause,
    side: "source",
    ...(cause.request === undefined ? {} : { request: cause.request }),
    hint: "the server cannot reach the files: check that its artifact store still holds them",
  });
}

/** The value or the error, so that nothing is rejected while others are waited for. */
function settled<T>(promise: Promise<T>): Promise<T | MigrationError> {
  return promise.catch(asMigrationError);
}

function joined(root: string, path: string): string {
  return [root, path].filter((part) => part !== "").join("/");
}
