// Writes a bundle: objects and their contents as they come, sorted and sealed at the end.
import { MigrationError, asMigrationError, redact } from "../../errors.ts";
import type { Entity, EntityKey, MetricPoint, OriginId, PlacedKey, Run } from "../../model/entities.ts";
import { placed } from "../../model/keys.ts";
import type { FileEntry } from "../../ports/journal.ts";
import type { ArtifactFile, Source } from "../../ports/source.ts";
import type { Found, PutContext, SendFile, Target } from "../../ports/target.ts";
import { bundleCapabilities } from "./capabilities.ts";
import { toRecord } from "./convert.ts";
import { firstIssue } from "./envelope.ts";
import type { Header } from "./envelope.ts";
import type { GrowingBundle, GrowingOptions } from "./growing.ts";
import { FORMAT, FORMAT_VERSION } from "./layout.ts";
import { metricsBlob } from "./metrics.ts";
import { openPending, streamPending } from "./pending.ts";
import type { PendingBundle, PresentObjects } from "./pending.ts";
import { guarded, readEntity, readingSide } from "./reading.ts";
import { FILE_PATH, recordSchemas } from "./records.ts";
import type { BundleRecord, FileRecord, MetricsRecord, UnreadableRecord } from "./records.ts";
import { openBundleSource } from "./source.ts";
import type { Compression } from "./spool.ts";
import type { ByteSink } from "./stream-writer.ts";

export interface BundleContentOptions {
  /** Name and version of the writer, for the header. */
  readonly tool: string;
  /** The registry whose objects will be written: its identity becomes the bundle's. */
  readonly source: { readonly uri: string; readonly origin: OriginId };
  /** What was asked for, as JSON; an unfinished bundle is continued only for the same. */
  readonly selection: unknown;
  /** When the job began. */
  readonly created: Date;
  /** Default: `auto`, which compresses contents that become smaller by it. What is there already stays as it is. */
  readonly compression?: Compression;
}

export interface BundleTargetOptions extends BundleContentOptions {
  /** Replace a bundle that is there; it stays until the new one is complete. Default: false. */
  readonly force?: boolean;
  /**
   * Go on with a finished bundle of the same registry and selection that is there, such as one whose job ended with failures; it
   * stays until the new one takes its place. Without effect where nothing is there, or with `force`. Default: false.
   */
  readonly reopen?: boolean;
}

/**
 * Begins a bundle, or continues `<path>.partial` of the same registry and selection. A path that ends in `.tar` becomes a
 * tar, any other a folder. Nothing is made before the first write, and nothing has the final name before {@link Target.finish};
 * closing without it keeps what was written. Throws OUTPUT_EXISTS when the path is taken, or the unfinished bundle is another one's
 * or in use; a write throws it when that came about since.
 */
export function createBundleTarget(path: string, options: BundleTargetOptions): Promise<Target> {
  return guarded(async () => {
    const output = path.replace(/(?<=.)\/+$/, "");
    const whenThere = options.force === true ? "replace" : options.reopen === true ? "reopen" : "refuse";
    const pending = await openPending(output, growingOptions(options), whenThere);
    return bundleTarget(output, { pending, origin: options.source.origin, reopen: () => openBundleSource(output) });
  });
}

export interface BundleStreamOptions extends BundleContentOptions {
  /** What messages call it. */
  readonly uri: string;
  readonly sink: ByteSink;
  /** A folder that is not there, for what comes last in a bundle: made with the first write, gone when the target is closed. */
  readonly folder: string;
}

/**
 * Begins a bundle that leaves through a sink as a tar, as it is made. What was sent cannot be read again or continued: without
 * {@link Target.finish} the tar is cut, which every reader tells.
 */
export function createBundleStream(options: BundleStreamOptions): Target {
  const pending = streamPending(options.folder, growingOptions(options), options.sink);
  return bundleTarget(options.uri, { pending, origin: options.source.origin });
}

function growingOptions(options: BundleContentOptions): GrowingOptions {
  return { header: headerOf(options), compression: options.compression ?? "auto" };
}

function headerOf(options: BundleContentOptions): Header {
  const selection = options.selection === undefined ? undefined : (JSON.parse(JSON.stringify(options.selection)) as unknown);
  return {
    format: FORMAT,
    version: FORMAT_VERSION,
    tool: options.tool,
    created: options.created.toISOString(),
    origin: options.source.origin,
    source: { uri: redact(options.source.uri) },
    ...(selection === undefined ? {} : { selection }),
  };
}

interface Writing {
  readonly pending: PendingBundle;
  readonly origin: OriginId;
  /** Opens the finished bundle, where it can be read. */
  readonly reopen?: () => Promise<Source>;
}

