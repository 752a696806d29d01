// Adds members to a bundle that grows as a folder: each under a temporary name first, so that a member that has its name is whole.
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "../../errors.ts";
import { BLOBS, HEADER, blobDigest, blobMember } from "./layout.ts";
import { serially, whenGrown } from "./queue.ts";
import { storedForm, writeNew } from "./spool.ts";
import type { Spooled } from "./spool.ts";
import { contentOf, sumOf } from "./stored-content.ts";
import type { Chunks } from "./tar-format.ts";
import { memberOf, syncFolder } from "./writer.ts";
import type { MemberWriter, StoredBlob } from "./writer.ts";

/** Opens the folder or begins it. Blobs whose bytes are not what their name says, and what an end left behind, are removed. */
export async function openFolderWriter(root: string, spoolFolder: string): Promise<MemberWriter> {
  await mkdir(join(root, BLOBS), { recursive: true, mode: 0o700 });
  // What an end that was cut off had sorted in is sorted in again, perhaps in another form.
  await rm(join(root, "entities"), { recursive: true, force: true });
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
        await place(temporary, memberOf(blob.sha256, blob));
        const { sizeBytes, storedBytes, isCompressed } = blob;
        blobs.set(blob.sha256, { sizeBytes, storedBytes, isCompressed });
      }),
    readBlob: (digest) => readBlob(root, digest, blobs.get(digest)),
    add: (name, sizeBytes, data) => addMember({ name, sizeBytes, temporary: join(spoolFolder, "member") }, data, place),
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

async function soundBlobs(root: string): Promise<Map<string, StoredBlob>> {
  const blobs = new Map<string, StoredBlob>();
  for (const file of await readdir(join(root, BLOBS))) {
    const name = `${BLOBS}/${file}`;
    const path = join(root, name);
    const digest = blobDigest(name);
    const { size } = await stat(path);
    const sum = digest === undefined ? undefined : await sumOf(name, createReadStream(path), size);
    if (digest !== undefined && sum?.sha256 === digest && !blobs.has(digest)) {
      blobs.set(digest, { sizeBytes: sum.sizeBytes, storedBytes: size, isCompressed: name !== blobMember(digest) });
    } else await rm(path, { recursive: true });
  }
  return blobs;
}

function readBlob(root: string, digest: string, blob: StoredBlob | undefined): AsyncIterable<Uint8Array> {
  if (blob === undefined) throw new MigrationError("ARTIFACT_CORRUPT", `${blobMember(digest)} is missing in the growing bundle`);
  const name = memberOf(digest, blob);
  return contentOf(name, createReadStream(join(root, name)), { stored: blob.storedBytes, size: blob.sizeBytes });
}

async function temporaryFile(blob: Spooled, folder: string): Promise<string> {
  if ("path" in blob.content) return blob.content.path;
  const path = join(folder, "small");
  await rewrite(path, storedForm(blob));
  return path;
}

async function addMember(
  member: { readonly name: string; readonly sizeBytes: number; readonly temporary: string },
  data: Chunks,
  place: (temporary: string, name: string) => Promise<void>,
): Promise<void> {
  const written = await rewrite(member.temporary, data);
  if (written !== member.sizeBytes) {
    throw new MigrationError("INTERNAL", `${member.name} has ${written} bytes instead of ${member.sizeBytes}`);
  }
  await place(member.temporary, member.name);
}

/** Writes a file of which an earlier failure may have left something. */
async function rewrite(path: string, data: Chunks): Promise<number> {
  await rm(path, { force: true });
  return writeNew(path, data);
}
