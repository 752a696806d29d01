// Takes in a stream whose length and digest are not known yet, so that it can be stored under its digest.
import { createHash, randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

export interface Spooled {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Short contents stay in memory; long ones are in a file, which whoever takes it over moves or deletes. */
  readonly content: { readonly bytes: Uint8Array } | { readonly path: string };
}

/** Contents up to this size get no temporary file: most artifacts are small, and creating a file costs more than they do. */
const IN_MEMORY = 256 * 1024;

/** Reads the stream to its end. Leaves nothing behind when it fails. `folder` is where a temporary file may go. */
export async function spool(chunks: AsyncIterable<Uint8Array>, folder: string): Promise<Spooled> {
  const hash = createHash("sha256");
  const held: Uint8Array[] = [];
  let sizeBytes = 0;
  let file: { write: (bytes: Uint8Array) => Promise<void>; close: () => Promise<void> } | undefined;
  const path = join(folder, randomUUID());
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      // A copy, since a producer may use its buffer again.
      if (file === undefined) held.push(Uint8Array.from(chunk));
      else await file.write(chunk);
      if (file !== undefined || sizeBytes <= IN_MEMORY) continue;
      file = await sequentialFile(path);
      for (const part of held.splice(0)) await file.write(part);
    }
    await file?.close();
  } catch (error) {
    await file?.close();
    await rm(path, { force: true });
    throw error;
  }
  const content = file === undefined ? { bytes: Buffer.concat(held) } : { path };
  return { sha256: hash.digest("hex"), sizeBytes, content };
}

/** Removes the temporary file of a content that is not needed after all. */
export async function discard(spooled: Spooled): Promise<void> {
  if ("path" in spooled.content) await rm(spooled.content.path, { force: true });
}

async function sequentialFile(path: string) {
  const handle = await open(path, "wx", 0o600);
  return {
    write: async (bytes: Uint8Array) => {
      for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done)).bytesWritten;
    },
    close: () => handle.close(),
  };
}