function bundleTarget(uri: string, { pending, origin, reopen }: Writing): Target {
  let finished: Promise<Source> | undefined;
  const live = (): Omit<Source, "close"> => readingSide(pending.present(), { uri, origin, missing: { losses: [], notCarried: [] } });
  const reading = async (): Promise<Omit<Source, "close">> => (await finished) ?? live();
  return {
    uri,
    origin,
    capabilities: bundleCapabilities(),
    select: (selection, signal) => guarded(async () => (await reading()).select(selection, signal)),
    ask: async function* (question, signal) {
      yield* (await reading()).ask(question, signal);
    },
    histories: (runs, signal) => ({
      points: async function* (run) {
        yield* (await reading()).histories(runs, signal).points(run);
      },
    }),
    artifacts: (owner, signal) => ({
      list: async function* () {
        yield* (await reading()).artifacts(owner, signal).list();
      },
      open: async function* (file, range) {
        yield* (await reading()).artifacts(owner, signal).open(file, range);
      },
    }),
    find: (entity) => guarded(async () => find(pending, entity.key)),
    put: (entity, context) => guarded(async () => put(await pending.begin(), entity, context)),
    link: (run, key, context) => guarded(async () => link(await pending.begin(), run, { key, mark: context.mark })),
    remove: (_entity, key) => guarded(async () => remove(await pending.begin(), key)),
    finish: (summary) =>
      guarded(async () => {
        await pending.finish(summary);
        finished = reopen?.();
        await finished;
      }),
    close: () => guarded(async () => (finished === undefined ? pending.close() : (await finished).close())),
  };
}

function find(pending: PendingBundle, key: EntityKey): Found | undefined {
  const entry = pending.present().index.get(key);
  const arrived = pending.present().arrivals.of(key);
  if (entry === undefined && arrived.size === 0) return undefined;
  return {
    key: placed(entry?.key ?? key),
    ours: true,
    ...(entry?.mark === undefined ? {} : { mark: entry.mark }),
    deleted: entry?.deleted === true,
    files: () => guarded(async () => filesThere(pending.present(), key)),
    read: () => guarded(async () => readEntity(pending.present(), await recordAt(pending.present(), key))),
  };
}

/** Those of its line, and those that arrived since, which count for more. */
async function filesThere(present: PresentObjects, key: EntityKey): Promise<FileEntry[]> {
  const entry = present.index.get(key);
  const record = entry === undefined ? undefined : await present.record(entry);
  const written = record !== undefined && "files" in record ? record.files : [];
  const files = new Map([...written, ...present.arrivals.of(key).values()].map((file) => [file.path, file]));
  return [...files.values()].map(({ path, size, sha256 }) => ({ path, sizeBytes: size, digest: `sha256:${sha256}` }));
}

async function recordAt(present: PresentObjects, key: EntityKey): Promise<BundleRecord> {
  const entry = present.index.get(key);
  if (entry === undefined) throw new MigrationError("INTERNAL", `${key} has no line in the bundle yet`, { key });
  return present.record(entry);
}

async function put(growing: GrowingBundle, entity: Entity, context: PutContext): Promise<PlacedKey> {
  context.signal.throwIfAborted();
  if (entity.kind === "model-version" && context.existing === undefined && growing.index.has(entity.key)) {
    throw new MigrationError("VERSION_NUMBER_TAKEN", `${entity.key} is in the bundle already`, { key: entity.key, side: "target" });
  }
  const carries = carriesFiles(entity);
  const contents = carries ? await takeFiles(growing, entity.key, context) : {};
  const metrics = entity.kind === "run" ? await takePoints(growing, stoppable(context.points(), context.signal)) : undefined;
  // After the files: the mark tells whether they arrived.
  const mark = carries ? { mark: context.mark } : {};
  await writeLine(growing, atRest(growing, entity), { ...mark, ...contents, ...(metrics === undefined ? {} : { metrics }) });
  await growing.arrivals.clear(entity.key);
  return placed(entity.key);
}

/** Deleting is a step of its own, at the end: until then the object is active, and what is deleted already stays so. */
function atRest(growing: GrowingBundle, entity: Entity): Entity {
  if (entity.kind !== "run" && entity.kind !== "experiment") return entity;
  return { ...entity, deleted: entity.deleted && growing.index.get(entity.key)?.deleted === true };
}

interface Contents {
  readonly mark?: string;
  readonly files?: FileRecord[];
  readonly unreadable?: UnreadableRecord[];
  readonly metrics?: MetricsRecord;
}

