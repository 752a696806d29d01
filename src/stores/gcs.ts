// Buckets of Google Cloud Storage, over Google's SDK. It finds credentials by itself (application default credentials), and an
// emulator by STORAGE_EMULATOR_HOST.
import { addAbortSignal, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bucket as GoogleBucket, Storage, StorageOptions } from "@google-cloud/storage";
import { loadSdk } from "./sdk.ts";
import { partSizeFor } from "./settings.ts";
import type { GcsSettings, StoreSettings } from "./settings.ts";
import type { Bucket, Listed, Opened, Sent } from "./store.ts";

const PACKAGES = ["@google-cloud/storage"] as const;

/** The client of a place, made when first used and shared by its buckets. */
export type OpenGcs = () => Promise<Storage>;

export function createGcsClient(settings: GcsSettings): OpenGcs {
  let client: Promise<Storage> | undefined;
  return () => (client ??= connect(settings));
}

async function connect({ keyFile, lentToken }: GcsSettings): Promise<Storage> {
  const sdk = await loadSdk("reading and writing gs: directly", PACKAGES, () => import("@google-cloud/storage"));
  const own = keyFile === undefined ? {} : { keyFilename: keyFile };
  const storage = new sdk.Storage(lentToken === undefined ? own : await withTokens(lentToken));
  // Google's SDKs disagree whether STORAGE_EMULATOR_HOST holds the API's path: Python's adds it, which is what users have set.
  if (storage.customEndpoint && !storage.baseUrl.includes("/storage/v1")) storage.baseUrl = `${storage.apiEndpoint}/storage/v1`;
  return storage;
}

export function createGcsBucket(name: string, open: OpenGcs, settings: StoreSettings): Bucket {
  const bucket = async (): Promise<GoogleBucket> => (await open()).bucket(name);
  return {
    uri: `gs://${name}`,
    credentialHint: `check GOOGLE_APPLICATION_CREDENTIALS or the login of gcloud auth application-default, and that it may list, read and create objects in ${name}`,
    async ready() {
      const storage = await open();
      // An emulator wants no login.
      if (!storage.customEndpoint) await storage.authClient.getAccessToken();
    },
    list: (prefix, signal) => listObjects(bucket, prefix, signal),
    get: (key, from, signal) => getObject(bucket, key, from, signal),
    put: (sent, signal) => putObject(bucket, sent, settings, signal),
  };
}

/**
 * Every request asks for the token, since a large file may take longer than one holds. An emulator is told it too: nothing else shows that
 * it would have been sent.
 */
async function withTokens(lentToken: () => Promise<string>): Promise<StorageOptions> {
  const { OAuth2Client } = await loadSdk("reading and writing gs: directly", PACKAGES, () => import("google-auth-library"));
  const authClient = new OAuth2Client();
  // Long past: the SDK keeps none of them.
  authClient.refreshHandler = async () => ({ access_token: await lentToken(), expiry_date: 1 });
  return { authClient, projectId: "lent", useAuthWithCustomEndpoint: true };
}

type Open = () => Promise<GoogleBucket>;

const PAGE = 1000;

async function* listObjects(open: Open, prefix: string, signal: AbortSignal): AsyncGenerator<Listed> {
  const bucket = await open();
  let pageToken: string | undefined;
  do {
    signal.throwIfAborted();
    const query = { prefix, autoPaginate: false, maxResults: PAGE, ...(pageToken === undefined ? {} : { pageToken }) };
    const [files, next] = await bucket.getFiles(query);
    for (const { name, metadata } of files) yield { key: name, sizeBytes: Number(metadata.size ?? 0) };
    const token: unknown = next === null ? undefined : (next as { pageToken?: unknown } | undefined)?.pageToken;
    pageToken = typeof token === "string" ? token : undefined;
  } while (pageToken !== undefined);
}

/** The generation stands for the etag: it is part of the address of exactly these bytes. */
async function getObject(open: Open, key: string, from: { offset: number; etag?: string }, signal: AbortSignal): Promise<Opened> {
  const file = (await open()).file(key, from.etag === undefined ? {} : { generation: Number(from.etag) });
  // As it is stored: with `decompress`, what is labelled gzip would come unpacked.
  const stream = file.createReadStream({ decompress: false, validation: false, ...(from.offset === 0 ? {} : { start: from.offset }) });
  const head = await headOf(addAbortSignal(signal, stream));
  const total = /\/(\d+)$/.exec(head["content-range"] ?? "")?.[1];
  const sizeBytes = total === undefined ? Number(head["content-length"] ?? 0) : Number(total);
  return { bytes: stream, sizeBytes, etag: head["x-goog-generation"] ?? "" };
}

type Head = Readonly<Record<string, string | undefined>>;

function headOf(stream: Readable): Promise<Head> {
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    stream.once("response", (answer: { readonly headers: Head; readonly statusCode: number }) => {
      // Its error comes after it.
      if (answer.statusCode >= 400) return;
      stream.removeListener("error", reject);
      // Whoever reads the stream gets the error; without a listener it would end the process first.
      stream.on("error", () => undefined);
      resolve(answer.headers);
    });
    // The request is sent when somebody wants bytes.
    stream.read(0);
  });
}

/** Large files go up in a resumable session, chunk by chunk; an object is visible only when it is whole. */
async function putObject(open: Open, sent: Sent, settings: StoreSettings, signal: AbortSignal): Promise<void> {
  const file = (await open()).file(sent.key);
  const partSize = partSizeFor(sent.sizeBytes, settings);
  const inOne = sent.sizeBytes !== undefined && sent.sizeBytes <= partSize;
  const options = inOne ? { resumable: false } : { resumable: true, chunkSize: partSize };
  await pipeline(Readable.from(sent.bytes, { objectMode: false }), file.createWriteStream({ ...options, gzip: false }), { signal });
}
