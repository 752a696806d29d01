// Stores opened with credentials that somebody gives out for one folder and for a while, as Unity Catalog does. Nothing of the user's own
// logins is used for them: who was lent no access has none.
import { MigrationError } from "../errors.ts";
import { azurePlaceOf, createAzureBucket } from "./azure-blob.ts";
import { failureOf } from "./failure.ts";
import { createFolderStore } from "./folder.ts";
import { createGcsBucket, createGcsClient } from "./gcs.ts";
import { createS3Bucket, createS3Client } from "./s3.ts";
import type { S3Credentials, StoreSettings } from "./settings.ts";
import type { Bucket, Store } from "./store.ts";

export type LentCredentials =
  | { readonly cloud: "s3"; readonly keys: S3Credentials; readonly encryption?: S3Encryption }
  | { readonly cloud: "azure"; readonly sasToken: string }
  | { readonly cloud: "gcs"; readonly token: string };

/** How the bucket's owner wants what is written to be encrypted. */
export interface S3Encryption {
  readonly algorithm: "AES256" | "aws:kms";
  readonly keyArn?: string;
}

export interface Lent {
  readonly credentials: LentCredentials;
  /** Epoch ms; absent where they are not said to end. */
  readonly expiresAt?: number;
}

/** Asks for credentials anew. */
export type Lender = () => Promise<Lent>;

/**
 * The store of the files at a URI (s3:, r2:, abfss:, wasbs:, gs:). `ask` is called at once, and again shortly before credentials end, or once they
 * were refused; a body that was under way then is opened again. Of `settings` counts how a cloud is reached, and none of its credentials.
 * Throws NOT_SUPPORTED where URI and credentials are of two clouds.
 */
export async function openLent(uri: string, ask: Lender, settings: StoreSettings): Promise<Store> {
  const held = hold(ask);
  const { credentials } = await held.get();
  const { bucket, path } = openBucket(uri, { credentials, held, settings });
  const store = createFolderStore(renewing({ ...bucket, credentialHint: HINT }, held), path, settings);
  // A refusal of this bucket, and not of where the body comes from.
  const isRefusal = (thrown: unknown): boolean =>
    thrown instanceof MigrationError && thrown.code === "NOT_AUTHORISED" && thrown.request?.url === bucket.uri;
  return { ...store, write: (file, body, signal) => held.again(() => store.write(file, body, signal), isRefusal) };
}

/** Reads and lists once more what was refused. */
function renewing(bucket: Bucket, held: Held): Bucket {
  const isRefusal = (thrown: unknown): boolean => failureOf(thrown)?.kind === "refused";
  return {
    ...bucket,
    get: (key, from, signal) => held.again(() => bucket.get(key, from, signal), isRefusal),
    async *list(prefix, signal) {
      const begin = async () => {
        const rest = bucket.list(prefix, signal)[Symbol.asyncIterator]();
        return { first: await rest.next(), rest };
      };
      const { first, rest } = await held.again(begin, isRefusal);
      for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
    },
  };
}

/** Asks for the second and later ones: the first is there. */
export function beginningWith<T>(first: T, ask: () => Promise<T>): () => Promise<T> {
  let unused: T | undefined = first;
  return () => {
    const given = unused;
    unused = undefined;
    return given === undefined ? ask() : Promise.resolve(given);
  };
}

interface Held {
  get(): Promise<Lent>;
  /** Repeats what was refused, once and with other credentials, where there are any to be had. */
  again<T>(work: () => Promise<T>, isRefusal: (thrown: unknown) => boolean): Promise<T>;
}

interface Loan {
  readonly lent: Lent;
  readonly at: number;
}

/** Before their end, so that a request that begins with them can end with them. */
const MARGIN_MS = 60_000;
/** What was lent so shortly ago would be lent again as it is. */
const FRESH_MS = 1000;

function isEnding({ lent: { expiresAt = Infinity }, at }: Loan): boolean {
  return expiresAt - Date.now() < Math.min(MARGIN_MS, 0.5 * (expiresAt - at));
}

function hold(ask: Lender): Held {
  let held: Promise<Loan> | undefined;
  const renew = (): Promise<Loan> => {
    const loan = ask().then((lent) => ({ lent, at: Date.now() }));
    held = loan;
    // What one caller could not get is asked for again by the next.
    loan.catch(() => {
      if (held === loan) held = undefined;
    });
    return loan;
  };
  return {
    async get() {
      const current = held ?? renew();
      const loan = await current;
      if (!isEnding(loan)) return loan.lent;
      // Of all that find it ending, the first asks.
      return (await (held === undefined || held === current ? renew() : held)).lent;
    },
    async again(work, isRefusal) {
      const before = held;
      try {
        return await work();
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        if (held === before && before !== undefined) {
          if (Date.now() - (await before).at < FRESH_MS) throw thrown;
          held = undefined;
        }
        return work();
      }
    },
  };
}

