// Contents compressed as Zstandard frames (RFC 8878): made at the level that costs least, and read without trusting them.
import { Readable, pipeline } from "node:stream";
import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { LIMITS } from "./layout.ts";

/** Why a frame is not what it was said to be. */
export class FrameError extends Error {}

/** Contents up to this size are stored as they are: a tar gives each member whole blocks of it. */
const SMALLEST = 512;
/** What is to remain of a content, at most, for a reader to be troubled with decompressing it. */
const WORTH = 0.9;

/** Of a block of a frame, at most (RFC 8878, 3.1.1.2.4). */
const CHUNK = 128 * 1024;

const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const DECOMPRESSION = { params: { [constants.ZSTD_d_windowLogMax]: LIMITS.windowLog }, chunkSize: CHUNK };

/** A content as one frame. */
export const frameOf = (bytes: Uint8Array): Buffer => zstdCompressSync(bytes, COMPRESSION);

/** A content, or the beginning of one, as one frame; undefined where that does not pay. */
export function compressedIfWorth(bytes: Uint8Array): Buffer | undefined {
  if (bytes.length <= SMALLEST) return undefined;
  const frame = frameOf(bytes);
  return frame.length <= bytes.length * WORTH ? frame : undefined;
}

/** The frame of a content of any length. Its bytes depend on those of the content alone, not on how they are cut in chunks. */
export function compressed(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const frame = createZstdCompress(COMPRESSION);
  // How either end fails is told by the iteration.
  pipeline(Readable.from(evenly(chunks), { objectMode: false }), frame, () => undefined);
  return frame as AsyncIterable<Buffer>;
}

/** What the compressor gives depends on how it is fed. Copies too: it takes chunks ahead, and a producer may use its buffer again. */
async function* evenly(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let held = Buffer.allocUnsafe(CHUNK);
  let size = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(CHUNK - size, chunk.length - at);
      held.set(chunk.subarray(at, at + taken), size);
      size += taken;
      at += taken;
      if (size < CHUNK) continue;
      yield held;
      held = Buffer.allocUnsafe(CHUNK);
      size = 0;
    }
  }
  if (size > 0) yield held.subarray(0, size);
}

export interface FrameSizes {
  readonly stored: number;
  /** Of the content; undefined where nobody knows it yet. */
  readonly size: number | undefined;
}

/** The content of a frame. Gives no byte more than was said; throws {@link FrameError} unless it is one frame of just these sizes. */
export async function* decompressed(
  chunks: AsyncIterable<Uint8Array>,
  { stored, size }: FrameSizes,
): AsyncGenerator<Uint8Array, void, undefined> {
  const content = createZstdDecompress(DECOMPRESSION);
  pipeline(Readable.from(chunks, { objectMode: false }), content, () => undefined);
  let given = 0;
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      given += chunk.length;
      if (given > (size ?? Infinity)) throw longer(size);
      yield chunk;
    }
  } catch (error) {
    throw asFrameError(error);
  }
  refuseOther({ given, size, read: content.bytesWritten, stored });
}

/** The content of a frame that is held whole. Throws {@link FrameError} unless it is one frame of just this size. */
export function decompressedWhole(frame: Uint8Array, size: number): Buffer {
  try {
    // With `info`, how much of the frame was read; the types of Node do not know that it changes the result.
    const { buffer, engine } = zstdDecompressSync(frame, {
      ...DECOMPRESSION,
      maxOutputLength: Math.max(size, 1),
      info: true,
    }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    refuseOther({ given: buffer.length, size, read: engine.bytesWritten, stored: frame.length });
    return buffer;
  } catch (error) {
    throw isCode(error, /^ERR_BUFFER_TOO_LARGE$/) ? longer(size) : asFrameError(error);
  }
}

interface Compared {
  readonly given: number;
  readonly size: number | undefined;
  readonly read: number;
  readonly stored: number;
}

function refuseOther({ given, size, read, stored }: Compared): void {
  if (given !== (size ?? given)) throw new FrameError(`holds ${given} bytes instead of ${String(size)}`);
  if (read !== stored) throw new FrameError("goes on after the end of its compressed content");
}

const longer = (size: number | undefined): FrameError =>
  new FrameError(`holds more than the ${String(size)} bytes that it is said to hold`);

/** What zlib makes of bytes that are no frame; anything else, such as a disk that fails, stays what it is. */
function asFrameError(error: unknown): unknown {
  if (isCode(error, /^Z_BUF_ERROR$/)) return new FrameError("ends in the middle of its compressed content", { cause: error });
  return isCode(error, /^Z/) ? new FrameError("is not compressed as it is said to be", { cause: error }) : error;
}

const isCode = (error: unknown, code: RegExp): boolean => error instanceof Error && "code" in error && code.test(String(error.code));
