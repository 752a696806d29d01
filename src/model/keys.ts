// Keys name objects; provenance digests recognise them again in another place.
import { createHash } from "node:crypto";
import type { EntityKey, Kind, OriginId, PlacedKey } from "./entities.ts";

/** The key of an object from its kind and its native id (a run id, a model name, `name/3`). */
export function keyOf(kind: Kind, id: string): EntityKey {
  return `${kind}:${id}` as EntityKey;
}

export const versionKey = (model: string, version: number): EntityKey => keyOf("model-version", `${model}/${version}`);
export const aliasKey = (model: string, alias: string): EntityKey => keyOf("alias", `${model}/${alias}`);

/** The native id inside a key: what stands after the first colon. */
export function idOf(key: EntityKey): string {
  return key.slice(key.indexOf(":") + 1);
}

/** The number in a version's key. */
export function numberIn(key: EntityKey): number {
  return Number(key.slice(key.lastIndexOf("/") + 1));
}

export function kindOf(key: EntityKey): Kind {
  return key.slice(0, key.indexOf(":")) as Kind;
}

/** The registered model's key from that of one of its versions or aliases: versions have numbers, and neither they nor aliases slashes. */
export function modelOf(key: EntityKey): EntityKey {
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
} as const;

/**
 * A digest of where an object comes from and where it was meant to go: the value of the tag `mlferry_source`, sent in
 * the create call, so that a lost answer or a lost journal duplicates nothing. 32 hexadecimal digits. `container` is the
 * mapped name of the experiment or model that holds the object, so that one source may land twice in one place.
 */
export function provenanceDigest(origin: OriginId, key: EntityKey, container: string): string {
  return createHash("sha256")
    .update(JSON.stringify([origin, key, container]))
    .digest("hex")
    .slice(0, 32);
}
