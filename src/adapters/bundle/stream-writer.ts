// Sends members into a stream that nobody can go back in, such as a pipe: one after the other, each as fast as the reader takes it.
import { MigrationError, asMigrationError } from "../../errors.ts";
import { blobMember } from "./layout.ts";
import { serially } from "./queue.ts";
import { discard, storedForm } from "./spool.ts";
import { TRAILER, tarMember } from "./tar-format.ts";
import type { Chunks } from "./tar-format.ts";
import { memberOf } from "./writer.ts";
import type { MemberWriter, StoredBlob } from "./writer.ts";

/** Where a stream of bytes goes. */
export interface ByteSink {
  /** Resolves when more can be taken. Calls come one at a time. Throws MigrationError; nothing more is sent then. */
  write(bytes: Uint8Array): Promise<void>;
}

/** A tar with the same members as in a file. One that could not be sent whole is cut, and nothing follows it. */
export function streamWriter(sink: ByteSink): MemberWriter {
  const blobs = new Map<string, StoredBlob>();
  const oneByOne = serially();
  let broken: Error | undefined;
  const send = async (chunks: Chunks): Promise<void> => {
    if (broken !== undefined) throw broken;
    try {
      for await (const chunk of chunks) await sink.write(chunk);
    } catch (error) {
      // Half a member is out: whatever came after it would be taken for its rest.
      broken = asMigrationError(error);
      throw broken;
    }
  };
  return {
    blobs,
    headerText: undefined,
    add: (name, sizeBytes, data) => oneByOne(() => send(tarMember({ name, sizeBytes }, data))),
    addBlob: (blob) =>
      oneByOne(async () => {
        const { sizeBytes, storedBytes, isCompressed } = blob;
        if (!blobs.has(blob.sha256)) await send(tarMember({ name: memberOf(blob.sha256, blob), sizeBytes: storedBytes }, storedForm(blob)));
        blobs.set(blob.sha256, { sizeBytes, storedBytes, isCompressed });
        await discard(blob);
      }),
    readBlob: (digest) => {
      throw new MigrationError("NOT_SUPPORTED", `${blobMember(digest)} has left through a pipe and cannot be read again`);
    },
    sync: () => Promise.resolve(),
    seal: () => oneByOne(() => send([TRAILER])),
    close: () => Promise.resolve(),
  };
}
