// Keys name objects; provenance digests recognise them again in another place.
import { createHash } from "node:crypto";
import { ENTRY_KINDS } from "./entities.ts";
import type { Entity, EntityKey, Kind, OriginId, PlacedKey, VersionEntry } from "./entities.ts";

/** The key of an object from its kind and its native id (a run id, a model name, `name/3`). */
export function keyOf(kind: Kind, id: string): EntityKey {
  return `${kind}:${id}` as EntityKey;
}

export const versionKey = (model: string, version: number): EntityKey => keyOf("model-version", `${model}/${version}`);
export const aliasKey = (model: string, alias: string): EntityKey => keyOf("alias", `${model}/${alias}`);
/**
 * The key of what hangs on a version. `id` tells it from others of its kind there, in digits, letters and `_`: its number in the place's
 * order, or the place's own id where it has one.
 */
export const entryKey = (kind: VersionEntry["kind"], { model, version }: { model: string; version: number }, id: string): EntityKey =>
  keyOf(kind, `${model}/${String(version)}/${id}`);
/** An object has one permission, which has all entries. */
export const permissionKey = (object: EntityKey | "registry"): EntityKey => keyOf("permission", object);

/** The native id inside a key: what stands after the first colon. */
export function idOf(key: EntityKey): string {
  return key.slice(key.indexOf(":") + 1);
}

/** The number in the key of a version, or of what hangs on one. */
export function numberIn(key: EntityKey): number {
  const version = isEntryKey(key) ? versionOf(key) : key;
  return Number(version.slice(version.lastIndexOf("/") + 1));
}

/** Whether the key is of what hangs on a version. */
export function isEntryKey(key: EntityKey): boolean {
  return (ENTRY_KINDS as readonly Kind[]).includes(kindOf(key));
}

/** Whether the entity hangs on a version. */
export function isEntry(entity: Entity): entity is VersionEntry {
  return (ENTRY_KINDS as readonly Kind[]).includes(entity.kind);
}

/** The version's key from that of what hangs on it. */
export function versionOf(entry: EntityKey): EntityKey {
  const id = idOf(entry);
  return keyOf("model-version", id.slice(0, id.lastIndexOf("/")));
}

/** What tells an entry from others of its kind at its version. */
export function entryId(entry: EntityKey): string {
  return entry.slice(entry.lastIndexOf("/") + 1);
}

export function kindOf(key: EntityKey): Kind {
  return key.slice(0, key.indexOf(":")) as Kind;
}

/**
 * The registered model's key from that of one of its versions or aliases, or of what hangs on a version: versions have numbers, and
 * neither they nor aliases nor the ids of entries have slashes.
 */
export function modelOf(key: EntityKey): EntityKey {
  if (isEntryKey(key)) return modelOf(versionOf(key));
  const id = idOf(key);
  return keyOf("registered-model", id.slice(0, id.lastIndexOf("/")));
}

/** Marks a key as one of the target's. Only targets, journals and the engine's look-ups call this. */
export function placed(key: EntityKey): PlacedKey {
  return key as PlacedKey;
}

/** Prefix of every tag that mlferry writes for itself: no dots, which Unity Catalog refuses in tag keys. */
export const PROVENANCE_PREFIX = "mlferry_";

/** Names of the provenance tags, without the prefix. */
export const PROVENANCE = {
  /** {@link provenanceDigest}: recognises the object in later runs. */
  source: "source",
  /** The native id at the source, for people and look-ups. */
  sourceId: "source_id",
  /** Creation time at the source, epoch ms, where the target assigns its own. */
  createdAt: "created_at",
  /** Who made a version at the source, where the target assigns its own. */
  createdBy: "created_by",
  /** Fingerprint of what was written: present once an object is whole. */
  done: "done",
  /** Marks a version that only holds a number, until it is removed. */
  placeholder: "placeholder",
  /** On a run made only to carry the files of a version without a usable run: the version's source id. */
  carrier: "carrier",
  /** On a version that could not be made with them: what its model depends on. */
  dependencies: "dependencies",
} as const;

/**
 * A digest of where an object comes from and where it was meant to go: the value of the tag `mlferry_source`, sent in
 * the create call, so that a lost answer or a lost journal duplicates nothing. 32 hexadecimal digits. `container` is the
 * mapped name of the experiment or model that holds the object, so that one source may land twice in one place.
 */
export function provenanceDigest(origin: OriginId, key: EntityKey, container: string): string {
  return digestOf([origin, key, container]);
}

/** The id of a place from what stays the same about it when it moves to another address. */
export function originId(...identity: readonly string[]): OriginId {
  return digestOf(identity) as OriginId;
}

/** A digest over the value as JSON: 32 hexadecimal digits. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 32);
}
