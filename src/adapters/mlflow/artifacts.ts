// Files of runs, logged models and versions, read through the server: its artifact proxy where that holds them, else the routes
// that read on behalf of a run or a logged model with the server's own credentials. The routes are in artifact-places.ts.
import { asMigrationError, MigrationError } from "../../errors.ts";
import type { Query } from "../../http/client.ts";
import type { LoggedModel, ModelVersion, Run } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { ArtifactFile, ArtifactReader } from "../../ports/source.ts";
import {
  below,
  joined,
  loggedModelPlace,
  proxied,
  proxyPlace,
  proxyRoot,
  requireServable,
  runPlace,
  whyUnservable,
} from "./artifact-places.ts";
import type { Place, Request } from "./artifact-places.ts";
import { get } from "./calls.ts";
import { FILE_PATH_REFUSES } from "./capabilities.ts";
import { unlessNotFound } from "./calls.ts";
import type { ServerFiles } from "./file-access.ts";
import { preferStore } from "./direct-files.ts";
import type { SignedDownload } from "./signed-urls.ts";
import { wire } from "./wire.ts";

/** A reader over the files of an entity that this server yielded. */
export function readArtifacts(server: ServerFiles, owner: Run | LoggedModel | ModelVersion, signal: AbortSignal): ArtifactReader {
  const reader = (place: Place, base = ""): ArtifactReader => createReader({ server, place, base, signal, rootUri: "" });
  const readerOf = (id: string, base = ""): ArtifactReader => {
    const served = reader(id.startsWith("m-") ? loggedModelPlace(id) : runPlace(id), base);
    const root = server.direct.rootOf(id);
    const store = root === undefined ? undefined : server.direct.at(joined(root, base));
    return store === undefined ? served : preferStore(store, served, signal);
  };
  if (owner.kind !== "model-version") return readerOf(idOf(owner.key));
  const { files } = owner;
  if (files.owner === "run" || files.owner === "logged-model") return readerOf(idOf(files.key), files.path);
  return deferredReader(async () => {
    const uri = await downloadUri(server, owner, signal);
    const served = deferredReader(async () => {
      const { place, base } = await locate(server, { uri, version: owner }, signal);
      return reader(place, base);
    });
    const store = server.direct.at(uri);
    return store === undefined ? served : preferStore(store, served, signal);
  });
}

/** A reader whose place has to be asked for first; a failed question is asked again next time. */
export function deferredReader(find: () => Promise<ArtifactReader>): ArtifactReader {
  let found: Promise<ArtifactReader> | undefined;
  let known: ArtifactReader | undefined;
  const opened = async (): Promise<ArtifactReader> => {
    found ??= find();
    try {
      return (known = await found);
    } catch (thrown) {
      found = undefined;
      throw thrown;
    }
  };
  return {
    async *list() {
      yield* (await opened()).list();
    },
    async *open(file, options) {
      yield* (await opened()).open(file, options);
    },
    whyNotStorable: (path) => known?.whyNotStorable?.(path),
  };
}

interface Located {
  readonly place: Place;
  readonly base: string;
}

/** Where the server says that the files of a version lie. */
async function downloadUri(server: ServerFiles, version: ModelVersion, signal: AbortSignal): Promise<string> {
  const query: Query = [
    ["name", version.model],
    ["version", String(version.version)],
  ];
  const path = "/api/2.0/mlflow/model-versions/get-download-uri";
  return (await get(server.http, path, { query, schema: wire.downloadUri, signal })).artifact_uri;
}

interface Lying {
  readonly uri: string;
  readonly version: ModelVersion;
}

