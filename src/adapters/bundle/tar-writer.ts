// Appends members to a tar that can be cut off at any byte and continued.
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { MigrationError } from "../../errors.ts";
import { HEADER, LIMITS, blobDigest, blobMember } from "./layout.ts";
import { serially, whenGrown } from "./queue.ts";
import { discard } from "./spool.ts";
import type { Spooled } from "./spool.ts";
import { collect, digestOf } from "./store.ts";
import { BLOCK, TRAILER, encodeTarHeader, paddedSize } from "./tar-format.ts";
import { readRange, walkTar } from "./tar-store.ts";
import type { PlacedMember } from "./tar-store.ts";
import type { MemberWriter } from "./writer.ts";

/**
 * Opens the tar or begins it. Of an unfinished one it keeps the header and the blobs up to the first that is torn or has
 * other bytes than its name says; the rest is cut off.
 */
export async function openTarWriter(path: string): Promise<MemberWriter> {
  // Not "a+": appending handles ignore the position, and a torn write must be overwritten.
  const file = await open(path, "r+").catch(() => open(path, "wx+", 0o600));
  try {
    const { size } = await file.stat();
    const kept = await soundMembers(file, (await walkTar(file, size)).members);
    const last = kept.at(-1);
    const end = last === undefined ? 0 : last.position + paddedSize(last.sizeBytes);
    await file.truncate(end);
    const [header] = kept;
    const headerText = header === undefined ? undefined : (await collect(dataOf(file, header))).toString("utf8");
    return tarWriter(file, { kept, end, headerText });
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface Recovered {
  readonly kept: readonly PlacedMember[];
  readonly end: number;
  readonly headerText: string | undefined;
}

function tarWriter(file: FileHandle, { kept, end: start, headerText }: Recovered): MemberWriter {
  const placed = new Map(kept.flatMap((member) => placeOfBlob(member)));
  const blobs = new Map([...placed].map(([digest, member]) => [digest, member.sizeBytes]));
  const oneByOne = serially();
  const tail = tailOf(file, start);
  const appendBlob = async (blob: Spooled): Promise<void> => {
    const member = { name: blobMember(blob.sha256), sizeBytes: blob.sizeBytes, position: tail.end() + BLOCK };
    await tail.append(member.name, member.sizeBytes, contentOf(blob));
    placed.set(blob.sha256, member);
    blobs.set(blob.sha256, blob.sizeBytes);
  };
  return {
    blobs,
    headerText,
    add: (name, sizeBytes, chunks) => oneByOne(() => tail.append(name, sizeBytes, chunks)),
    addBlob: (blob) =>
      oneByOne(async () => {
        if (!blobs.has(blob.sha256)) await appendBlob(blob);
        await discard(blob);
      }),
    readBlob: (digest) => {
      const member = placed.get(digest);
      if (member === undefined) throw new MigrationError("ARTIFACT_CORRUPT", `${blobMember(digest)} is missing in the growing bundle`);
      return dataOf(file, member);
    },
    sync: whenGrown(tail.end, () => file.datasync()),
    seal: () => oneByOne(() => tail.seal()),
    close: () => file.close(),
  };
}

/** The end of the tar, which only whole members move. */
function tailOf(file: FileHandle, start: number) {
  let end = start;
  return {
    end: () => end,
    append: async (name: string, sizeBytes: number, chunks: Chunks): Promise<string> => {
      const written = await writeMember(file, { name, sizeBytes, position: end }, chunks);
      // Only now: what a failed write left behind is overwritten by the next.
      end = written.end;
      return written.sha256;
    },
    seal: async (): Promise<void> => {
      await writeAll(file, TRAILER, end);
      await file.truncate(end + TRAILER.length);
      await file.sync();
    },
  };
}

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

async function soundMembers(file: FileHandle, members: readonly PlacedMember[]): Promise<PlacedMember[]> {
  const sound: PlacedMember[] = [];
  for (const member of members) {
    if (sound.length === 0) {
      if (member.name !== HEADER || member.sizeBytes > LIMITS.headerBytes) break;
    } else if (blobDigest(member.name) !== (await digestOf(dataOf(file, member)))) break;
    sound.push(member);
  }
  return sound;
}

function placeOfBlob(member: PlacedMember): [string, PlacedMember][] {
  const digest = blobDigest(member.name);
  return digest === undefined ? [] : [[digest, member]];
}

function dataOf(file: FileHandle, member: PlacedMember): AsyncIterable<Uint8Array> {
  return readRange(file, member, () => new MigrationError("DISK", `${member.name} of the growing bundle became shorter`));
}

async function* contentOf(blob: Spooled): AsyncGenerator<Uint8Array, void, undefined> {
  if ("bytes" in blob.content) {
    yield blob.content.bytes;
    return;
  }
  const spooled = await open(blob.content.path, "r");
  try {
    const short = () => new MigrationError("DISK", "a temporary file became shorter while it was being copied");
    yield* readRange(spooled, { position: 0, sizeBytes: blob.sizeBytes }, short);
  } finally {
    await spooled.close();
  }
}

async function writeMember(file: FileHandle, member: PlacedMember, chunks: Chunks): Promise<{ end: number; sha256: string }> {
  const hash = createHash("sha256");
  const start = member.position;
  const dataStart = start + BLOCK;
  await writeAll(file, encodeTarHeader(member), start);
  const end = await writeChunks(file, chunks, { position: dataStart, hash });
  const written = end - dataStart;
  // A tar member must be as long as its header says: a shorter one would swallow the next header.
  if (written !== member.sizeBytes)
    throw new MigrationError("INTERNAL", `${member.name} has ${written} bytes instead of ${member.sizeBytes}`);
  const padding = paddedSize(written) - written;
  if (padding > 0) await writeAll(file, Buffer.alloc(padding), end);
  return { end: end + padding, sha256: hash.digest("hex") };
}

async function writeChunks(file: FileHandle, chunks: Chunks, { position, hash }: { position: number; hash: Hash }): Promise<number> {
  let end = position;
  for await (const chunk of chunks) {
    hash.update(chunk);
    await writeAll(file, chunk, end);
    end += chunk.length;
  }
  return end;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
