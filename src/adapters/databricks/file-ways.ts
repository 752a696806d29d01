// A way to the files below a root: listing one folder, reading and writing one file. How ways are put together, and read whole.
import { asMigrationError, MigrationError } from "../../errors.ts";
import type { ArtifactFile, ArtifactReader } from "../../ports/source.ts";

export interface Entry {
  /** From the root. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
}

export interface FileWay {
  /** For errors. */
  readonly name: string;
  /** What lies directly in a folder, "" being the root; nothing where there is none. */
  list(folder: string, signal: AbortSignal): Promise<readonly Entry[]>;
  read(path: string, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface WritableWay extends FileWay {
  /** Overwrites what is there. */
  write(file: ArtifactFile, open: () => AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
}

/** What stores want to know beforehand; a place that does not tell is read once for it. */
export async function sizeOf({ sizeBytes }: ArtifactFile, open: () => AsyncIterable<Uint8Array>): Promise<number> {
  if (sizeBytes !== undefined) return sizeBytes;
  let count = 0;
  for await (const chunk of open()) count += chunk.length;
  return count;
}

/** Reads everything below the root. A folder that cannot be listed leaves the others readable. */
export function readerOver(way: FileWay, signal: AbortSignal): ArtifactReader {
  return {
    list: () => walk(way, signal),
    async *open(file, options) {
      try {
        yield* way.read(file.path, options?.offset ?? 0, signal);
      } catch (thrown) {
        throw unreadable(thrown, `${file.path} of ${way.name}`);
      }
    },
  };
}

async function* walk(way: FileWay, signal: AbortSignal): AsyncGenerator<ArtifactFile> {
  const listed = (folder: string): Promise<readonly Entry[] | MigrationError> =>
    way.list(folder, signal).catch((thrown: unknown) => unreadable(thrown, `${folder === "" ? "the files" : folder} of ${way.name}`));
  let level = [{ path: "", entries: listed("") }];
  while (level.length > 0) {
    const folders: string[] = [];
    for (const folder of level) {
      const entries = await folder.entries;
      if (entries instanceof MigrationError) {
        if (folder.path === "" || entries.code !== "ARTIFACT_UNREADABLE") throw entries;
        yield { path: folder.path, unreadable: entries.message };
        continue;
      }
      for (const { path, isDirectory, sizeBytes } of entries) {
        if (isDirectory) folders.push(path);
        else yield { path, sizeBytes };
      }
    }
    level = folders.map((path) => ({ path, entries: listed(path) }));
  }
}

/** What concerns one file becomes ARTIFACT_UNREADABLE, a refusal by a store too; a lost connection and a refused login stay what they are. */
function unreadable(thrown: unknown, what: string): MigrationError {
  const cause = asMigrationError(thrown);
  const isRefusal = cause.code === "NOT_AUTHORISED" && cause.request?.status === 403;
  if (cause.code !== "REQUEST_FAILED" && cause.code !== "NOT_FOUND" && !isRefusal) return cause;
  return new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${what}: ${cause.message}`, {
    cause,
    side: "source",
    ...(cause.request === undefined ? {} : { request: cause.request }),
    hint: "check that the files are still there and that this user may read them",
  });
}

/** Whether a way was found closed: an answer that holds for every file of the server. */
export interface Closing {
  closed: boolean;
}

/** The first way, and where that refuses or fails before the first byte, the second. */
export function preferring(first: WritableWay, second: WritableWay, closing: Closing): WritableWay {
  return {
    name: second.name,
    async list(folder, signal) {
      if (!closing.closed) {
        const entries = await orNothing(first.list(folder, signal), closing);
        if (entries !== undefined && entries.length > 0) return entries;
      }
      return second.list(folder, signal);
    },
    async *read(path, offset, signal) {
      let begun = false;
      try {
        if (!closing.closed) {
          for await (const chunk of first.read(path, offset, signal)) {
            begun = true;
            yield chunk;
          }
          return;
        }
      } catch (thrown) {
        if (begun) throw thrown;
        noteClosed(thrown, closing);
      }
      yield* second.read(path, offset, signal);
    },
    async write(file, open, signal) {
      if (!closing.closed) {
        const written = await orNothing(
          first.write(file, open, signal).then(() => true),
          closing,
        );
        if (written === true) return;
      }
      await second.write(file, open, signal);
    },
  };
}

async function orNothing<T>(work: Promise<T>, closing: Closing): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    noteClosed(thrown, closing);
    return undefined;
  }
}

/** A 403 is an answer to all files. Rethrows what no other way would help against, such as a file that is damaged where it comes from. */
function noteClosed(thrown: unknown, closing: Closing): void {
  const error = asMigrationError(thrown);
  const status = error.request?.status;
  const isAnswer = error.code === "REQUEST_FAILED" || error.code === "NOT_FOUND" || (error.code === "NOT_AUTHORISED" && status === 403);
  if (!isAnswer) throw error;
  if (status === 403) closing.closed = true;
}