/** The schema's output has its keys in the schema's order: equal objects have equal lines. */
async function writeLine(growing: GrowingBundle, entity: Entity, contents: Contents): Promise<void> {
  const record = await toRecord(entity, async (text) => {
    const { sha256, size } = await growing.addBlob(asChunk(text));
    return { blob: sha256, size };
  });
  const holdsFiles = entity.kind === "run" || entity.kind === "logged-model" || entity.kind === "model-version";
  const checked = recordSchemas[entity.kind].safeParse({ entity: record, ...(holdsFiles ? { files: [] } : {}), ...contents });
  if (!checked.success)
    throw new MigrationError("INTERNAL", `${entity.key} does not fit the bundle format: ${firstIssue(checked.error)}`, { key: entity.key });
  await growing.write(checked.data);
}

async function* asChunk(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}

function carriesFiles(entity: Entity): boolean {
  return entity.kind === "run" || entity.kind === "logged-model" || (entity.kind === "model-version" && entity.files.owner === "own");
}

/** Files that were there or arrived before stay, since a continued job need not send them again. */
async function takeFiles(growing: GrowingBundle, key: EntityKey, context: PutContext): Promise<Pick<Contents, "files" | "unreadable">> {
  const entry = growing.index.get(key);
  const before = entry === undefined ? undefined : await growing.record(entry);
  const files = new Map(before !== undefined && "files" in before ? before.files.map((file) => [file.path, file]) : []);
  for (const file of growing.arrivals.of(key).values()) files.set(file.path, file);
  const unreadable = new Map<string, UnreadableRecord>();
  const send: SendFile = async (file, open) => {
    try {
      const taken = await takeFile(growing, file, stoppable(open(), context.signal));
      await growing.arrivals.add(key, taken);
      await growing.sync();
      files.set(file.path, taken);
      unreadable.delete(file.path);
    } catch (error) {
      const { code, message } = asMigrationError(error);
      if (FILE_PATH.test(file.path)) unreadable.set(file.path, { path: file.path, code, message });
      throw error;
    }
  };
  await context.files(send);
  const lost = [...unreadable.values()].filter(({ path }) => !files.has(path)).sort(byPath);
  return { files: [...files.values()].sort(byPath), ...(lost.length === 0 ? {} : { unreadable: lost }) };
}

async function* stoppable<T>(stream: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  for await (const part of stream) {
    signal.throwIfAborted();
    yield part;
  }
}

async function takeFile(growing: GrowingBundle, file: ArtifactFile, chunks: AsyncIterable<Uint8Array>): Promise<FileRecord> {
  if (!FILE_PATH.test(file.path))
    throw new MigrationError("NAME_ILLEGAL", `a bundle cannot hold a file named ${JSON.stringify(file.path)}`);
  const { sha256, size } = await growing.addBlob(chunks);
  if (file.sizeBytes !== undefined && file.sizeBytes !== size) {
    throw new MigrationError("ARTIFACT_CORRUPT", `${file.path} has ${size} bytes instead of the ${file.sizeBytes} that were listed`);
  }
  if (file.digest !== undefined && file.digest !== `sha256:${sha256}`) {
    throw new MigrationError("ARTIFACT_CORRUPT", `${file.path} has other bytes than its digest says`);
  }
  return { path: file.path, size, sha256 };
}

const byPath = (a: { readonly path: string }, b: { readonly path: string }): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

async function takePoints(growing: GrowingBundle, batches: AsyncIterable<readonly MetricPoint[]>): Promise<MetricsRecord | undefined> {
  const counted = metricsBlob(batches);
  const { sha256, size } = await growing.addBlob(counted.chunks);
  return counted.points() === 0 ? undefined : { blob: sha256, size, points: counted.points() };
}

async function link(growing: GrowingBundle, run: Run, { key, mark }: { key: PlacedKey; mark: string }): Promise<void> {
  const { metrics, files, unreadable } = (await recordAt(growing, key)) as Contents;
  const kept = {
    ...(metrics === undefined ? {} : { metrics }),
    ...(files === undefined ? {} : { files }),
    ...(unreadable === undefined ? {} : { unreadable }),
  };
  await writeLine(growing, atRest(growing, { ...run, key }), { mark, ...kept });
}

async function remove(growing: GrowingBundle, key: PlacedKey): Promise<void> {
  const record = await recordAt(growing, key);
  if (!("deleted" in record.entity)) throw new MigrationError("NOT_SUPPORTED", `${key} has no deleted state`, { key });
  if (record.entity.deleted) return;
  await growing.write({ ...record, entity: { ...record.entity, deleted: true } } as BundleRecord);
}
