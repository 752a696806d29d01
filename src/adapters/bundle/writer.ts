// The members of a growing bundle: what a tar and a folder have in common for whoever writes.
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Spooled } from "./spool.ts";

export interface MemberWriter {
  /** Sizes of the blobs that are there, by digest. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Text of the header that was found, or undefined in a new bundle. */
  readonly headerText: string | undefined;
  /** Stores a blob unless it is there. Takes the content over. May be called in parallel. */
  addBlob(blob: Spooled): Promise<void>;
  readBlob(sha256: string): AsyncIterable<Uint8Array>;
  /** Stores another member; gives its digest. Throws INTERNAL when the content is not as long as announced. */
  add(name: string, sizeBytes: number, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string>;
  /** Resolves when everything added before the call is on the disk. */
  sync(): Promise<void>;
  /** Writes the end and syncs; nothing can be added after it. */
  seal(): Promise<void>;
  close(): Promise<void>;
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
