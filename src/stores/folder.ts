// A store from a bucket and a folder in it: relative paths, names, sizes, resumed reading; the same for every cloud.
import { setTimeout as delay } from "node:timers/promises";
import { MigrationError } from "../errors.ts";
import { failureOf, storeError } from "./failure.ts";
import type { StoreSettings } from "./settings.ts";
import type { Bucket, Opened, Store, StoredBody, StoredFile } from "./store.ts";

/** The folder `path` of a bucket ("" for all of it) as a store. */
export function createFolderStore(bucket: Bucket, path: string, settings: StoreSettings): Store {
  const root = path.replace(/^\/+|\/+$/g, "");
  const keyOf = (file: string): string => (root === "" ? file : `${root}/${file}`);
  const uri = root === "" ? bucket.uri : `${bucket.uri}/${root}`;
  const isItself = (file: string): boolean => file === lastPart(root);
  return {
    uri,
    ready: (signal) => attempt(bucket, "find the credentials", signal, () => bucket.ready(signal)),
    list: (signal) => listing(bucket, root, signal),
    async *read(file, offset, signal) {
      try {
        yield* reading({ bucket, key: keyOf(file), settings }, offset, signal);
      } catch (thrown) {
        // Where the URI names a file, its listing gave that file's own name.
        const gone = thrown instanceof MigrationError && thrown.code === "NOT_FOUND" && isItself(file);
        if (!gone) throw thrown;
        yield* reading({ bucket, key: root, settings }, offset, signal);
      }
    },
    write: (file, body, signal) => writing({ bucket, key: keyOf(file), settings }, { file, body }, signal),
  };
}

/** Why no store can hold a file under this name; undefined when it can. */
export function whyUnstorable(path: string, key = path): string | undefined {
  if (UNSTORABLE.test(path)) return "names with control characters or with empty, . or .. parts cannot be stored";
  return Buffer.byteLength(key) > LONGEST_KEY ? `its path is longer than ${LONGEST_KEY} bytes` : undefined;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const UNSTORABLE = /[\u0000-\u001f\u007f]|\p{Surrogate}|^$|^\/|\/$|\/\/|(^|\/)\.{1,2}(\/|$)/u;

/** Of S3, GCS and Azure alike; a folder's own name counts. */
const LONGEST_KEY = 1024;

async function* listing(bucket: Bucket, root: string, signal: AbortSignal): AsyncGenerator<StoredFile> {
  const prefix = root === "" ? "" : `${root}/`;
  let found = false;
  for await (const { key, ...rest } of listed(bucket, prefix, signal)) {
    found = true;
    // Consoles and file system layers mark an empty folder by an object whose name ends in a slash.
    if (key.endsWith("/")) continue;
    const path = key.slice(prefix.length);
    const reason = whyUnstorable(path);
    yield { path, ...rest, ...(reason === undefined ? {} : { unreadable: `cannot read ${JSON.stringify(path)}: ${reason}` }) };
  }
  if (found || root === "") return;
  // In the order of keys, an object of exactly this name comes before all that only begin with it.
  for await (const { key, ...rest } of listed(bucket, root, signal)) {
    if (key === root) yield { path: lastPart(root), ...rest };
    return;
  }
}

async function* listed(bucket: Bucket, prefix: string, signal: AbortSignal): ReturnType<Bucket["list"]> {
  try {
    await bucket.ready(signal);
    yield* bucket.list(prefix, signal);
  } catch (thrown) {
    throw interruptedOr(signal, () => storeError(bucket, { what: `list ${prefix === "" ? "files" : prefix}`, anyObject: true }, thrown));
  }
}

interface Place {
  readonly bucket: Bucket;
  readonly key: string;
  readonly settings: StoreSettings;
}

/** Attempts without a byte gained before a read is given up; the SDK has made its own before that. */
const FRUITLESS_ATTEMPTS = 5;
const FIRST_WAIT_MS = 250;
const SILENCE_MS = { reading: 120_000, writing: 600_000 } as const;

async function* reading(place: Place, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { bucket, key } = place;
  let position = offset;
  let before: Opened | undefined;
  for (let fruitless = 0; ;) {
    const start = position;
    let failed: unknown;
    try {
      const opened = await bucket.get(key, { offset: position, ...(before === undefined ? {} : { etag: before.etag }) }, signal);
      if (before !== undefined && (before.etag !== opened.etag || before.sizeBytes !== opened.sizeBytes)) throw changed(place);
      before = opened;
      for await (const chunk of watched(opened.bytes, place.settings.timeoutMs ?? SILENCE_MS.reading)) {
        position += chunk.length;
        yield chunk;
      }
      if (position === opened.sizeBytes) return;
      if (position > opened.sizeBytes) throw changed(place);
      failed = new Error(`cut short: its bytes ended at ${position} of ${opened.sizeBytes}`);
    } catch (thrown) {
      failed = thrown;
    }
    const failure = failed instanceof MigrationError ? undefined : failureOf(failed);
    if (failure?.kind === "past the end" && before === undefined) return;
    if (before !== undefined && failure?.status === 412) throw changed(place);
    fruitless = position > start ? 0 : fruitless + 1;
    if (signal.aborted || failure?.mayPass !== true || fruitless >= FRUITLESS_ATTEMPTS) {
      throw interruptedOr(signal, () => storeError(bucket, { what: `read ${key}`, anyObject: false }, failed));
    }
    await delay(FIRST_WAIT_MS * 2 ** fruitless, undefined, { signal }).catch(() => undefined);
  }
}

function changed({ bucket, key }: Place): MigrationError {
  return new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${key} at ${bucket.uri}: it changed while it was read`, {
    hint: "run the same command again: only what is missing is read",
  });
}

/** Ends with an error when no byte comes for so long: a connection may die without a word. */
async function* watched(bytes: AsyncIterable<Uint8Array>, timeoutMs: number): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no more bytes came within ${timeoutMs / 1000} s`)), timeoutMs);
      });
      const next = iterator.next();
      // A late failure of a read that was given up has nobody to go to.
      next.catch(() => undefined);
      const result = await Promise.race([next, silence]).finally(() => clearTimeout(timer));
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    void iterator.return?.().catch(() => undefined);
  }
}

