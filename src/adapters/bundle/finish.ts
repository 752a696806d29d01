// The end of writing: sorts the lines in, adds the manifest, and gives the bundle its name.
import { createHash } from "node:crypto";
import { lstat, rename, rm } from "node:fs/promises";
import type { Kind } from "../../model/entities.ts";
import { KINDS } from "../../model/entities.ts";
import type { FinishSummary } from "../../ports/target.ts";
import { manifestText } from "./envelope.ts";
import type { Manifest } from "./envelope.ts";
import type { GrowingBundle } from "./growing.ts";
import { FORMAT, FORMAT_VERSION, HEADER, MANIFEST, blobMember, entitiesMember } from "./layout.ts";
import { inOrder } from "./order.ts";
import type { IndexEntry } from "./record-index.ts";
import { syncParent } from "./writer.ts";

/** Completes the bundle and renames it to `path`, replacing what is there. The growing bundle is closed by it. */
export async function finishBundle(path: string, growing: GrowingBundle, summary: FinishSummary): Promise<void> {
  const { writer, layout } = growing;
  const ordered = inOrder(growing.index.values());
  const members = [headerMember(growing.headerText)];
  for (const [sha256, size] of writer.blobs) members.push({ name: blobMember(sha256), size, sha256 });
  members.splice(1, Infinity, ...members.slice(1).sort((a, b) => (a.name < b.name ? -1 : 1)));
  for (const kind of KINDS) members.push(await addLines(growing, kind, ordered));
  const text = Buffer.from(manifestText(manifestOf(ordered, summary, members)));
  await writer.add(MANIFEST, text.length, [text]);
  await writer.seal();
  await moveIntoPlace(layout.bundle, path, `${layout.root}/replaced`);
  await growing.close();
  await rm(layout.root, { recursive: true, force: true });
  await syncParent(path);
}

type Member = Manifest["members"][number];

function headerMember(text: string): Member {
  return { name: HEADER, size: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
}

async function addLines(growing: GrowingBundle, kind: Kind, ordered: readonly IndexEntry[]): Promise<Member> {
  const entries = ordered.filter((entry) => entry.kind === kind);
  const size = entries.reduce((sum, entry) => sum + entry.sizeBytes + 1, 0);
  const name = entitiesMember(kind);
  return { name, size, sha256: await growing.writer.add(name, size, lines(growing, entries)) };
}

/** Bytes that are written at once. */
const CHUNK = 1024 * 1024;

async function* lines(growing: GrowingBundle, entries: readonly IndexEntry[]): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = [];
  let size = 0;
  for (const entry of entries) {
    const line = await growing.line(entry);
    held.push(line, Buffer.from("\n"));
    size += line.length + 1;
    if (size < CHUNK) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}

function manifestOf(ordered: readonly IndexEntry[], summary: FinishSummary, members: readonly Member[]): Omit<Manifest, "sha256"> {
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
