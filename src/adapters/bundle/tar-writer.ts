// Appends members to a tar that can be cut off at any byte and continued.
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { MigrationError } from "../../errors.ts";
import { HEADER, LIMITS, blobDigest, blobMember } from "./layout.ts";
import { serially, whenGrown } from "./queue.ts";
import { discard, storedForm } from "./spool.ts";
import type { Spooled } from "./spool.ts";
import { collect } from "./store.ts";
import { contentOf, sumOf } from "./stored-content.ts";
import { BLOCK, TRAILER, paddedSize, tarMember } from "./tar-format.ts";
import type { Chunks } from "./tar-format.ts";
import { readRange, walkTar } from "./tar-store.ts";
import type { PlacedMember } from "./tar-store.ts";
import { memberOf } from "./writer.ts";
import type { MemberWriter, StoredBlob } from "./writer.ts";

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
    await file.truncate(kept.end);
    const headerText = kept.header === undefined ? undefined : (await collect(dataOf(file, kept.header))).toString("utf8");
    return tarWriter(file, kept, headerText);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A blob, and where in the tar it lies. */
interface PlacedBlob extends StoredBlob {
  readonly member: PlacedMember;
}

interface Kept {
  readonly header: PlacedMember | undefined;
  readonly blobs: Map<string, PlacedBlob>;
  readonly end: number;
}

function tarWriter(file: FileHandle, { blobs, end: start }: Kept, headerText: string | undefined): MemberWriter {
  const oneByOne = serially();
  const tail = tailOf(file, start);
  const appendBlob = async (blob: Spooled): Promise<void> => {
    const { sizeBytes, storedBytes, isCompressed } = blob;
    const member = { name: memberOf(blob.sha256, blob), sizeBytes: storedBytes, position: tail.end() + BLOCK };
    await tail.append(member.name, storedBytes, storedForm(blob));
    blobs.set(blob.sha256, { sizeBytes, storedBytes, isCompressed, member });
  };
  return {
    blobs,
    headerText,
    add: (name, sizeBytes, data) => oneByOne(() => tail.append(name, sizeBytes, data)),
    addBlob: (blob) =>
      oneByOne(async () => {
        if (!blobs.has(blob.sha256)) await appendBlob(blob);
        await discard(blob);
      }),
    readBlob: (digest) => {
      const blob = blobs.get(digest);
      if (blob === undefined) throw new MigrationError("ARTIFACT_CORRUPT", `${blobMember(digest)} is missing in the growing bundle`);
      return contentOf(blob.member.name, dataOf(file, blob.member), { stored: blob.storedBytes, size: blob.sizeBytes });
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
    append: async (name: string, sizeBytes: number, data: Chunks): Promise<void> => {
      let position = end;
      for await (const bytes of tarMember({ name, sizeBytes }, data)) {
        await writeAll(file, bytes, position);
        position += bytes.length;
      }
      // Only now: what a failed write left behind is overwritten by the next.
      end = position;
    },
    seal: async (): Promise<void> => {
      await writeAll(file, TRAILER, end);
      await file.truncate(end + TRAILER.length);
      await file.sync();
    },
  };
}

async function soundMembers(file: FileHandle, members: readonly PlacedMember[]): Promise<Kept> {
  const blobs = new Map<string, PlacedBlob>();
  const [header, ...others] = members;
  if (header?.name !== HEADER || header.sizeBytes > LIMITS.headerBytes) return { header: undefined, blobs, end: 0 };
  let end = endOf(header);
  for (const member of others) {
    const digest = blobDigest(member.name);
    const sum = digest === undefined ? undefined : await sumOf(member.name, dataOf(file, member), member.sizeBytes);
    if (sum === undefined || sum.sha256 !== digest) break;
    blobs.set(digest, { ...sum, storedBytes: member.sizeBytes, isCompressed: member.name !== blobMember(digest), member });
    end = endOf(member);
  }
  return { header, blobs, end };
}

const endOf = ({ position, sizeBytes }: PlacedMember): number => position + paddedSize(sizeBytes);

function dataOf(file: FileHandle, member: PlacedMember): AsyncIterable<Uint8Array> {
  return readRange(file, member, () => new MigrationError("DISK", `${member.name} of the growing bundle became shorter`));
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
