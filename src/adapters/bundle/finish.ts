// The end of writing: sorts the lines in, adds the manifest, and gives the bundle its name.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, rename, rm } from "node:fs/promises";
import type { Kind } from "../../model/entities.ts";
import { KINDS } from "../../model/entities.ts";
import type { FinishSummary } from "../../ports/target.ts";
import { manifestText } from "./envelope.ts";
import type { Manifest, ManifestMember } from "./envelope.ts";
import type { GrowingBundle } from "./growing.ts";
import { FORMAT, FORMAT_VERSION, HEADER, MANIFEST, compressedMember, entitiesMember } from "./layout.ts";
import { inOrder } from "./order.ts";
import type { IndexEntry } from "./record-index.ts";
import { hashed } from "./source.ts";
import { writeNew } from "./spool.ts";
import { memberOf, syncParent } from "./writer.ts";
import type { MemberWriter } from "./writer.ts";
import { frameOf } from "./zstd.ts";

/** Completes the bundle and renames it to `path`, replacing what is there. The growing bundle is closed by it. */
export async function finishBundle(path: string, growing: GrowingBundle, summary: FinishSummary): Promise<void> {
  const { layout } = growing;
  await complete(growing, summary);
  await moveIntoPlace(layout.bundle, path, `${layout.root}/replaced`);
  await growing.close();
  await rm(layout.root, { recursive: true, force: true });
  await syncParent(path);
}

/** Adds what comes last: the lines in their order, the manifest, and the end. */
export async function complete(growing: GrowingBundle, summary: FinishSummary): Promise<void> {
  const { writer } = growing;
  const ordered = inOrder(growing.index.values());
  const members = [headerMember(growing.headerText), ...blobMembers(writer)];
  for (const kind of KINDS) {
    members.push(
      await addLines(
        growing,
        kind,
        ordered.filter((entry) => entry.kind === kind),
      ),
    );
  }
  const text = Buffer.from(manifestText(manifestOf(ordered, summary, members)));
  await writer.add(MANIFEST, text.length, [text]);
  await writer.seal();
}

function headerMember(text: string): ManifestMember {
  const size = Buffer.byteLength(text);
  return { name: HEADER, stored: size, size, sha256: createHash("sha256").update(text).digest("hex") };
}

function blobMembers(writer: MemberWriter): ManifestMember[] {
  const members = [...writer.blobs].map(([sha256, blob]) => ({
    name: memberOf(sha256, blob),
    stored: blob.storedBytes,
    size: blob.sizeBytes,
    sha256,
  }));
  return members.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function addLines(growing: GrowingBundle, kind: Kind, entries: readonly IndexEntry[]): Promise<ManifestMember> {
  const { writer, layout } = growing;
  const name = entitiesMember(kind);
  const size = entries.reduce((sum, entry) => sum + entry.sizeBytes + 1, 0);
  const hash = createHash("sha256");
  const content = hashed(lines(growing, entries), hash);
  if (growing.compression === "none" || size <= SMALL) {
    await writer.add(name, size, content);
    return { name, stored: size, size, sha256: hash.digest("hex") };
  }
  const frames: [stored: number, size: number][] = [];
  // A tar tells the size of a member before its bytes.
  const path = `${layout.spool}/lines`;
  const stored = await writeNew(path, framed(content, frames));
  const sha256 = hash.digest("hex");
  const file = createReadStream(path, { highWaterMark: CHUNK });
  await writer.add(compressedMember(name), stored, file).finally(() => rm(path, { force: true }));
  return { name: compressedMember(name), stored, size, sha256, frames };
}

/** Lines up to this size are stored as they are: looked at with any tool, and a tar gives them whole blocks anyway. */
const SMALL = 1024;
/** Bytes that are written at once. */
const CHUNK = 1024 * 1024;
/** Bytes of lines in a frame, at least: who wants one line decompresses its frame. */
const FRAME = 256 * 1024;

async function* framed(
  content: AsyncIterable<Uint8Array>,
  frames: [stored: number, size: number][],
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of content) {
    const frame = frameOf(chunk);
    frames.push([frame.length, chunk.length]);
    yield frame;
  }
}

/** In pieces that end with a line. */
async function* lines(growing: GrowingBundle, entries: readonly IndexEntry[]): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = [];
  let size = 0;
  for (const entry of entries) {
    const line = await growing.line(entry);
    held.push(line, Buffer.from("\n"));
    size += line.length + 1;
    if (size < FRAME) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}

function manifestOf(ordered: readonly IndexEntry[], summary: FinishSummary, members: readonly ManifestMember[]): Omit<Manifest, "sha256"> {
  const count = (kind: Kind): number => ordered.filter((entry) => entry.kind === kind).length;
  return {
    format: FORMAT,
    version: FORMAT_VERSION,
    counts: Object.fromEntries(KINDS.map((kind) => [kind, count(kind)])) as Manifest["counts"],
    notCarried: summary.notCarried.map((entry) => ({ ...entry })),
    losses: summary.losses.map(({ key, field, reason, agreed }) => ({ key, field, reason, ...(agreed === undefined ? {} : { agreed }) })),
    members: [...members],
  };
}

async function moveIntoPlace(from: string, to: string, replaced: string): Promise<void> {
  const there = await lstat(to).catch(() => undefined);
  // A folder cannot be renamed over a full one: the old bundle steps aside and goes with the unfinished one's folder.
  if (there?.isDirectory() === true) {
    await rm(replaced, { recursive: true, force: true });
    await rename(to, replaced);
  }
  await rename(from, to);
  await syncParent(to);
}
