// Where the files of a workspace are reached: those that it keeps itself, by the Files API or else by signed URLs; volumes; DBFS; the
// registry's copies; and buckets that an experiment names, as with any server.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { LoggedModel, Run } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { ArtifactReader } from "../../ports/source.ts";
import type { SendFile } from "../../ports/target.ts";
import type { Stores } from "../../stores/open.ts";
import type { Store } from "../../stores/store.ts";
import type { FileAccess } from "../mlflow/file-access.ts";
import type { StoreClients } from "../mlflow/store-clients.ts";
import { credentialFiles } from "./credential-files.ts";
import { dbfs, dbfsPath } from "./dbfs.ts";
import { preferring, readerOver } from "./file-ways.ts";
import type { Closing, WritableWay } from "./file-ways.ts";
import { filesApi } from "./files-api.ts";
import { managedRoot, usualModelRoot, usualRunRoot } from "./managed-roots.ts";
import { createSignedFiles } from "./signed-files.ts";
import type { SignedFiles } from "./signed-files.ts";
import { versionFiles } from "./version-files.ts";

export interface DatabricksFilesOptions {
  readonly http: HttpClient;
  /** Clients of the stores behind signed URLs. */
  readonly clients: StoreClients;
  readonly stores?: Stores;
  /** Default: 500 MB, as MLflow's client. */
  readonly multipartBytes?: number;
  /** Size of the parts in which files go up that a store takes so. Default: 10 MiB. */
  readonly partBytes?: number;
}

export interface DatabricksFiles extends FileAccess {
  /** A reader over the files at an artifact URI. Throws NOT_SUPPORTED for one that cannot be reached. */
  at(uri: string, signal: AbortSignal): ArtifactReader;
  /** A reader over the registry's own files of a version. */
  copy(version: { readonly model: string; readonly version: number }, signal: AbortSignal): ArtifactReader;
}

export function createDatabricksFiles(options: DatabricksFilesOptions): DatabricksFiles {
  const { http, clients, stores, partBytes } = options;
  const ways: Ways = {
    http,
    signed: createSignedFiles(clients, partBytes),
    multipartBytes: options.multipartBytes ?? MULTIPART_BYTES,
    internal: { closed: false },
    ...(partBytes === undefined ? {} : { partBytes }),
  };
  const roots = new Map<string, string>();
  const rootOf = (owner: Run | LoggedModel): string => roots.get(idOf(owner.key)) ?? usualRoot(owner);
  const at = (uri: string, signal: AbortSignal): ArtifactReader => {
    const way = wayTo(ways, uri);
    if (way !== undefined) return readerOver(way, signal);
    const store = stores?.at(uri);
    if (store === undefined) throw unreachable(uri, "read");
    return storeReader(store, signal);
  };
  const copy: DatabricksFiles["copy"] = (version, signal) => readerOver(versionFiles(ways, version), signal);
  return {
    at,
    copy,
    note(id, uri) {
      // The usual ones follow from the ids.
      if (uri !== "" && managedRoot(uri)?.path !== "") roots.set(id, uri);
    },
    reader: (owner, signal) => (owner.kind === "model-version" ? copy(owner, signal) : at(rootOf(owner), signal)),
    sender(uri, signal) {
      const way = wayTo(ways, uri);
      if (way !== undefined) return (file, open) => way.write(file, open, signal);
      const store = stores?.at(uri);
      if (store === undefined) throw unreachable(uri, "written");
      return storeSender(store, signal);
    },
    ready: () => Promise.resolve(),
    close: () => clients.close(),
  };
}

/** MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE. */
const MULTIPART_BYTES = 500 * 1024 * 1024;

interface Ways {
  readonly http: HttpClient;
  readonly signed: SignedFiles;
  readonly multipartBytes: number;
  readonly partBytes?: number;
  /** Whether the Files API refuses the workspace's internal paths. */
  readonly internal: Closing;
}

function wayTo(ways: Ways, uri: string): WritableWay | undefined {
  const managed = managedRoot(uri);
  if (managed !== undefined) {
    const { internalPath, owner, path } = managed;
    const both = preferring(filesApi(ways.http, internalPath), credentialFiles(ways, owner), ways.internal);
    return path === "" ? both : belowFolder(both, path);
  }
  const volume = /^dbfs:(\/Volumes\/.+?)\/*$/s.exec(uri)?.[1];
  if (volume !== undefined) return filesApi(ways.http, volume);
  const path = dbfsPath(uri);
  return path === undefined ? undefined : dbfs(ways.http, path);
}

function belowFolder(way: WritableWay, folder: string): WritableWay {
  return {
    name: way.name,
    async list(path, signal) {
      const entries = await way.list(path === "" ? folder : `${folder}/${path}`, signal);
      return entries.map((entry) => ({ ...entry, path: entry.path.slice(folder.length + 1) }));
    },
    read: (path, offset, signal) => way.read(`${folder}/${path}`, offset, signal),
    write: (file, open, signal) => way.write({ ...file, path: `${folder}/${file.path}` }, open, signal),
  };
}

function usualRoot(owner: Run | LoggedModel): string {
  const experimentId = idOf(owner.experiment);
  return owner.kind === "run" ? usualRunRoot(experimentId, idOf(owner.key)) : usualModelRoot(experimentId, idOf(owner.key));
}

function storeReader(store: Store, signal: AbortSignal): ArtifactReader {
  return {
    list: () => store.list(signal),
    open: (file, options) => store.read(file.path, options?.offset ?? 0, signal),
  };
}

function storeSender(store: Store, signal: AbortSignal): SendFile {
  return (file, open) => store.write(file.path, { ...(file.sizeBytes === undefined ? {} : { sizeBytes: file.sizeBytes }), open }, signal);
}

function unreachable(uri: string, done: string): MigrationError {
  const place = /^[a-z][a-z0-9+.-]*:/i.exec(uri)?.[0] ?? "a path without a scheme";
  return new MigrationError("NOT_SUPPORTED", `files at ${place} cannot be ${done}: ${uri}`, {
    hint: "the workspace's own storage, volumes, DBFS and buckets (s3:, gs:, abfss:) can be",
  });
}
