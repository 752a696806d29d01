// A registry in memory: the shortest complete adapter, and the one to write the next from. It holds whatever its capabilities
// allow and refuses the rest, so that an engine which runs against it has been held to them. Reading is read.ts, writing write.ts.
import { randomBytes } from "node:crypto";
import type { Entity, EntityKey, MetricPoint, OriginId } from "../../model/entities.ts";
import type { Capabilities } from "../../ports/capabilities.ts";
import type { Target } from "../../ports/target.ts";
import { memoryCapabilities } from "./capabilities.ts";
import { artifacts, ask, histories, select } from "./read.ts";
import { latestPoints, store, storedFile } from "./store.ts";
import type { Store } from "./store.ts";
import { find, link, put, remove, settle } from "./write.ts";

export interface MemoryOptions {
  /** Default: a new one, as a registry that nobody has met has. */
  readonly origin?: OriginId;
  readonly uri?: string;
  /** What differs from {@link memoryCapabilities}, such as `unityCatalogCapabilities`. */
  readonly capabilities?: Partial<Capabilities>;
  /** Whether experiments, runs and logged models that are put get ids of this place, as a server gives them. Default true. */
  readonly newIds?: boolean;
}

/** What belongs to an object beside its fields. */
export interface Content {
  /** By path; text is stored as UTF-8. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Default: the run's latest points. */
  readonly points?: readonly MetricPoint[];
}

export interface MemoryPlace extends Target {
  /** Stores an object as it is, under its own key and unchecked, as if the place had always held it. */
  load(entity: Entity, content?: Content): EntityKey;
}

/** A new, empty registry. All methods may run in parallel; what was written is gone with the process. */
export function createMemory(options: MemoryOptions = {}): MemoryPlace {
  const place: Store = {
    uri: options.uri ?? "memory:",
    origin: options.origin ?? (randomBytes(16).toString("hex") as OriginId),
    capabilities: { ...memoryCapabilities, ...options.capabilities },
    newIds: options.newIds ?? true,
    objects: new Map(),
    bySource: new Map(),
    highestVersion: new Map(),
    ticks: 0,
  };
  return {
    uri: place.uri,
    origin: place.origin,
    capabilities: place.capabilities,
    select: async (selection, signal) => {
      signal.throwIfAborted();
      return select(place, selection);
    },
    ask: (question, signal) => ask(place, question, signal),
    histories: (runs, signal) => histories(place, runs, signal),
    artifacts: (owner, signal) => artifacts(place, owner, signal),
    find: async (entity, context) => find(place, entity, context),
    put: (entity, context) => put(place, entity, context),
    link: async (run, key, context) => link(place, run, key, context),
    settle: async (version, key, signal) => settle(place, version, key, signal),
    remove: async (_entity, key, signal) => remove(place, key, signal),
    finish: () => Promise.resolve(),
    close: () => Promise.resolve(),
    load: (entity, content) => load(place, entity, content),
  };
}

function load(place: Store, entity: Entity, { files = {}, points }: Content = {}): EntityKey {
  const bytes = Object.entries(files).map(([path, content]) => storedFile(path, Buffer.from(content)));
  const history = points ?? (entity.kind === "run" ? [...entity.latestMetrics.values()] : []);
  const whole = entity.kind === "run" ? { ...entity, latestMetrics: latestPoints(history) } : entity;
  store(place, whole, { points: history, files: new Map(bytes.map((one) => [one.file.path, one])) });
  return entity.key;
}
