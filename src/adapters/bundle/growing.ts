// A bundle that is being written: blobs and header in their final form, lines and arrivals beside them until the end sorts them in.
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import type { EntityKey, Kind } from "../../model/entities.ts";
import { KINDS } from "../../model/entities.ts";
import { MigrationError } from "../../errors.ts";
import { openArrivals } from "./arrivals.ts";
import type { Arrivals } from "./arrivals.ts";
import { parseHeader, refuseOther } from "./envelope.ts";
import type { Header } from "./envelope.ts";
import { openFolderWriter } from "./folder-writer.ts";
import { HEADER, isTarPath, partialLayout, partsIn } from "./layout.ts";
import type { PartialLayout } from "./layout.ts";
import { openLineLog } from "./line-log.ts";
import type { LineLog } from "./line-log.ts";
import { lock } from "./lock.ts";
import { checkUnfinished } from "./output.ts";
import { coalesced } from "./queue.ts";
import type { RecordStore } from "./reading.ts";
import { indexEntry, parseRecord } from "./record-index.ts";
import type { IndexEntry } from "./record-index.ts";
import type { BundleRecord } from "./records.ts";
import type { Reopened } from "./reopen.ts";
import { spool } from "./spool.ts";
import type { Compression } from "./spool.ts";
import { streamWriter } from "./stream-writer.ts";
import type { ByteSink } from "./stream-writer.ts";
import { openTarWriter } from "./tar-writer.ts";
import type { MemberWriter } from "./writer.ts";

export interface GrowingBundle extends RecordStore {
  readonly layout: PartialLayout;
  readonly writer: MemberWriter;
  readonly compression: Compression;
  /** Text of the header member. */
  readonly headerText: string;
  readonly arrivals: Arrivals;
  /** Stores a content under its digest. Equal contents are stored once. */
  addBlob(chunks: AsyncIterable<Uint8Array>): Promise<{ readonly sha256: string; readonly size: number }>;
  /** Writes the line of an object, in place of an earlier one; on the disk when it resolves. */
  write(record: BundleRecord): Promise<void>;
  /** Resolves when blobs, lines and arrivals that are there are on the disk. */
  sync(): Promise<void>;
  /** Lines of one kind as they are, for the end. */
  line(entry: IndexEntry): Promise<Buffer>;
  /** Closes the files and gives the lock back. What is written stays, to be continued. */
  close(): Promise<void>;
}

export interface GrowingOptions {
  readonly header: Header;
  /** Of what is added. */
  readonly compression: Compression;
}

/**
 * Begins `<path>.partial`, or continues it; a new one begins with what `old` holds. Throws OUTPUT_EXISTS when it is another one's
 * or in use.
 */
export async function openGrowing(path: string, options: GrowingOptions, old?: Pick<Reopened, "layOut">): Promise<GrowingBundle> {
  const { header, compression } = options;
  const layout = partialLayout(path);
  await checkUnfinished(layout, path);
  await mkdir(layout.root, { recursive: true, mode: 0o700 });
  const unlock = await lock(layout.lock, path);
  let writer: MemberWriter | undefined;
  try {
    await rm(layout.spool, { recursive: true, force: true });
    for (const folder of [layout.spool, `${layout.root}/entities`]) await mkdir(folder, { recursive: true, mode: 0o700 });
    if (old !== undefined && !existsSync(layout.bundle)) await old.layOut(layout);
    writer = isTarPath(path) ? await openTarWriter(layout.bundle) : await openFolderWriter(layout.bundle, layout.spool);
    const headerText = await begin(writer, layout, header);
    return await growing({ layout, writer, headerText, compression, isDurable: true, release: unlock });
  } catch (error) {
    await writer?.close();
    await unlock();
    throw error;
  }
}

/**
 * Begins a bundle that leaves through the sink as it grows. What belongs at its end waits in `folder`, a new one, which is removed
 * when the bundle is closed.
 */
export async function openStreaming(folder: string, { header, compression }: GrowingOptions, sink: ByteSink): Promise<GrowingBundle> {
  const layout = partsIn(folder);
  const release = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const writer = streamWriter(sink);
    await mkdir(layout.spool, { recursive: true, mode: 0o700 });
    const headerText = await begin(writer, layout, header);
    return await growing({ layout, writer, headerText, compression, isDurable: false, release });
  } catch (error) {
    await release();
    throw error;
  }
}

