// Takes in a stream whose length and digest are not known yet, so that it can be stored under its digest, compressed where that pays.
import { createHash, randomUUID } from "node:crypto";
import type { Hash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "../../errors.ts";
import type { Chunks } from "./tar-format.ts";
import { readRange } from "./tar-store.ts";
import { compressed, compressedIfWorth } from "./zstd.ts";

/** What of its contents a bundle compresses: `auto`, those for which it pays. */
export type Compression = "auto" | "none";

export interface Spooled {
  /** Of the content, not of its compressed form. */
  readonly sha256: string;
  /** Of the content. */
  readonly sizeBytes: number;
  readonly storedBytes: number;
  readonly isCompressed: boolean;
  /** As it is to be stored. What is short stays in memory; the rest is in a file, which whoever takes it over moves or deletes. */
  readonly content: { readonly bytes: Uint8Array } | { readonly path: string };
}

export interface SpoolOptions {
  /** Where a temporary file may go. */
  readonly folder: string;
  readonly compression: Compression;
}

/** Contents up to this size get no temporary file: most artifacts are small, and creating a file costs more than they do. */
const IN_MEMORY = 256 * 1024;

/** Reads the stream to its end. Leaves nothing behind when it fails. */
export async function spool(chunks: AsyncIterable<Uint8Array>, { folder, compression }: SpoolOptions): Promise<Spooled> {
  const hash = createHash("sha256");
  const counted = counting(chunks, hash);
  const stream = counted.chunks[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let isWhole = false;
  while (counted.bytes() <= IN_MEMORY && !isWhole) {
    const next = await stream.next();
    if (next.done === true) isWhole = true;
    // A copy, since a producer may use its buffer again.
    else held.push(Buffer.from(next.value));
  }
  const start = Buffer.concat(held.splice(0));
  // Of a long content the beginning tells whether compressing pays: models are compressed already, or throughout not.
  const frame = compression === "auto" ? compressedIfWorth(start.subarray(0, IN_MEMORY)) : undefined;
  if (isWhole) {
    const bytes = frame ?? start;
    return { ...summed(counted.bytes(), hash), storedBytes: bytes.length, isCompressed: frame !== undefined, content: { bytes } };
  }
  const all = following(start, stream);
  const path = join(folder, randomUUID());
  const storedBytes = await writeNew(path, frame === undefined ? all : compressed(all));
  return { ...summed(counted.bytes(), hash), storedBytes, isCompressed: frame !== undefined, content: { path } };
}

const summed = (sizeBytes: number, hash: Hash): Pick<Spooled, "sha256" | "sizeBytes"> => ({ sha256: hash.digest("hex"), sizeBytes });

function counting(chunks: AsyncIterable<Uint8Array>, hash: Hash): { chunks: AsyncGenerator<Uint8Array>; bytes: () => number } {
  let bytes = 0;
  const passed = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  return { chunks: passed(), bytes: () => bytes };
}

async function* following(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield start;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** The content in its stored form. */
export async function* storedForm(spooled: Spooled): AsyncGenerator<Uint8Array, void, undefined> {
  if ("bytes" in spooled.content) {
    yield spooled.content.bytes;
    return;
  }
  const file = await open(spooled.content.path, "r");
  try {
    const short = () => new MigrationError("DISK", "a temporary file became shorter while it was being copied");
    yield* readRange(file, { position: 0, sizeBytes: spooled.storedBytes }, short);
  } finally {
    await file.close();
  }
}

/** Removes the temporary file of a content that is not needed after all. */
export async function discard(spooled: Spooled): Promise<void> {
  if ("path" in spooled.content) await rm(spooled.content.path, { force: true });
}

/** Writes a new file, readable by its owner; gives its size. Leaves none behind when it fails. */
export async function writeNew(path: string, chunks: Chunks): Promise<number> {
  const file = await open(path, "wx", 0o600);
  let sizeBytes = 0;
  try {
    for await (const chunk of chunks) {
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
      sizeBytes += chunk.length;
    }
    await file.close();
    return sizeBytes;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}