/** The server's route to files at a URI. */
async function locate(server: ServerFiles, { uri, version }: Lying, signal: AbortSignal): Promise<Located> {
  const [, model] = /^models:\/(m-[0-9a-f]{32})\/?$/.exec(uri) ?? [];
  if (model !== undefined) return { place: loggedModelPlace(model), base: "" };
  const [, run, base = ""] = /^runs:\/([^/]+)\/?(.*?)\/*$/s.exec(uri) ?? [];
  if (run !== undefined) return { place: runPlace(run), base };
  const root = proxyRoot(uri);
  if (root !== undefined) return { place: proxyPlace(root), base: "" };
  const owned = await belowOwner(server, { uri, version }, signal);
  if (owned !== undefined) return owned;
  throw new MigrationError("ARTIFACT_UNREADABLE", `the files of ${version.key} lie at ${uri}, which the server does not list`, {
    side: "source",
    key: version.key,
    hint: "only files in the artifact store of a run, a logged model or the artifact proxy can be listed through the server",
  });
}

/** Any other place can only be listed on behalf of the run or logged model whose folder it is in: its id is in the path, or it is the version's run. */
async function belowOwner(server: ServerFiles, { uri, version }: Lying, signal: AbortSignal): Promise<Located | undefined> {
  const ids = new Set([...uri.matchAll(/(?<![0-9a-z])(?:m-)?[0-9a-f]{32}(?![0-9a-z])/g)].map(([id]) => id));
  if (version.run !== undefined) ids.add(idOf(version.run));
  for (const id of ids) {
    const place = id.startsWith("m-") ? loggedModelPlace(id) : runPlace(id);
    const answer = await unlessNotFound(get(server.http, place.list("").path, { query: place.list("").query, schema: wire.files, signal }));
    const base = answer === undefined || answer.root_uri === "" ? undefined : below(uri, answer.root_uri);
    if (base !== undefined) return { place, base };
  }
  return undefined;
}

/** What a reader needs, and what it learns on the way. */
interface Reading {
  readonly server: ServerFiles;
  readonly place: Place;
  /** The folder (or the one file) that is read, below the place. */
  readonly base: string;
  readonly signal: AbortSignal;
  /** Where the place lies, as its listings tell; "" before the first. */
  rootUri: string;
  /** Whether `base` is a file. Unknown before a listing. */
  isFile?: boolean;
}

function createReader(reading: Reading): ArtifactReader {
  return {
    list: () => listing(reading),
    async *open(file, options) {
      requireServable(reading.base, reading.place);
      requireServable(file.path, reading.place);
      if (reading.base !== "" && reading.isFile === undefined && lastPart(reading.base) === file.path) await start(reading);
      const path = reading.isFile === true ? reading.base : joined(reading.base, file.path);
      yield* download(reading, { path, sizeBytes: file.sizeBytes }, options?.offset ?? 0);
    },
    whyNotStorable: (path) => (FILE_PATH_REFUSES.pattern.test(path) ? FILE_PATH_REFUSES.wording : undefined),
  };
}

interface Wanted {
  readonly path: string;
  readonly sizeBytes: number | undefined;
}

/**
 * Tries the proxy first, which asks no database; the other route may have rights or reach that the proxy lacks. Names beyond Latin-1
 * go the other way round: the proxy of 2.22.5 writes them into a header as they are, and closes the connection without an answer.
 */
async function* download(reading: Reading, { path, sizeBytes }: Wanted, offset: number): AsyncGenerator<Uint8Array> {
  const { server, place, signal } = reading;
  const direct = server.servesArtifacts ? proxied(reading.rootUri, path) : undefined;
  const root = direct === undefined ? undefined : proxyRoot(reading.rootUri);
  const signed = root === undefined ? undefined : await server.signed.download(joined(root, path), sizeBytes, signal);
  const through: Request[] = [...(direct === undefined ? [] : [direct]), place.read(path)];
  if (/[^\0-\xff]/.test(lastPart(path))) through.reverse();
  const served = through.map(
    (route): SignedDownload =>
      (from) =>
        server.http.download({ ...route, offset: from }, signal),
  );
  const routes = [...(signed === undefined ? [] : [signed]), ...served];
  for (const [index, route] of routes.entries()) {
    let begun = false;
    try {
      for await (const chunk of route(offset)) {
        begun = true;
        yield chunk;
      }
      return;
    } catch (thrown) {
      const error = unreadable(thrown, `${path} of ${place.name}`);
      if (begun || index === routes.length - 1 || error.code === "INTERRUPTED") throw error;
    }
  }
}

async function* listing(reading: Reading): AsyncGenerator<ArtifactFile> {
  const first = await start(reading);
  if (reading.isFile === true) return yield* first.map(({ sizeBytes }) => ({ path: lastPart(reading.base), sizeBytes }));
  const relative = (path: string): string => (reading.base === "" ? path : path.slice(reading.base.length + 1));
  let level = [{ path: reading.base, entries: Promise.resolve<Listed>(first) }];
  while (level.length > 0) {
    const folders: string[] = [];
    for (const folder of level) {
      const entries = await folder.entries;
      if (entries instanceof MigrationError) {
        // A folder that cannot be listed leaves the others readable; without a connection or rights, nothing is.
        if (entries.code !== "ARTIFACT_UNREADABLE") throw entries;
        yield { path: relative(folder.path), unreadable: entries.message };
        continue;
      }
      for (const entry of entries) {
        if (entry.isDirectory) folders.push(entry.path);
        else yield fileOf(entry, relative(entry.path));
      }
    }
    level = folders.map((path) => ({ path, entries: settled(listDirectory(reading, path)) }));
  }
}

function fileOf({ path, sizeBytes }: Entry, shown: string): ArtifactFile {
  const reason = whyUnservable(path);
  return { path: shown, sizeBytes, ...(reason === undefined ? {} : { unreadable: `cannot read ${shown}: ${reason}` }) };
}

/** The entries of the base; where it is a file, that file alone. Without them nothing is known, so failures are thrown. */
async function start(reading: Reading): Promise<Entry[]> {
  const { base } = reading;
  const entries = await listDirectory(reading, base);
  reading.isFile = false;
  // A file is listed like an empty folder: only its own folder tells.
  if (entries.length > 0 || base === "") return entries;
  const above = await listDirectory(reading, base.slice(0, Math.max(0, base.lastIndexOf("/"))));
  const itself = above.filter((entry) => entry.path === base && !entry.isDirectory);
  reading.isFile = itself.length > 0;
  return itself;
}

interface Entry {
  /** From the root of the place. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
}

type Listed = readonly Entry[] | MigrationError;

async function listDirectory(reading: Reading, directory: string): Promise<Entry[]> {
  const { server, place, signal } = reading;
  requireServable(directory, place);
  const { path, query } = place.list(directory);
  try {
    const answer = await get(server.http, path, { query, schema: wire.files, signal });
    reading.rootUri = answer.root_uri;
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

/** What concerns one file or folder becomes ARTIFACT_UNREADABLE; lost connections and refused credentials stay what they are. */
function unreadable(thrown: unknown, what: string): MigrationError {
  const cause = asMigrationError(thrown);
  const isAnswer = cause.code === "REQUEST_FAILED" || cause.code === "NOT_FOUND";
  if (!isAnswer) return cause;
  return new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${what}: ${cause.message}`, {
    cause,
    side: "source",
    ...(cause.request === undefined ? {} : { request: cause.request }),
    hint: "the server cannot reach the files: check that its artifact store still holds them",
  });
}

/** The value or the error, so that nothing is rejected while others are waited for. */
function settled(listed: Promise<Entry[]>): Promise<Listed> {
  return listed.catch(asMigrationError);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
