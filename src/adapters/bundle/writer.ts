// The members of a growing bundle: what a tar, a folder and a stream have in common for whoever writes.
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { blobMember, compressedMember } from "./layout.ts";
import type { Spooled } from "./spool.ts";

/** How a blob is stored. */
export interface StoredBlob {
  /** Of the content. */
  readonly sizeBytes: number;
  readonly storedBytes: number;
  readonly isCompressed: boolean;
}

export interface MemberWriter {
  /** The blobs that are there, by digest. */
  readonly blobs: ReadonlyMap<string, StoredBlob>;
  /** Text of the header that was found, or undefined in a new bundle. */
  readonly headerText: string | undefined;
  /** Stores a blob unless it is there, in whatever form. Takes the content over. May be called in parallel. */
  addBlob(blob: Spooled): Promise<void>;
  /** The content, decompressed. */
  readBlob(sha256: string): AsyncIterable<Uint8Array>;
  /** Stores another member. Throws INTERNAL when the data is not as long as announced. */
  add(name: string, sizeBytes: number, data: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** Resolves when everything added before the call is on the disk. */
  sync(): Promise<void>;
  /** Writes the end and syncs; nothing can be added after it. */
  seal(): Promise<void>;
  close(): Promise<void>;
}

/** The member that holds a blob. */
export function memberOf(sha256: string, { isCompressed }: Pick<StoredBlob, "isCompressed">): string {
  return isCompressed ? compressedMember(blobMember(sha256)) : blobMember(sha256);
}

/** Makes a rename or a new file in the folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export const syncParent = (path: string): Promise<void> => syncFolder(dirname(path));
