// Buckets of Amazon S3 and of services that speak its protocol, over the AWS SDK. What is not in the settings, its own chain finds:
// variables, shared configuration and credential files, SSO, container and instance roles.
import http from "node:http";
import https from "node:https";
import { addAbortSignal, Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { loadSdk } from "./sdk.ts";
import { partSizeFor, PARTS_IN_FLIGHT } from "./settings.ts";
import type { S3Credentials, S3Settings, StoreSettings } from "./settings.ts";
import type { Bucket, Listed, Opened, Sent } from "./store.ts";

export const S3_PACKAGES = ["@aws-sdk/client-s3", "@aws-sdk/lib-storage"] as const;

/** The client of a place, made when first used and shared by its buckets. */
export type OpenS3 = () => Promise<S3Client>;

export function createS3Client(settings: S3Settings): OpenS3 {
  let client: Promise<S3Client> | undefined;
  return () => (client ??= connect(settings));
}

async function connect(settings: S3Settings): Promise<S3Client> {
  const sdk = await loadSdk("reading and writing s3: directly", S3_PACKAGES, () => import("@aws-sdk/client-s3"));
  const { endpoint, addressing, ignoreTls, region, profile, lentKeys } = settings;
  const credentials = lentKeys === undefined ? settings.credentials : askedEachTime(lentKeys);
  const options = {
    followRegionRedirects: true,
    // As boto3 does: another service than Amazon's is addressed by path.
    forcePathStyle: addressing === undefined ? endpoint !== undefined : addressing === "path",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      ...(ignoreTls === true ? { httpsAgent: { rejectUnauthorized: false } } : {}),
      ...(lentKeys === undefined ? {} : sharedAgents(ignoreTls === true)),
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  const client = new sdk.S3Client({ ...options, ...(region === undefined ? {} : { region }) });
  try {
    await client.config.region();
    return client;
  } catch {
    // boto3 asks the region nearest to everything where none is set; a redirect then tells the bucket's own.
    return new sdk.S3Client({ ...options, region: "us-east-1" });
  }
}

const SHARED = { keepAlive: true, maxSockets: 50 } as const;
const plain = new http.Agent(SHARED);
const checked = new https.Agent(SHARED);
const unchecked = new https.Agent({ ...SHARED, rejectUnauthorized: false });

/** Keys are lent for one version, and each has a client: connections of their own would pile up. */
function sharedAgents(ignoreTls: boolean): { readonly httpAgent: http.Agent; readonly httpsAgent: https.Agent } {
  return { httpAgent: plain, httpsAgent: ignoreTls ? unchecked : checked };
}

/** Long past, so that the SDK keeps none of them: who lends them knows better when others are due. */
function askedEachTime(lentKeys: () => Promise<S3Credentials>): () => Promise<S3Credentials & { readonly expiration: Date }> {
  return async () => ({ ...(await lentKeys()), expiration: new Date(0) });
}

const CONNECT_TIMEOUT_MS = 15_000;
const SOCKET_TIMEOUT_MS = 120_000;

export function createS3Bucket(name: string, open: OpenS3, settings: StoreSettings): Bucket {
  const { uploadArgs = {}, expectedBucketOwner } = settings.s3 ?? {};
  const at = { Bucket: name, ...(expectedBucketOwner === undefined ? {} : { ExpectedBucketOwner: expectedBucketOwner }) };
  return {
    uri: `s3://${name}`,
    credentialHint: `check AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they allow s3:ListBucket on ${name} and s3:GetObject, s3:PutObject and s3:AbortMultipartUpload in it`,
    async ready() {
      await loadSdk("writing to s3: directly", S3_PACKAGES, () => import("@aws-sdk/lib-storage"));
      await (await open()).config.credentials();
    },
    list: (prefix, signal) => listObjects({ open, at }, prefix, signal),
    get: (key, from, signal) => getObject({ open, at }, key, from, signal),
    put: (sent, signal) => putObject({ open, at }, sent, { settings, uploadArgs }, signal),
  };
}

interface Access {
  readonly open: OpenS3;
  readonly at: { readonly Bucket: string; readonly ExpectedBucketOwner?: string };
}

async function* listObjects({ open, at }: Access, prefix: string, signal: AbortSignal): AsyncGenerator<Listed> {
  const client = await open();
  const { ListObjectsV2Command } = await import("@aws-sdk/client-s3");
  let token: string | undefined;
  do {
    const next = token === undefined ? {} : { ContinuationToken: token };
    const page = await client.send(new ListObjectsV2Command({ ...at, Prefix: prefix, ...next }), { abortSignal: signal });
    for (const { Key: key, Size: size } of page.Contents ?? []) if (key !== undefined) yield { key, sizeBytes: size ?? 0 };
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

async function getObject({ open, at }: Access, key: string, from: { offset: number; etag?: string }, signal: AbortSignal): Promise<Opened> {
  const client = await open();
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  const range = from.offset === 0 ? {} : { Range: `bytes=${from.offset}-` };
  const match = from.etag === undefined ? {} : { IfMatch: from.etag };
  // A checksum of the whole object cannot be held against a part of it, and the engine hashes what passes.
  const command = new GetObjectCommand({ ...at, Key: key, ...range, ...match });
  const answer = await client.send(command, { abortSignal: signal });
  const body = answer.Body;
  const total = /\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1];
  const sizeBytes = total === undefined ? (answer.ContentLength ?? 0) : Number(total);
  if (!(body instanceof Readable)) return { bytes: Readable.from([]), sizeBytes, etag: answer.ETag ?? "" };
  return { bytes: addAbortSignal(signal, body), sizeBytes, etag: answer.ETag ?? "" };
}

/** Small files go up in one request, large ones in parts; a failed upload is aborted, so that no parts are left behind. */
async function putObject(
  { open, at }: Access,
  sent: Sent,
  { settings, uploadArgs }: { settings: StoreSettings; uploadArgs: Readonly<Record<string, unknown>> },
  signal: AbortSignal,
): Promise<void> {
  const client = await open();
  const { Upload } = await loadSdk("writing to s3: directly", S3_PACKAGES, () => import("@aws-sdk/lib-storage"));
  const abortController = new AbortController();
  const onAbort = (): void => abortController.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  const body = Readable.from(sent.bytes, { objectMode: false });
  try {
    const params = { ...uploadArgs, ...at, Key: sent.key, Body: body };
    const parts = { partSize: partSizeFor(sent.sizeBytes, settings), queueSize: PARTS_IN_FLIGHT, leavePartsOnError: false };
    await new Upload({ client, params, ...parts, abortController }).done();
  } finally {
    signal.removeEventListener("abort", onAbort);
    body.destroy();
  }
}
