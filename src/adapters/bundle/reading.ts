// The reading side of a bundle, finished or growing: entities, histories and files from lines and blobs.
import { MigrationError, asMigrationError } from "../../errors.ts";
import { closeSelection, rootsOf } from "../../model/closure.ts";
import type { Digest, Entity, EntityKey, Experiment, Kind, MetricPoint, OriginId, RegisteredModel } from "../../model/entities.ts";
import { kindOf } from "../../model/keys.ts";
import { isNotebookFile } from "../../model/notebook.ts";
import { dependsOn, isAnswer } from "../../model/question.ts";
import type { Question } from "../../model/question.ts";
import { runFilter } from "../../model/run-filter.ts";
import type { Selection } from "../../model/selection.ts";
import type { ArtifactFile, ArtifactReader, Catalogue, Histories, Source } from "../../ports/source.ts";
import type { FinishSummary } from "../../ports/target.ts";
import { bundleCapabilities } from "./capabilities.ts";
import { fromPoint, toEntity } from "./convert.ts";
import { LIMITS } from "./layout.ts";
import { LineError, linesOf } from "./lines.ts";
import { inOrder } from "./order.ts";
import type { IndexEntry } from "./record-index.ts";
import { pointSchema } from "./records.ts";
import type { BundleRecord, FileRecord, MetricsRecord } from "./records.ts";
import { collect } from "./store.ts";

/** Where lines and blobs come from: a finished bundle, or one that is being written. */
export interface RecordStore {
  /** Replaced when a line is rewritten; do not keep. */
  readonly index: ReadonlyMap<EntityKey, IndexEntry>;
  record(entry: IndexEntry): Promise<BundleRecord>;
  /** Checks size and digest (ARTIFACT_CORRUPT). */
  blob(sha256: string, sizeBytes: number, offset?: number): AsyncIterable<Uint8Array>;
}

type Missing = Pick<FinishSummary, "losses" | "notCarried">;

export interface ReadingIdentity {
  readonly uri: string;
  readonly origin: OriginId;
  /** What the bundle lacks of what was asked for when it was written. */
  readonly missing: Missing;
}

/** A source over the lines of a bundle; whoever opened the store closes it. */
export function readingSide(store: RecordStore, identity: ReadingIdentity): Omit<Source, "close"> {
  return {
    uri: identity.uri,
    origin: identity.origin,
    capabilities: bundleCapabilities(),
    select: (selection, signal) => catalogue(store, selection, { signal, missing: identity.missing }),
    ask: (question, signal) => ask(store, question, signal),
    histories: (_runs, signal) => histories(store, signal),
    artifacts: (owner, signal) => artifactReader(store, owner.key, signal),
  };
}

/** The entity in a line, with its long texts. */
export function readEntity(store: RecordStore, record: BundleRecord): Promise<Entity> {
  return toEntity(record.entity, async (sha256, sizeBytes) => {
    if (sizeBytes > LIMITS.textBytes) throw new MigrationError("ARTIFACT_CORRUPT", `a text of ${record.entity.key} has ${sizeBytes} bytes`);
    return (await collect(store.blob(sha256, sizeBytes))).toString("utf8");
  });
}

async function catalogue(
  store: RecordStore,
  selection: Selection,
  { signal, missing }: { signal: AbortSignal; missing: Missing },
): Promise<Catalogue> {
  const isRunWanted = await runsMeeting(store, selection, signal);
  const { keys, pulledIn, leftOut } = closeSelection(store.index, selection, { isRunWanted });
  const entries = inOrder([...store.index.values()].filter((entry) => keys.has(entry.key)));
  const experiments: Experiment[] = [];
  const models: RegisteredModel[] = [];
  const expected: Partial<Record<Kind, number>> = {};
  for (const entry of entries) {
    signal.throwIfAborted();
    expected[entry.kind] = (expected[entry.kind] ?? 0) + 1;
    if (entry.kind !== "experiment" && entry.kind !== "registered-model") continue;
    const entity = await readEntity(store, await store.record(entry));
    if (entity.kind === "experiment") experiments.push(entity);
    else if (entity.kind === "registered-model") models.push(entity);
  }
  const order = entries.map((entry) => entry.key);
  // Of objects that are in the bundle and not selected, the losses are of no concern.
  const concerned = missing.losses.filter(({ key }) => !store.index.has(key as EntityKey) || keys.has(key as EntityKey));
  return {
    experiments,
    models,
    expected,
    pulledIn,
    leftOut,
    losses: concerned,
    notCarried: missing.notCarried,
    entities: (current) => entitiesOf(store, order, current),
    entity: async (key) => readEntity(store, await recordOf(store, key)),
  };
}

/** Reads the runs of the experiments that are meant, one after the other, and asks them. */
async function runsMeeting(store: RecordStore, selection: Selection, signal: AbortSignal): Promise<(key: EntityKey) => boolean> {
  if (selection.runs === undefined) return () => true;
  const isWanted = runFilter(selection.runs);
  const roots = rootsOf(store.index, selection);
  const met = new Set<EntityKey>();
  for (const entry of store.index.values()) {
    if (entry.kind !== "run" || entry.container === undefined || !roots.has(entry.container)) continue;
    signal.throwIfAborted();
    const run = await readEntity(store, await store.record(entry));
    if (run.kind === "run" && isWanted(run)) met.add(run.key);
  }
  return (key) => met.has(key);
}