interface Opening {
  readonly credentials: LentCredentials;
  readonly held: Held;
  readonly settings: StoreSettings;
}

interface Place {
  readonly bucket: Bucket;
  /** In the bucket. */
  readonly path: string;
}

function openBucket(uri: string, { credentials, held, settings }: Opening): Place {
  const [, scheme = "", authority = "", path = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/]+)\/*(.*)$/is.exec(uri) ?? [];
  const fresh = async (cloud: LentCredentials["cloud"]): Promise<Lent> => {
    const lent = await held.get();
    if (lent.credentials.cloud === cloud) return lent;
    throw mismatch(uri, lent.credentials.cloud);
  };
  switch (`${scheme.toLowerCase()} ${credentials.cloud}`) {
    case "s3 s3":
    case "s3a s3":
    case "r2 s3":
      return { path, bucket: s3Bucket(authority, () => fresh("s3"), { credentials, settings }) };
    case "abfs azure":
    case "abfss azure":
    case "wasb azure":
    case "wasbs azure": {
      const place = azurePlaceOf(authority);
      if (place === undefined) throw mismatch(uri, "azure");
      const lentToken = async (): Promise<string> => {
        const { credentials: now } = await fresh("azure");
        return now.cloud === "azure" ? now.sasToken : "";
      };
      const endpoint = settings.azure?.connectionString;
      const azure = { lentToken, ...(endpoint === undefined ? {} : { connectionString: endpoint }) };
      return { path, bucket: createAzureBucket(place, { ...settings, azure }) };
    }
    case "gs gcs": {
      const lentToken = async (): Promise<string> => {
        const { credentials: now } = await fresh("gcs");
        return now.cloud === "gcs" ? now.token : "";
      };
      return { path, bucket: createGcsBucket(authority, createGcsClient({ lentToken }), settings) };
    }
    default:
      throw mismatch(uri, credentials.cloud);
  }
}

const HINT =
  "the catalog gave temporary credentials for this folder: who administers its storage credential or external location can see what they allow";

interface S3Opening {
  readonly credentials: LentCredentials;
  readonly settings: StoreSettings;
}

/** `r2://BUCKET@ACCOUNT.r2.cloudflarestorage.com/…` is a bucket of Cloudflare's, which speaks S3 (mlflow/store/artifact/r2_artifact_repo.py). */
function s3Bucket(authority: string, fresh: () => Promise<Lent>, { credentials, settings }: S3Opening): Bucket {
  const [, inR2, host] = /^([^@]+)@(.+)$/.exec(authority) ?? [];
  const { profile: _profile, credentials: _own, ...reached } = settings.s3 ?? {};
  const encryption = credentials.cloud === "s3" ? credentials.encryption : undefined;
  const s3 = {
    ...reached,
    ...(host === undefined ? {} : { endpoint: `https://${host}`, region: "auto" }),
    ...(encryption === undefined ? {} : { uploadArgs: { ...withoutEncryption(reached.uploadArgs), ...encryptionArgs(encryption) } }),
    lentKeys: async () => {
      const { credentials: now } = await fresh();
      if (now.cloud !== "s3") throw mismatch(authority, now.cloud);
      return now.keys;
    },
  };
  return createS3Bucket(inR2 ?? authority, createS3Client(s3), { ...settings, s3 });
}

/** The user's own wish is of another bucket, and two would contradict each other. */
function withoutEncryption(uploadArgs: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(uploadArgs).filter(([name]) => !/^(ServerSideEncryption|SSE|BucketKeyEnabled)/.test(name)));
}

function encryptionArgs({ algorithm, keyArn }: S3Encryption): Readonly<Record<string, string>> {
  return { ServerSideEncryption: algorithm, ...(keyArn === undefined ? {} : { SSEKMSKeyId: keyArn }) };
}

function mismatch(uri: string, cloud: string): MigrationError {
  return new MigrationError("NOT_SUPPORTED", `credentials for ${CLOUDS[cloud] ?? cloud} were given for files at ${uri}`, {
    hint: "s3:, r2:, abfss: and gs: locations can be opened with temporary credentials",
  });
}

const CLOUDS: Readonly<Record<string, string>> = { s3: "S3", azure: "Azure", gcs: "Google" };
