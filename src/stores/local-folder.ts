// A folder of this machine as a bucket: what a server with a local artifact root wrote, on the same machine or mounted here.
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import type { Dirent } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MigrationError } from "../errors.ts";
import type { Bucket, Listed, Opened, Sent } from "./store.ts";

/** `path` is absolute. Files are written under another name first, so that none is ever seen half. */
export function createLocalBucket(path: string): Bucket {
  return {
    uri: path,
    credentialHint: "check the rights of the folder",
    async ready() {
      const there = await stat(path).catch(() => undefined);
      if (there?.isDirectory() !== true) throw notThere(path);
    },
    list: (prefix) => listFolder(path, prefix),
    get: (key, { offset }) => openFile(join(path, key), offset),
    put: (sent, signal) => writeFile(join(path, sent.key), sent, signal),
  };
}

function notThere(path: string): MigrationError {
  return new MigrationError("NOT_FOUND", `there is no folder ${path}`, {
    hint: "check the rule given with --artifact-root, and the mount",
  });
}

async function* listFolder(root: string, prefix: string): AsyncGenerator<Listed> {
  if (prefix !== "" && !prefix.endsWith("/")) {
    const itself = await stat(join(root, prefix)).catch(() => undefined);
    if (itself?.isFile() === true) yield { key: prefix, sizeBytes: itself.size };
    return;
  }
  // A run without files may have no folder.
  if ((await stat(join(root, prefix)).catch(() => undefined)) !== undefined) yield* walk(root, prefix);
}

async function* walk(root: string, prefix: string): AsyncGenerator<Listed> {
  let entries: Dirent[];
  try {
    entries = await readdir(join(root, prefix), { withFileTypes: true });
  } catch (thrown) {
    yield { key: prefix.replace(/\/$/, ""), sizeBytes: 0, unreadable: `cannot list ${prefix}: ${reasonOf(thrown)}` };
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const key = `${prefix}${entry.name}`;
    if (TEMPORARY.test(entry.name)) continue;
    if (entry.isDirectory()) yield* walk(root, `${key}/`);
    else yield await describe(root, key, entry);
  }
}

/** Links to files are followed; links to folders could lead in a circle or out of the store. */
async function describe(root: string, key: string, entry: Dirent): Promise<Listed> {
  try {
    const { size, isFile } = await stat(join(root, key)).then((found) => ({ size: found.size, isFile: found.isFile() }));
    if (isFile) return { key, sizeBytes: size };
    const what = entry.isSymbolicLink() ? "a link to a folder, which is not followed" : "no ordinary file";
    return { key, sizeBytes: 0, unreadable: `cannot read ${key}: it is ${what}` };
  } catch (thrown) {
    return { key, sizeBytes: 0, unreadable: `cannot read ${key}: ${reasonOf(thrown)}` };
  }
}

async function openFile(path: string, offset: number): Promise<Opened> {
  const found = await stat(path).catch((thrown: unknown) => {
    throw unreadable(path, thrown);
  });
  const etag = `${found.ino}-${found.mtimeMs}-${found.size}`;
  return { bytes: readFrom(path, offset), sizeBytes: found.size, etag };
}

async function* readFrom(path: string, offset: number): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { start: offset })) yield chunk as Uint8Array;
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

function unreadable(path: string, thrown: unknown): MigrationError {
  return new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${path}: ${reasonOf(thrown)}`, {
    cause: thrown,
    hint: "check that the file is there and may be read",
  });
}

const TEMPORARY = /^\.mlferry-[0-9a-f]{16}$/;

async function writeFile(path: string, sent: Sent, signal: AbortSignal): Promise<void> {
  const folder = dirname(path);
  const aside = join(folder, `.mlferry-${randomBytes(8).toString("hex")}`);
  try {
    await mkdir(folder, { recursive: true });
    await pipeline(Readable.from(sent.bytes, { objectMode: false }), createWriteStream(aside, { flags: "wx", flush: true }), { signal });
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
