// A finished bundle as a source: checks at opening all that can be checked without reading blobs, and keeps an index of the lines.
import { createHash } from "node:crypto";
import type { Entity, EntityKey, OriginId } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";
import type { Source } from "../../ports/source.ts";
import { entityLines } from "./entity-lines.ts";
import type { EntityLines } from "./entity-lines.ts";
import { damaged, parseHeader, parseManifest } from "./envelope.ts";
import type { Header, Manifest, ManifestMember } from "./envelope.ts";
import { HEADER, LIMITS, MANIFEST, contentName, entitiesMember, kindsIn } from "./layout.ts";
import { LineError, linesOf } from "./lines.ts";
import { guarded, readEntity, readingSide } from "./reading.ts";
import type { RecordStore } from "./reading.ts";
import { indexEntry, parseRecord } from "./record-index.ts";
import type { IndexEntry } from "./record-index.ts";
import { openStore, readBlob, readText } from "./store.ts";
import type { MemberStore, OpenTar } from "./member-store.ts";

export interface BundleSourceOptions {
  readonly signal?: AbortSignal;
}

/** What a bundle tells about itself, besides its objects. */
export interface BundleSource extends Source {
  readonly header: Header;
  readonly manifest: Pick<Manifest, "counts" | "notCarried" | "losses">;
  /** The object under a key, told from the index; undefined where the bundle has none. */
  find(key: EntityKey): BundleObject | undefined;
}

export interface BundleObject {
  readonly deleted: boolean;
  /** Reads its line, each time anew. Throws BUNDLE_DAMAGED, DISK. */
  read(): Promise<Entity>;
}

/**
 * Opens a bundle (a tar or a folder, whichever is there, or a tar that is open already and is closed with the source). Reads and checks header, manifest, structure and all lines; blobs
 * are checked when they are read. Throws NOT_FOUND, BUNDLE_DAMAGED, BUNDLE_TOO_NEW, DISK.
 */
export function openBundleSource(bundle: string | OpenTar, options: BundleSourceOptions = {}): Promise<BundleSource> {
  return guarded(async () => {
    const store = await openStore(bundle);
    try {
      return await sourceOf(store, options.signal);
    } catch (error) {
      await store.close();
      throw error;
    }
  });
}

async function sourceOf(store: MemberStore, signal: AbortSignal | undefined): Promise<BundleSource> {
  const { header, manifest, index, lines } = await readFinished(store, signal);
  const records = recordStore(store, { index, lines });
  return {
    ...readingSide(records, {
      uri: store.where,
      origin: header.origin as OriginId,
      missing: manifest,
    }),
    header,
    manifest: { counts: manifest.counts, notCarried: manifest.notCarried, losses: manifest.losses },
    find(key) {
      const entry = index.get(key);
      return entry && { deleted: entry.deleted, read: () => guarded(async () => readEntity(records, await records.record(entry))) };
    },
    close: () => guarded(() => store.close()),
  };
}

/** What is known of a finished bundle once all that can be checked without reading blobs is checked. */
export interface Finished {
  readonly header: Header;
  readonly headerText: string;
  readonly manifest: Manifest;
  readonly index: ReadonlyMap<EntityKey, IndexEntry>;
  readonly lines: EntityLines;
}

/** Reads and checks header, manifest and lines of an opened bundle. Throws BUNDLE_DAMAGED, BUNDLE_TOO_NEW. */
export async function readFinished(store: MemberStore, signal?: AbortSignal): Promise<Finished> {
  const headerText = await readText(store, HEADER, LIMITS.headerBytes);
  const header = parseHeader(headerText, store.where);
  const manifest = parseManifest(await readText(store, MANIFEST, LIMITS.manifestBytes), store.where, header.version);
  const named = compareMembers(store, manifest);
  if (sha256(headerText) !== named.get(HEADER)?.sha256) throw damaged(store.where, HEADER, "has another digest than the manifest says");
  const index = new Map<EntityKey, IndexEntry>();
  const lines = entityLines(store, manifest);
  for (const kind of kindsIn(header.version))
    await indexLines(lines, kind, { where: store.where, index, count: manifest.counts[kind], signal });
  return { header, headerText, manifest, index, lines };
}

const sha256 = (bytes: string): string => createHash("sha256").update(bytes).digest("hex");

/** Members and manifest must name the same things with the same sizes, each in one form. Gives the members by what they hold. */
function compareMembers(store: MemberStore, manifest: Manifest): ReadonlyMap<string, ManifestMember> {
  const named = new Map<string, ManifestMember>();
  for (const member of manifest.members) {
    const { name, stored } = member;
    const found = store.members.get(name);
    if (found === undefined) throw damaged(store.where, name, "is missing");
    if (found !== stored) throw damaged(store.where, name, `has ${found} bytes instead of ${stored}`);
    if (named.has(contentName(name))) throw damaged(store.where, MANIFEST, `names ${contentName(name)} twice`);
    named.set(contentName(name), member);
  }
  for (const name of store.members.keys()) {
    if (name !== MANIFEST && named.get(contentName(name))?.name !== name) throw damaged(store.where, name, "is not in the manifest");
  }
  return named;
}

interface LineIndexing {
  readonly where: string;
  readonly index: Map<EntityKey, IndexEntry>;
  /** How many there are to be. */
  readonly count: number;
  readonly signal: AbortSignal | undefined;
}

async function indexLines(lines: EntityLines, kind: Kind, { where, index, count: expected, signal }: LineIndexing): Promise<void> {
  const member = lines.member(kind);
  if (member === undefined) throw damaged(where, entitiesMember(kind), "is missing");
  const hash = createHash("sha256");
  const intern = (key: string): EntityKey => index.get(key as EntityKey)?.key ?? (key as EntityKey);
  let count = 0;
  try {
    for await (const { bytes, position } of linesOf(hashed(lines.content(kind), hash), LIMITS.lineBytes)) {
      signal?.throwIfAborted();
      const record = parseRecord(kind, bytes);
      count++;
      if (typeof record === "string") throw damaged(where, member.name, `line ${count}: ${record}`);
      const entry = indexEntry(record, { position, sizeBytes: bytes.length }, intern);
      if (index.has(entry.key)) throw damaged(where, member.name, `line ${count}: ${entry.key} is there twice`);
      index.set(entry.key, entry);
    }
  } catch (error) {
    throw error instanceof LineError ? damaged(where, member.name, error.message) : error;
  }
  if (hash.digest("hex") !== member.sha256) throw damaged(where, member.name, "has another digest than the manifest says");
  if (count !== expected) throw damaged(where, member.name, `has ${count} lines instead of ${expected}`);
}

/** The same bytes, passed through a hash. */
export async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Lines and blobs of an opened bundle. */
export function recordStore(store: MemberStore, { index, lines }: Pick<Finished, "index" | "lines">): RecordStore {
  return {
    index,
    record: async (entry) => {
      const record = parseRecord(entry.kind, await lines.line(entry.kind, entry));
      if (typeof record === "string" || record.entity.key !== entry.key)
        throw damaged(store.where, entitiesMember(entry.kind), "was changed while it was being read");
      return record;
    },
    blob: (digest, sizeBytes, offset) => readBlob(store, digest, sizeBytes, offset),
  };
}
