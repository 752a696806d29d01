// Opens a bundle, and reads members whole or checks them on the way.
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { MigrationError } from "../../errors.ts";
import { STDIN, damaged, notABundle } from "./envelope.ts";
import { openFolderStore } from "./folder-store.ts";
import { blobMember, compressedMember } from "./layout.ts";
import type { MemberStore, OnProblem, OpenTar } from "./member-store.ts";
import { contentOf } from "./stored-content.ts";
import { openTarStore } from "./tar-store.ts";
import { FrameError } from "./zstd.ts";

/** Opens a tar or a folder by what is there. Reads no blob. Throws NOT_FOUND, BUNDLE_DAMAGED. */
export async function openStore(bundle: string | OpenTar, onProblem?: OnProblem): Promise<MemberStore> {
  const path = typeof bundle === "string" ? bundle : bundle.where;
  const report: OnProblem =
    onProblem ??
    ((member, problem) => {
      throw damaged(path, member, problem);
    });
  if (typeof bundle !== "string") return openTarStore(bundle, report);
  const found = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw noSuchBundle(path, error);
    throw error;
  });
  if (found.isDirectory()) return openFolderStore(path, report);
  if (found.isFile()) return openTarStore({ where: path, file: await open(path, "r") }, report);
  throw notABundle(path);
}

/** A whole member as text. Throws BUNDLE_DAMAGED when it is missing or longer than `maxBytes`. */
export async function readText(store: MemberStore, name: string, maxBytes: number): Promise<string> {
  return (await readWhole(store, name, maxBytes)).toString("utf8");
}

/** A whole member. Throws BUNDLE_DAMAGED when it is missing or longer than `maxBytes`. */
export async function readWhole(store: MemberStore, name: string, maxBytes: number): Promise<Buffer> {
  const size = store.members.get(name);
  if (size === undefined) throw damaged(store.where, name, "is missing");
  if (size > maxBytes) throw damaged(store.where, name, `has ${size} bytes, more than the ${maxBytes} that are allowed`);
  return collect(store.read(name));
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/**
 * The bytes of a blob, checked on the way: size first, digest at the end. Throws ARTIFACT_CORRUPT naming the member, after
 * the last byte at the latest. `offset` leaves bytes out of what is yielded, not of what is checked.
 */
export async function* readBlob(
  store: MemberStore,
  sha256: string,
  sizeBytes: number,
  offset = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  const raw = blobMember(sha256);
  const name = [raw, compressedMember(raw)].find((form) => store.members.has(form)) ?? raw;
  const stored = store.members.get(name);
  if (stored === undefined) throw corrupt(store.where, name, "is missing");
  if (name === raw && stored !== sizeBytes) throw corrupt(store.where, name, `has ${stored} bytes instead of ${sizeBytes}`);
  const hash = createHash("sha256");
  let position = 0;
  try {
    for await (const chunk of contentOf(name, store.read(name), { stored, size: sizeBytes })) {
      hash.update(chunk);
      const skipped = Math.max(0, offset - position);
      position += chunk.length;
      if (skipped < chunk.length) yield skipped === 0 ? chunk : chunk.subarray(skipped);
    }
  } catch (error) {
    throw error instanceof FrameError ? corrupt(store.where, name, error.message) : error;
  }
  if (hash.digest("hex") !== sha256) throw corrupt(store.where, name, "has other bytes than its name says");
}

function corrupt(where: string, member: string, problem: string): MigrationError {
  return new MigrationError("ARTIFACT_CORRUPT", `${member} of ${where} ${problem}`, {
    hint: `list everything that is wrong with: mlferry verify ${where === STDIN ? "-" : where}`,
  });
}

function noSuchBundle(path: string, cause: unknown): MigrationError {
  return new MigrationError("NOT_FOUND", `there is no bundle at ${path}`, { cause, hint: "check the path" });
}