async function* ask(store: RecordStore, question: Question, signal: AbortSignal): AsyncGenerator<Entity, void, undefined> {
  const candidates = [...store.index.values()].filter((entry) => mayAnswer(entry, question));
  for (const entry of candidates) {
    signal.throwIfAborted();
    const entity = await readEntity(store, await store.record(entry));
    if (isAnswer(entity, question)) yield entity;
  }
}

/** As far as the index tells, so that few lines are read. */
function mayAnswer(entry: IndexEntry, question: Question): boolean {
  switch (question.about) {
    case "key":
      return entry.key === question.key;
    case "names":
      return entry.kind === question.kind && (question.name === undefined || entry.name === question.name);
    case "dependants":
      return dependsOn({ kind: entry.kind, needs: entry.pulls }, question.key);
    case "origin":
      return entry.kind === kindOf(question.key);
  }
}

async function* entitiesOf(store: RecordStore, keys: readonly EntityKey[], signal: AbortSignal): AsyncGenerator<Entity, void, undefined> {
  for (const key of keys) {
    signal.throwIfAborted();
    yield await readEntity(store, await recordOf(store, key));
  }
}

async function recordOf(store: RecordStore, key: EntityKey): Promise<BundleRecord> {
  const entry = store.index.get(key);
  if (entry === undefined) throw new MigrationError("NOT_FOUND", `${key} is not in the bundle`, { key });
  return store.record(entry);
}

/** Points that are handed on together. */
const POINTS = 1000;

function histories(store: RecordStore, signal: AbortSignal): Histories {
  return {
    points: async function* (key: EntityKey): AsyncGenerator<readonly MetricPoint[], void, undefined> {
      const record = await recordOf(store, key);
      if (!("metrics" in record) || record.metrics === undefined) return;
      let batch: MetricPoint[] = [];
      for await (const point of pointsOf(store, record.metrics, key)) {
        batch.push(point);
        if (batch.length < POINTS) continue;
        signal.throwIfAborted();
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },
  };
}

/** The points in a metrics blob. Throws ARTIFACT_CORRUPT when they are not as many as the line says, or no points. */
export async function* pointsOf(
  store: Pick<RecordStore, "blob">,
  metrics: MetricsRecord,
  key: string,
): AsyncGenerator<MetricPoint, void, undefined> {
  let count = 0;
  try {
    for await (const line of linesOf(store.blob(metrics.blob, metrics.size), LIMITS.lineBytes)) {
      yield fromPoint(pointSchema.parse(JSON.parse(Buffer.from(line.bytes).toString("utf8"))));
      count++;
    }
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    const reason = error instanceof LineError ? error.message : `point ${count + 1} is malformed`;
    throw new MigrationError("ARTIFACT_CORRUPT", `the metric history of ${key} cannot be read: ${reason}`, { key, cause: error });
  }
  if (count !== metrics.points) {
    throw new MigrationError("ARTIFACT_CORRUPT", `the metric history of ${key} has ${count} points instead of ${metrics.points}`, { key });
  }
}

function artifactReader(store: RecordStore, owner: EntityKey, signal: AbortSignal): ArtifactReader {
  const load = once(async () => new Map((await filesOf(store, owner)).map((file) => [file.path, file])));
  return {
    list: async function* (): AsyncGenerator<ArtifactFile, void, undefined> {
      signal.throwIfAborted();
      for (const file of (await load()).values()) {
        yield { path: file.path, sizeBytes: file.size, digest: `sha256:${file.sha256}` satisfies Digest };
      }
    },
    open: async function* ({ path }, options): AsyncGenerator<Uint8Array, void, undefined> {
      const file = (await load()).get(path);
      if (file === undefined)
        throw new MigrationError("ARTIFACT_UNREADABLE", `${owner} has no file ${JSON.stringify(path)} in the bundle`, { key: owner });
      for await (const chunk of store.blob(file.sha256, file.size, options?.offset ?? 0)) {
        signal.throwIfAborted();
        yield chunk;
      }
    },
  };
}

/** Follows a version to whatever holds its files; paths are made relative to the version's root. */
async function filesOf(store: RecordStore, owner: EntityKey): Promise<readonly FileRecord[]> {
  const seen = new Set<EntityKey>();
  for (let key = owner; !seen.has(key);) {
    seen.add(key);
    const entry = store.index.get(key);
    if (entry === undefined) break;
    const record = await store.record(entry);
    if (!("files" in record)) return [];
    const { entity } = record;
    if (entity.kind !== "model-version" || entity.files.owner === "own") return record.files;
    if (entity.files.owner === "version") {
      key = entity.files.key as EntityKey;
      continue;
    }
    const holder = store.index.get(entity.files.key as EntityKey);
    const held = holder === undefined ? undefined : await store.record(holder);
    if (held === undefined || !("files" in held)) break;
    return below(held.files, entity.files.path);
  }
  throw new MigrationError("ARTIFACT_UNREADABLE", `the files of ${owner} are not in the bundle`, {
    key: owner,
    hint: "export the model again together with the runs of its versions",
  });
}

function below(files: readonly FileRecord[], path: string): FileRecord[] {
  if (path === "") return files.filter((file) => !isNotebookFile(file.path));
  return files.flatMap((file) => {
    if (file.path === path) return [{ ...file, path: path.slice(path.lastIndexOf("/") + 1) }];
    return file.path.startsWith(`${path}/`) ? [{ ...file, path: file.path.slice(path.length + 1) }] : [];
  });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Gives what a promise rejects with as a MigrationError: file system errors do not leave the adapter as they are. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asMigrationError(error);
  }
}
