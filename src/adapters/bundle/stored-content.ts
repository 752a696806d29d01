// From the bytes of a member to those of its content: the same, or decompressed.
import { createHash } from "node:crypto";
import { isCompressed } from "./layout.ts";
import { FrameError, decompressed } from "./zstd.ts";
import type { FrameSizes } from "./zstd.ts";

/** The content of a member that is no more than one frame. Throws {@link FrameError}; that of a raw member is checked by the caller. */
export function contentOf(member: string, bytes: AsyncIterable<Uint8Array>, sizes: FrameSizes): AsyncIterable<Uint8Array> {
  return isCompressed(member) ? decompressed(bytes, sizes) : bytes;
}

export interface Summed {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Digest and size of a member's content; undefined where it is compressed and damaged. */
export async function sumOf(member: string, bytes: AsyncIterable<Uint8Array>, stored: number): Promise<Summed | undefined> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    for await (const chunk of contentOf(member, bytes, { stored, size: undefined })) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}
