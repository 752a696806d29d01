// What a bundle holds, read without mlferry: as a set, since the order of writing is not part of it.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { list } from "tar";

export interface BundleContent {
  /** Of each line its object's key and the line's digest, sorted. */
  readonly entities: readonly string[];
  /** Digests, sorted. */
  readonly blobs: readonly string[];
}

/** Reads a tar, or a folder where the path does not end in `.tar`. */
export async function bundleContent(path: string): Promise<BundleContent> {
  const members = path.endsWith(".tar") ? await tarMembers(path) : await folderMembers(path);
  const lines = [...members].flatMap(([name, bytes]) => {
    if (!name.startsWith("entities/")) return [];
    return (name.endsWith(".zst") ? decompressed(bytes) : bytes).toString("utf8").match(/.+/g) ?? [];
  });
  return {
    entities: lines.map((line) => `${keyIn(line)} ${createHash("sha256").update(line).digest("hex")}`).sort(),
    blobs: [...members.keys()].flatMap((name) => /^blobs\/sha256\/([0-9a-f]+)/.exec(name)?.[1] ?? []).sort(),
  };
}

/** Of one frame after the other. */
function decompressed(bytes: Buffer): Buffer {
  const contents: Buffer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const { buffer, engine } = zstdDecompressSync(rest, { info: true }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    contents.push(buffer);
    rest = rest.subarray(engine.bytesWritten);
  }
  return Buffer.concat(contents);
}

function keyIn(line: string): string {
  const { entity } = JSON.parse(line) as { readonly entity: { readonly key: string } };
  return entity.key;
}

async function tarMembers(path: string): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  const reading: Promise<void>[] = [];
  await list({
    file: path,
    onReadEntry(entry) {
      reading.push(
        entry.concat().then((bytes) => {
          if (members.has(entry.path)) throw new Error(`${entry.path} stands twice in ${path}`);
          members.set(entry.path, bytes);
        }),
      );
    },
  });
  await Promise.all(reading);
  return members;
}

async function folderMembers(path: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (file) => [relative(path, file).split(sep).join("/"), await readFile(file)] as const)));
}
