// Large files past the server: one that keeps files in a bucket hands out signed URLs, by which they go up in parts and come down with
// ranges, without passing through its disk. What cannot be done that way goes the usual one.
import { asMigrationError, MigrationError } from "../../errors.ts";
import type { HttpClient, HttpClientOptions } from "../../http/client.ts";
import { inParts } from "./file-parts.ts";
import { createStoreClients } from "./store-clients.ts";
import type { StoreAddress, StoreClients } from "./store-clients.ts";
import { parseWire, wire } from "./wire.ts";

/** What a user may set about them. */
export interface SignedUrlOptions {
  /** Files from this size on; default 100 MiB. */
  readonly leastBytes?: number;
  /** Default: where the server offers it. */
  readonly ways?: { readonly upload: boolean; readonly download: boolean };
  /** Of the parts that go up one after the other, each held in memory; default 16 MiB. */
  readonly partBytes?: number;
}

export interface SignedUrls {
  /** Sends a file to `path` of the proxy; false where it has to go through the proxy, which may be tried at once. */
  upload(path: string, sizeBytes: number | undefined, open: () => AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<boolean>;
  /** A file of the proxy's as the store itself gives it; undefined where it has to come through the proxy. */
  download(path: string, sizeBytes: number | undefined, signal: AbortSignal): Promise<SignedDownload | undefined>;
  close(): Promise<void>;
}

export type SignedDownload = (offset: number) => AsyncIterable<Uint8Array>;

const LEAST_BYTES = 100 * 1024 * 1024;
const PART_BYTES = 16 * 1024 * 1024;
/** Of S3. */
const MOST_PARTS = 10_000;
const ROUTE = "/api/2.0/mlflow-artifacts";

export interface SignedUrlParts {
  readonly http: HttpClient;
  /** The server's client options: what goes to a signed URL carries no credential of the server's. */
  readonly options: HttpClientOptions;
  readonly settings: SignedUrlOptions;
  /** Whether the server says that it can hand out URLs (3.x). */
  readonly offered: boolean;
}

/** One attempt that fails for a reason of the way (no route to the store, none offered) ends the use of that way. */
export function createSignedUrls({ http, options, settings, offered }: SignedUrlParts): SignedUrls {
  const least = settings.leastBytes ?? LEAST_BYTES;
  const { upload, download } = settings.ways ?? { upload: true, download: true };
  const ways = { upload: offered && upload, download: offered && download };
  const state: State = { http, settings, stores: createStoreClients(options), open: ways };
  const isFor = (way: Way, sizeBytes: number | undefined): sizeBytes is number =>
    state.open[way] && sizeBytes !== undefined && sizeBytes >= least && sizeBytes > 0;
  return {
    async upload(path, sizeBytes, open, signal) {
      if (!isFor("upload", sizeBytes)) return false;
      return orNot(state, "upload", () => sendInParts(state, { path, sizeBytes, open }, signal));
    },
    async download(path, sizeBytes, signal) {
      if (!isFor("download", sizeBytes)) return undefined;
      const signed = await orNot(state, "download", () => presigned(state, path, signal));
      return signed === false ? undefined : (offset) => passedOn(state, signed.client.download({ ...signed.request, offset }, signal));
    },
    close: () => state.stores.close(),
  };
}

type Way = "upload" | "download";

interface State {
  readonly http: HttpClient;
  readonly settings: SignedUrlOptions;
  readonly stores: StoreClients;
  readonly open: Record<Way, boolean>;
}

/** Errors of the file itself are thrown; others close the way, unless the server only hiccuped. */
async function orNot<T>(state: State, way: Way, work: () => Promise<T>): Promise<T | false> {
  try {
    return await work();
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (
      error.code === "INTERRUPTED" ||
      error.code === "INTERNAL" ||
      error.code === "ARTIFACT_UNREADABLE" ||
      error.code === "ARTIFACT_CORRUPT"
    ) {
      throw error;
    }
    const status = error.request?.status;
    if (status === undefined || status < 500 || status === 501) state.open[way] = false;
    return false;
  }
}

/** A store that this machine cannot reach is not tried again. */
async function* passedOn(state: State, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (thrown) {
    if (thrown instanceof MigrationError && thrown.code === "SERVER_UNREACHABLE") state.open.download = false;
    throw thrown;
  }
}

interface Sending {
  readonly path: string;
  readonly sizeBytes: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

async function sendInParts(state: State, sending: Sending, signal: AbortSignal): Promise<true> {
  const { http, settings } = state;
  const partBytes = Math.max(settings.partBytes ?? PART_BYTES, Math.ceil(sending.sizeBytes / MOST_PARTS));
  const slash = sending.path.lastIndexOf("/");
  const [folder, name] = [sending.path.slice(0, Math.max(0, slash)), sending.path.slice(slash + 1)];
  const call = async (verb: string, body: object): Promise<unknown> => {
    const path = `${ROUTE}/mpu/${verb}/${folder.split("/").map(encodeURIComponent).join("/")}`;
    return http.json({ method: "POST", path, body: { path: name, ...body }, repeat: "safe" }, signal);
  };
  const created = parseWire(
    wire.multipartUpload,
    await call("create", { num_parts: Math.ceil(sending.sizeBytes / partBytes) }),
    "mpu/create",
  );
  const upload = created.upload_id === "" ? {} : { upload_id: created.upload_id };
  try {
    const parts: object[] = [];
    let number = 0;
    for await (const part of inParts(sending, partBytes)) {
      const target = created.credentials[number];
      if (target === undefined)
        throw new MigrationError("REQUEST_FAILED", `the server gave no URL for part ${number + 1} of ${sending.path}`);
      const { etag } = await putPart(state, target, part, signal);
      parts.push({ part_number: target.part_number, etag: etag ?? "", url: target.url });
      number += 1;
    }
    await call("complete", { ...upload, parts });
    return true;
  } catch (thrown) {
    // Parts that nobody completes would be paid for; the failure that led here is what is told.
    await call("abort", upload).catch(() => undefined);
    throw thrown;
  }
}

interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function putPart(state: State, { url, headers }: Target, part: Uint8Array, signal: AbortSignal): Promise<{ etag?: string }> {
  const { client, request } = state.stores.at(url);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield part;
  }
  return client.upload({ ...request, headers, sizeBytes: part.length }, bytes, signal);
}

async function presigned(state: State, path: string, signal: AbortSignal): Promise<StoreAddress> {
  const route = `${ROUTE}/presigned/${path.split("/").map(encodeURIComponent).join("/")}`;
  const answer = await state.http.json({ method: "GET", path: route, repeat: "safe" }, signal);
  return state.stores.at(parseWire(wire.presigned, answer, "presigned").url);
}
