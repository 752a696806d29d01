// Adds members to a bundle that grows as a folder: each under a temporary name first, so that a member that has its name is whole.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "../../errors.ts";
import { BLOBS, HEADER, blobDigest, blobMember } from "./layout.ts";
import { serially, whenGrown } from "./queue.ts";
import type { Spooled } from "./spool.ts";
import { digestOf } from "./store.ts";
import { syncFolder } from "./writer.ts";
import type { MemberWriter } from "./writer.ts";

/** Opens the folder or begins it. Blobs whose bytes are not what their name says, and what an end left behind, are removed. */
export async function openFolderWriter(root: string, spoolFolder: string): Promise<MemberWriter> {
  await mkdir(join(root, BLOBS), { recursive: true, mode: 0o700 });
  await mkdir(join(root, "entities"), { recursive: true, mode: 0o700 });
  const blobs = await soundBlobs(root);
  const headerText = await readFile(join(root, HEADER), "utf8").catch(() => undefined);
  const oneByOne = serially();
  const place = async (temporary: string, name: string): Promise<void> => {
    const file = await open(temporary, "r");
    await file.datasync().finally(() => file.close());
    await rename(temporary, join(root, name));
  };
  return {
    blobs,
    headerText,
    addBlob: (blob) =>
      // In turn, so that two equal contents that arrive together are stored once.
      oneByOne(async () => {
        const temporary = await temporaryFile(blob, spoolFolder);
        if (blobs.has(blob.sha256)) return rm(temporary, { force: true });
        await place(temporary, blobMember(blob.sha256));
        blobs.set(blob.sha256, blob.sizeBytes);
      }),
    readBlob: (digest) => createReadStream(join(root, blobMember(digest))),
    add: (name, sizeBytes, chunks) => addMember({ name, sizeBytes, temporary: join(spoolFolder, "member") }, chunks, place),
    sync: whenGrown(
      () => blobs.size,
      () => syncFolder(join(root, BLOBS)),
    ),
    seal: async () => {
      for (const folder of [BLOBS, "blobs", "entities", "."]) await syncFolder(join(root, folder));
    },
    close: () => Promise.resolve(),
  };
}

async function soundBlobs(root: string): Promise<Map<string, number>> {
  const blobs = new Map<string, number>();
  for (const name of await readdir(join(root, BLOBS))) {
    const path = join(root, BLOBS, name);
    const digest = blobDigest(`${BLOBS}/${name}`);
    if (digest !== undefined && digest === (await digestOf(createReadStream(path)))) blobs.set(digest, (await stat(path)).size);
    else await rm(path, { recursive: true });
  }
  return blobs;
}

async function temporaryFile(blob: Spooled, folder: string): Promise<string> {
  if ("path" in blob.content) return blob.content.path;
  const path = join(folder, "small");
  await write(path, [blob.content.bytes]);
  return path;
}

async function addMember(
  member: { readonly name: string; readonly sizeBytes: number; readonly temporary: string },
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  place: (temporary: string, name: string) => Promise<void>,
): Promise<string> {
  const written = await write(member.temporary, chunks);
  if (written.sizeBytes !== member.sizeBytes) {
    throw new MigrationError("INTERNAL", `${member.name} has ${written.sizeBytes} bytes instead of ${member.sizeBytes}`);
  }
  await place(member.temporary, member.name);
  return written.sha256;
}

async function write(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const file = await open(path, "w", 0o600);
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
      sizeBytes += chunk.length;
    }
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}
