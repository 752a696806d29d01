// What a user may set about stores, as the command line reads it from the environment. What is not here, the SDKs find by themselves.

export interface StoreSettings {
  /** Longest silence of a store; default 120 000 while reading, 600 000 while writing. */
  readonly timeoutMs?: number;
  /** Size of the parts in which large files go up, and so of what is held in memory: two parts for each file on its way. Default 8 MiB. */
  readonly partBytes?: number;
  readonly s3?: S3Settings;
  readonly azure?: AzureSettings;
  readonly gcs?: GcsSettings;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Settings {
  /** Of another service than Amazon's; addressed by path unless `addressing` says otherwise. */
  readonly endpoint?: string;
  readonly region?: string;
  readonly addressing?: "path" | "virtual";
  /** Certificates are not checked. */
  readonly ignoreTls?: boolean;
  /** Further fields of each upload, such as ServerSideEncryption. */
  readonly uploadArgs?: Readonly<Record<string, unknown>>;
  readonly expectedBucketOwner?: string;
  readonly profile?: string;
  readonly credentials?: S3Credentials;
  /** Keys that end: asked for before each request, and in the place of all other credentials. */
  readonly lentKeys?: () => Promise<S3Credentials>;
}

/** The first that is set is used; with none, Azure's default credentials are. */
export interface AzureSettings {
  readonly connectionString?: string;
  readonly accessKey?: string;
  readonly sasToken?: string;
  /** A shared access signature that ends: asked for before each request, and in the place of all others. A connection string then says where alone. */
  readonly lentToken?: () => Promise<string>;
}

export interface GcsSettings {
  /** Path of a service account's key. */
  readonly keyFile?: string;
  /** An access token that ends: asked for before each request, and in the place of all logins. */
  readonly lentToken?: () => Promise<string>;
}

export const PART_BYTES = 8 * 1024 * 1024;

/** Parts of one file under way at a time. */
export const PARTS_IN_FLIGHT = 2;

/** A part size with which a file of this size stays below the most parts that a store takes (S3: 10 000). */
export function partSizeFor(sizeBytes: number | undefined, settings: StoreSettings): number {
  const needed = Math.max(settings.partBytes ?? PART_BYTES, Math.ceil((sizeBytes ?? 0) / MOST_PARTS));
  return Math.ceil(needed / PART_STEP) * PART_STEP;
}

const MOST_PARTS = 9000;
/** GCS takes chunks in multiples of 256 KiB. */
const PART_STEP = 256 * 1024;
