// Writes a bundle: objects and their contents as they come, sorted and sealed at the end.
import { lstat, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError, asMigrationError, redact } from "../../errors.ts";
import type { Entity, EntityKey, MetricPoint, OriginId, PlacedKey, Run } from "../../model/entities.ts";
import { placed } from "../../model/keys.ts";
import type { ArtifactFile, Source } from "../../ports/source.ts";
import type { Found, PutContext, SendFile, Target } from "../../ports/target.ts";
import { toRecord } from "./convert.ts";
import { firstIssue } from "./envelope.ts";
import type { Header } from "./envelope.ts";
import { finishBundle } from "./finish.ts";
import { openGrowing } from "./growing.ts";
import type { GrowingBundle } from "./growing.ts";
import { FORMAT, FORMAT_VERSION, HEADER, isTarPath } from "./layout.ts";
import { metricsBlob } from "./metrics.ts";
import { guarded, readEntity, readingSide } from "./reading.ts";
import { FILE_PATH, recordSchemas } from "./records.ts";
import type { BundleRecord, FileRecord, MetricsRecord, UnreadableRecord } from "./records.ts";
import { openBundleSource } from "./source.ts";

export interface BundleTargetOptions {
  /** Name and version of the writer, for the header. */
  readonly tool: string;
  /** The registry whose objects will be written: its identity becomes the bundle's. */
  readonly source: { readonly uri: string; readonly origin: OriginId };
  /** What was asked for, as JSON; an unfinished bundle is continued only for the same. */
  readonly selection: unknown;
  /** When the job began. */
  readonly created: Date;
  /** Replace a bundle that is there; it stays until the new one is complete. Default: false. */
  readonly force?: boolean;
}

/**
 * Begins a bundle, or continues `<path>.partial` of the same registry and selection. A path that ends in `.tar` becomes a
 * tar, any other a folder. Nothing has the final name before {@link Target.finish}; closing without it keeps what was
 * written. Throws OUTPUT_EXISTS when the path is taken, or the unfinished bundle is another one's or in use.
 */
export function createBundleTarget(path: string, options: BundleTargetOptions): Promise<Target> {
  return guarded(async () => {
    const output = path.replace(/(?<=.)\/+$/, "");
    await checkOutput(output, options.force ?? false);
    const growing = await openGrowing(output, headerOf(options));
    return bundleTarget(output, growing, options);
  });
}

function headerOf(options: BundleTargetOptions): Header {
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

/** Only what is certainly a bundle is ever replaced: a mistyped path must not cost someone a folder. */
async function checkOutput(path: string, force: boolean): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return;
  if (stat.isDirectory() && !isTarPath(path) && (await readdir(path)).length === 0) return;
  if (!force) {
    throw new MigrationError("OUTPUT_EXISTS", `${path} is there already`, { hint: "give another name, or replace it with --force" });
  }
  const header = stat.isDirectory() ? await readFile(join(path, HEADER), "utf8").catch(() => "") : "";
  if (isTarPath(path) ? stat.isFile() : header.includes(FORMAT)) return;
  throw new MigrationError("OUTPUT_EXISTS", `${path} is there already, and it is no bundle`, {
    hint: "give another name: only a bundle is replaced",
  });
}

function bundleTarget(path: string, growing: GrowingBundle, options: BundleTargetOptions): Target {
  const origin = options.source.origin;
  const live = readingSide(growing, { uri: path, origin, missing: { losses: [], notCarried: [] } });
  let finished: Promise<Source> | undefined;
  const reading = (): Promise<Omit<Source, "close">> => finished ?? Promise.resolve(live);
  return {
    uri: path,
    origin,
    capabilities: live.capabilities,
    select: (selection, signal) => guarded(async () => (await reading()).select(selection, signal)),
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
    find: (entity) => guarded(() => find(growing, entity.key)),
    put: (entity, context) => guarded(() => put(growing, entity, context)),
    link: (run, key, context) => guarded(() => link(growing, run, { key, mark: context.mark })),
    remove: (_entity, key) => guarded(() => remove(growing, key)),
    finish: (summary) =>
      guarded(async () => {
        await finishBundle(path, growing, summary);
        finished = openBundleSource(path);
        await finished;
      }),
    close: () => guarded(async () => (finished === undefined ? growing.close() : (await finished).close())),
  };
}

function find(growing: GrowingBundle, key: EntityKey): Promise<Found | undefined> {
  const entry = growing.index.get(key);
  if (entry === undefined) return Promise.resolve(undefined);
  return Promise.resolve({
    key: placed(entry.key),
    ours: true,
    ...(entry.mark === undefined ? {} : { mark: entry.mark }),
    deleted: entry.deleted,
    read: () => guarded(async () => readEntity(growing, await recordAt(growing, key))),
  });
}

async function recordAt(growing: GrowingBundle, key: EntityKey): Promise<BundleRecord> {
  const entry = growing.index.get(key);
  if (entry === undefined) throw new MigrationError("NOT_FOUND", `${key} is not in the bundle`, { key });
  return growing.record(entry);
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
