// What a store of files offers, and what each cloud's bucket has to bring for it. A store is a folder in a bucket, opened with the
// user's own credentials; it knows nothing of registries. Each cloud has one file here; folder.ts makes a store of any bucket.

export interface StoredFile {
  /** POSIX, below the store's folder. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Why no other place could hold it, such as a name with an empty part. */
  readonly unreadable?: string;
}

/** What is to be written. */
export interface StoredBody {
  /** Absent where it is not known before the end; held against the bytes otherwise. */
  readonly sizeBytes?: number;
  /** Called once; a second time only by a store with lent credentials, when these were refused. */
  open(): AsyncIterable<Uint8Array>;
}

/** A folder of files in a bucket. All methods may run in parallel and throw MigrationErrors only. */
export interface Store {
  /** Where it lies; never holds a credential. */
  readonly uri: string;
  /** Loads what is needed and finds credentials, without a request to the bucket. Throws NOT_SUPPORTED or NOT_AUTHORISED. */
  ready(signal: AbortSignal): Promise<void>;
  /** Every file below, at any depth. Where the URI names a single file, that one under the last part of its path. */
  list(signal: AbortSignal): AsyncIterable<StoredFile>;
  /** Bytes from `offset`; a cut connection is resumed where it broke off. Throws ARTIFACT_UNREADABLE when the file changes meanwhile. */
  read(path: string, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Overwrites; whole or not at all. Throws NAME_ILLEGAL for a name that cannot be stored, and errors of the body as they are. */
  write(path: string, body: StoredBody, signal: AbortSignal): Promise<void>;
}

export interface Listed {
  readonly key: string;
  readonly sizeBytes: number;
  /** Why it cannot be read, where the listing knows. */
  readonly unreadable?: string;
}

export interface Opened {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Of the whole object, not of what is left from the offset. */
  readonly sizeBytes: number;
  /** Changes whenever the object does. */
  readonly etag: string;
}

/** Sent to the bucket by its SDK, which repeats what may be repeated. */
export interface Sent {
  readonly key: string;
  readonly sizeBytes?: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What went wrong in a request to a bucket. `mayPass`: reading on from where it stopped may help. */
export interface StoreFailure {
  readonly kind: "refused" | "no credentials" | "no bucket" | "no object" | "unreachable" | "past the end" | "failed";
  readonly status?: number;
  /** The cloud's own words, credentials removed. */
  readonly reason: string;
  readonly mayPass: boolean;
}

/** A bucket of one cloud, over its SDK. Methods throw the SDK's errors, which `failureOf` reads. */
export interface Bucket {
  /** For messages. */
  readonly uri: string;
  /** What to check when the bucket refuses. */
  readonly credentialHint: string;
  ready(signal: AbortSignal): Promise<void>;
  /** Objects whose key begins with the prefix, in the order of their keys. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<Listed>;
  /** Fails where `etag` is given and the object has another one by now. */
  get(key: string, from: { readonly offset: number; readonly etag?: string }, signal: AbortSignal): Promise<Opened>;
  put(sent: Sent, signal: AbortSignal): Promise<void>;
}