async function writing(place: Place, { file, body }: { file: string; body: StoredBody }, signal: AbortSignal): Promise<void> {
  const { bucket, key, settings } = place;
  const reason = whyUnstorable(file, key);
  if (reason !== undefined) {
    throw new MigrationError("NAME_ILLEGAL", `cannot store ${JSON.stringify(file)}: ${reason}`, { hint: "rename the file at the source" });
  }
  const stall = new AbortController();
  const timeoutMs = settings.timeoutMs ?? SILENCE_MS.writing;
  const timer = setTimeout(() => stall.abort(), timeoutMs);
  const watch = watchedBody(body, key, () => timer.refresh());
  try {
    const sent = { key, bytes: watch.bytes, ...(body.sizeBytes === undefined ? {} : { sizeBytes: body.sizeBytes }) };
    await bucket.put(sent, AbortSignal.any([signal, stall.signal]));
  } catch (thrown) {
    // What broke the body broke the upload: it is the cause, whatever the SDK says.
    if (watch.broken !== undefined && !signal.aborted) throw watch.broken.by;
    const cause = stall.signal.aborted ? new Error(`RequestTimeout: nothing more was taken within ${timeoutMs / 1000} s`) : thrown;
    throw interruptedOr(signal, () => storeError(bucket, { what: `write ${key}`, anyObject: true }, cause));
  } finally {
    clearTimeout(timer);
  }
}

interface WatchedBody {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly broken: { readonly by: unknown } | undefined;
}

/**
 * Notes what broke the body itself: a stream that is given up throws into its generator as well (Node's AbortError), and that is the
 * store's doing.
 */
function watchedBody(body: StoredBody, key: string, onChunk: () => void): WatchedBody {
  let broken: WatchedBody["broken"];
  const fail = (by: unknown): never => {
    broken = { by };
    throw by;
  };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const iterator: AsyncIterator<Uint8Array, unknown> = body.open()[Symbol.asyncIterator]();
    try {
      for (let count = 0; ;) {
        const next = await iterator.next().catch(fail);
        const isEnd = next.done === true;
        if (!isEnd) count += next.value.length;
        const isWrong = body.sizeBytes !== undefined && (isEnd ? count !== body.sizeBytes : count > body.sizeBytes);
        if (isWrong) fail(wrongSize(key, body.sizeBytes ?? 0, count));
        if (isEnd) return;
        onChunk();
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return {
    bytes: bytes(),
    get broken() {
      return broken;
    },
  };
}

function wrongSize(key: string, wanted: number, given: number): MigrationError {
  return new MigrationError("ARTIFACT_CORRUPT", `cannot write ${key}: the file gave ${given} bytes instead of ${wanted}`, {
    hint: "the file changed or is damaged: check it where it comes from and run the same command again",
  });
}

async function attempt<T>(bucket: Bucket, what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw interruptedOr(signal, () => storeError(bucket, { what, anyObject: true }, thrown));
  }
}

function interruptedOr(signal: AbortSignal, error: () => MigrationError): MigrationError {
  return signal.aborted ? new MigrationError("INTERRUPTED", "interrupted", { cause: signal.reason }) : error();
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
