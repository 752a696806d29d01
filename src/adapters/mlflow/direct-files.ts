// Files that do not lie behind the server: runs and logged models whose artifact URI names a bucket (or a folder, by a rule of the
// user's) are read and written there directly. Reading falls back on the server's own routes, which use the server's credentials.
import { asMigrationError, MigrationError } from "../../errors.ts";
import type { ArtifactFile, ArtifactReader } from "../../ports/source.ts";
import { whyUnstorable } from "../../stores/folder.ts";
import type { Stores } from "../../stores/open.ts";
import type { Store } from "../../stores/store.ts";

export interface DirectFiles {
  /** Remembers where a run or logged model keeps its files, as the server tells it. */
  note(id: string, artifactUri: string): void;
  /** What was noted of the run or logged model, where it can be reached directly. */
  rootOf(id: string): string | undefined;
  /** The store of the files at a URI; undefined where they are the server's to pass on. */
  at(uri: string): Store | undefined;
}

/** Without stores, everything is the server's to pass on. */
export function createDirectFiles(stores?: Stores): DirectFiles {
  const roots = new Map<string, string>();
  const at = (uri: string): Store | undefined => stores?.at(uri);
  return {
    note: (id, uri) => {
      if (uri !== "" && at(uri) !== undefined) roots.set(id, uri);
    },
    rootOf: (id) => roots.get(id),
    at,
  };
}

/** Reads from the store, or through the server where that fails before the first file or byte; fails when both do. */
export function preferStore(store: Store, served: ArtifactReader, signal: AbortSignal): ArtifactReader {
  const reading: Reading = { store, served, signal, refused: undefined };
  return {
    list: () => listing(reading),
    open: (file, options) => opened(reading, file, options?.offset ?? 0),
    whyNotStorable: (path) => whyUnstorable(path),
  };
}

interface Reading {
  readonly store: Store;
  readonly served: ArtifactReader;
  readonly signal: AbortSignal;
  /** Why the listing did not come from the store: then nothing else will. */
  refused: MigrationError | undefined;
}

async function* listing(reading: Reading): AsyncGenerator<ArtifactFile> {
  const { store, served, signal } = reading;
  const files = store.list(signal)[Symbol.asyncIterator]();
  let next: IteratorResult<ArtifactFile>;
  try {
    next = await files.next();
  } catch (thrown) {
    reading.refused = passable(thrown);
    yield* orBoth(served.list(), reading.refused, `the files at ${store.uri}`);
    return;
  }
  reading.refused = undefined;
  try {
    for (; next.done !== true; next = await files.next()) yield next.value;
  } catch (thrown) {
    throw unreadable(passable(thrown), `the files at ${store.uri}`);
  }
}

async function* opened(reading: Reading, file: ArtifactFile, offset: number): AsyncGenerator<Uint8Array> {
  const { store, served, signal } = reading;
  let failed = reading.refused;
  if (failed === undefined) {
    let begun = false;
    try {
      for await (const chunk of store.read(file.path, offset, signal)) {
        begun = true;
        yield chunk;
      }
      return;
    } catch (thrown) {
      failed = passable(thrown);
      if (begun) throw unreadable(failed, `${file.path} at ${store.uri}`);
    }
  }
  yield* orBoth(served.open(file, { offset }), failed, `${file.path} at ${store.uri}`);
}

/** What came after the store has failed; when it fails as well, both reasons are told. */
async function* orBoth<T>(second: AsyncIterable<T>, first: MigrationError, what: string): AsyncGenerator<T> {
  try {
    yield* second;
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (error.code === "INTERRUPTED" || error.code === "INTERNAL") throw error;
    throw unreadable(first, what, error);
  }
}

/** The failure, unless it concerns more than the way that was tried. */
function passable(thrown: unknown): MigrationError {
  const error = asMigrationError(thrown);
  if (error.code === "INTERRUPTED" || error.code === "INTERNAL") throw error;
  return error;
}

/** Credentials that a bucket refused are told as such; all else concerns these files alone. */
function unreadable(first: MigrationError, what: string, second?: MigrationError): MigrationError {
  const refused = first.code === "NOT_AUTHORISED" && first.request !== undefined;
  const through = second === undefined ? "" : `; and through the server: ${second.message}`;
  return new MigrationError(
    refused ? "NOT_AUTHORISED" : "ARTIFACT_UNREADABLE",
    `cannot read ${what}: directly: ${first.message}${through}`,
    {
      cause: first,
      side: "source",
      ...(first.hint === undefined ? {} : { hint: first.hint }),
    },
  );
}
