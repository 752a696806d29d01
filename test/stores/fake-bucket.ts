// A bucket in memory that fails as it is told to, with errors such as the clouds' SDKs throw.
import type { Bucket, Sent } from "../../src/stores/store.ts";

export interface FakeBucket extends Bucket {
  readonly objects: Map<string, Buffer>;
  /** Offsets of the reads so far. */
  readonly reads: number[];
}

export interface Faults {
  /** By number of the read, from 1: bytes after which it breaks, or an error at once. */
  readonly reads?: Readonly<Record<number, number | Error>>;
  readonly list?: Error;
  readonly ready?: Error;
  readonly put?: (sent: Sent, signal: AbortSignal) => Promise<void>;
}

/** An error with the fields that an SDK gives. */
export function sdkError(fields: Readonly<Record<string, unknown>>, message = "said the store"): Error {
  return Object.assign(new Error(message), fields);
}

export function createFakeBucket(files: Readonly<Record<string, string>> = {}, faults: Faults = {}): FakeBucket {
  const objects = new Map(Object.entries(files).map(([key, text]) => [key, Buffer.from(text)]));
  const reads: number[] = [];
  return {
    objects,
    reads,
    uri: "s3://bucket",
    credentialHint: "check the keys",
    ready: () => (faults.ready === undefined ? Promise.resolve() : Promise.reject(faults.ready)),
    async *list(prefix) {
      if (faults.list !== undefined) throw faults.list;
      for (const [key, bytes] of [...objects].sort()) if (key.startsWith(prefix)) yield { key, sizeBytes: bytes.length };
    },
    async get(key, { offset, etag }) {
      reads.push(offset);
      const fault = faults.reads?.[reads.length];
      if (fault instanceof Error) throw fault;
      const bytes = objects.get(key);
      if (bytes === undefined) throw sdkError({ name: "NoSuchKey", $metadata: { httpStatusCode: 404 } });
      const now = bytes.toString("base64");
      if (etag !== undefined && etag !== now) throw sdkError({ $metadata: { httpStatusCode: 412 } });
      if (offset > 0 && offset >= bytes.length) throw sdkError({ $metadata: { httpStatusCode: 416 } });
      return { bytes: chunks(bytes.subarray(offset), fault), sizeBytes: bytes.length, etag: now };
    },
    async put(sent, signal) {
      if (faults.put !== undefined) return faults.put(sent, signal);
      const taken: Uint8Array[] = [];
      for await (const chunk of sent.bytes) taken.push(chunk);
      objects.set(sent.key, Buffer.concat(taken));
    },
  };
}

async function* chunks(bytes: Buffer, breakAfter = Infinity): AsyncGenerator<Uint8Array> {
  for (const [index, byte] of bytes.entries()) {
    if (index >= breakAfter) throw sdkError({ code: "ECONNRESET" });
    yield Uint8Array.of(byte);
  }
}