async function begin(writer: MemberWriter, layout: PartialLayout, header: Header): Promise<string> {
  if (writer.headerText === undefined) {
    // Lines without a header belong to a bundle that was already finished, or that never began.
    for (const name of ["entities", "arrivals.jsonl"]) await rm(`${layout.root}/${name}`, { recursive: true, force: true });
    await mkdir(`${layout.root}/entities`, { recursive: true, mode: 0o700 });
    const text = `${JSON.stringify(header, undefined, 1)}\n`;
    await writer.add(HEADER, Buffer.byteLength(text), [Buffer.from(text)]);
    return text;
  }
  refuseOther(parseHeader(writer.headerText, layout.root), header, {
    where: layout.root,
    what: "an unfinished bundle",
    hint: `finish that one with the command that began it, or delete ${layout.root}`,
  });
  return writer.headerText;
}

interface Opened {
  readonly layout: PartialLayout;
  readonly writer: MemberWriter;
  readonly headerText: string;
  readonly compression: Compression;
  /** Whether it can be continued, so that what is written has to be on the disk. */
  readonly isDurable: boolean;
  readonly release: () => Promise<void>;
}

async function growing(opened: Opened): Promise<GrowingBundle> {
  const { layout, writer, headerText, compression, isDurable, release } = opened;
  const index = new Map<EntityKey, IndexEntry>();
  const intern = (key: string): EntityKey => index.get(key as EntityKey)?.key ?? (key as EntityKey);
  const logs = new Map<Kind, LineLog>();
  for (const kind of KINDS) logs.set(kind, await openLines(kind, { layout, writer, index, intern }));
  const arrivals = await openArrivals(layout.arrivals, (file) => writer.blobs.get(file.sha256)?.sizeBytes === file.size);
  const logOf = (kind: Kind): LineLog => logs.get(kind) ?? fail(kind);
  const parts = [writer, arrivals, ...logs.values()];
  // In no order: on continuing, a line whose blobs are not there counts as not written.
  const sync = isDurable ? coalesced(() => all(parts, (part) => part.sync())) : () => Promise.resolve();
  const line = (entry: IndexEntry): Promise<Buffer> => logOf(entry.kind).read(entry);
  return {
    layout,
    writer,
    compression,
    headerText,
    arrivals,
    index,
    line,
    sync,
    record: async (entry) => parsed(entry.kind, await line(entry), layout),
    blob: (sha256, _size, offset = 0) => skip(writer.readBlob(sha256), offset),
    addBlob: async (chunks) => {
      const spooled = await spool(chunks, { folder: layout.spool, compression });
      await writer.addBlob(spooled);
      return { sha256: spooled.sha256, size: spooled.sizeBytes };
    },
    write: async (record) => {
      const place = await logOf(record.entity.kind).append(JSON.stringify(record));
      await sync();
      index.set(record.entity.key as EntityKey, indexEntry(record, place, intern));
    },
    close: async () => {
      await all(parts, (part) => part.close());
      await release();
    },
  };
}

function parsed(kind: Kind, line: Uint8Array, layout: PartialLayout): BundleRecord {
  const record = parseRecord(kind, line);
  if (typeof record === "string") throw new MigrationError("DISK", `${layout.lines(kind)} was changed while it was in use`);
  return record;
}

async function all<T>(parts: readonly T[], work: (part: T) => Promise<void>): Promise<void> {
  await Promise.all(parts.map(work));
}

interface LinesToOpen {
  readonly layout: PartialLayout;
  readonly writer: MemberWriter;
  readonly index: Map<EntityKey, IndexEntry>;
  readonly intern: (key: string) => EntityKey;
}

function openLines(kind: Kind, { layout, writer, index, intern }: LinesToOpen): Promise<LineLog> {
  return openLineLog(layout.lines(kind), (bytes, place) => {
    const record = parseRecord(kind, bytes);
    if (typeof record === "string") return false;
    const whole = blobsOf(record).every(({ sha256, size }) => writer.blobs.get(sha256)?.sizeBytes === size);
    if (whole) index.set(record.entity.key as EntityKey, indexEntry(record, place, intern));
    return true;
  });
}

/** Every blob that a line names. */
export function blobsOf(record: BundleRecord): { readonly sha256: string; readonly size: number }[] {
  const blobs: { sha256: string; size: number }[] = "files" in record ? [...record.files] : [];
  if (record.entity.kind !== "run") return blobs;
  if ("metrics" in record && record.metrics !== undefined) blobs.push({ sha256: record.metrics.blob, size: record.metrics.size });
  for (const dataset of record.entity.datasets) {
    for (const text of [dataset.source, dataset.schema, dataset.profile]) {
      if (typeof text === "object") blobs.push({ sha256: text.blob, size: text.size });
    }
  }
  return blobs;
}

async function* skip(chunks: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = offset;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function fail(kind: Kind): never {
  throw new MigrationError("INTERNAL", `no lines are kept for ${kind}`);
}
