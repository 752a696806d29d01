// What a memory place holds, and how its objects get their keys.
import { createHash } from "node:crypto";
import { MigrationError } from "../../errors.ts";
import type { Entity, EntityKey, Kind, MetricPoint, OriginId } from "../../model/entities.ts";
import { PROVENANCE } from "../../model/keys.ts";
import type { Capabilities } from "../../ports/capabilities.ts";
import type { ArtifactFile } from "../../ports/source.ts";

export interface StoredFile {
  readonly file: ArtifactFile;
  readonly bytes: Uint8Array;
}

export interface Stored {
  entity: Entity;
  points: readonly MetricPoint[];
  readonly files: Map<string, StoredFile>;
}

export interface Store {
  readonly uri: string;
  readonly origin: OriginId;
  readonly capabilities: Capabilities;
  /** Whether experiments, runs and logged models get ids of this place instead of keeping theirs. */
  readonly newIds: boolean;
  readonly objects: Map<EntityKey, Stored>;
  /** By the provenance tag `source`. */
  readonly bySource: Map<string, EntityKey>;
  /** Highest version number ever used, by model. */
  readonly highestVersion: Map<string, number>;
  /** How many ids and times were given out: the place has no clock and no chance. */
  ticks: number;
}

/** Stores an object under its key, new or not, and keeps the look-ups true. */
export function store(place: Store, entity: Entity, content: Pick<Stored, "points" | "files">): Stored {
  const stored: Stored = { entity, points: content.points, files: content.files };
  const before = place.objects.get(entity.key)?.entity.provenance.get(PROVENANCE.source);
  if (before !== undefined) place.bySource.delete(before);
  place.objects.set(entity.key, stored);
  const source = entity.provenance.get(PROVENANCE.source);
  if (source !== undefined) place.bySource.set(source, entity.key);
  if (entity.kind === "model-version") {
    place.highestVersion.set(entity.model, Math.max(entity.version, place.highestVersion.get(entity.model) ?? 0));
  }
  return stored;
}

/** The object under a key. Throws NOT_FOUND. */
export function stored(place: Store, key: EntityKey): Stored {
  const found = place.objects.get(key);
  if (found === undefined) throw new MigrationError("NOT_FOUND", `${key} is not in ${place.uri}`, { key });
  return found;
}

/** An id in MLflow's form that this place has not given out before. */
export function newId(place: Store, kind: Kind): string {
  const number = ++place.ticks;
  if (kind === "experiment") return String(number);
  const hex = createHash("sha256")
    .update(`${place.origin}/${String(number)}`)
    .digest("hex")
    .slice(0, 32);
  return kind === "logged-model" ? `m-${hex}` : hex;
}

/** The object of a kind with a name, where names are unique. */
export function named(place: Store, kind: "experiment" | "registered-model", name: string): Stored | undefined {
  for (const candidate of place.objects.values()) {
    if (candidate.entity.kind === kind && candidate.entity.name === name) return candidate;
  }
  return undefined;
}

/** A file from its bytes, with size and digest. */
export function storedFile(path: string, bytes: Uint8Array): StoredFile {
  const hex = createHash("sha256").update(bytes).digest("hex");
  return { file: { path, sizeBytes: bytes.length, digest: `sha256:${hex}` }, bytes };
}

/** The latest point of every metric: the greatest by step, time and value, as MLflow defines it. */
export function latestPoints(points: readonly MetricPoint[]): Map<string, MetricPoint> {
  const latest = new Map<string, MetricPoint>();
  for (const point of points) {
    const other = latest.get(point.key);
    if (other === undefined || isLater(point, other)) latest.set(point.key, point);
  }
  return latest;
}

function isLater(a: MetricPoint, b: MetricPoint): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  // As MLflow's SQL stores, where a NaN is kept as 0 beside a flag.
  return (Number.isNaN(a.value) ? 0 : a.value) > (Number.isNaN(b.value) ? 0 : b.value);
}
