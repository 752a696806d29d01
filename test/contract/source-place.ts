// Places filled for the source contract: loaded directly, or through the place's own target side.
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import type { Entity, EntityKey, OriginId } from "../../src/model/entities.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Target } from "../../src/ports/target.ts";
import { idFor } from "./builders.ts";
import { createFerry, resolvedFiles } from "./context.ts";
import type { Item } from "./item.ts";
import { isHeld } from "./sample.ts";
import { isLinkedLate } from "./target-stage.ts";

/** A source that holds the items it was made from. */
export interface SourcePlace {
  readonly source: Source;
  /** Whether the place has objects of the item's kind. Default: of every kind. */
  holds?(item: Item): boolean;
  /** The source's own key of an item's object. */
  keyOf(key: EntityKey): EntityKey;
  /** An item's entity as the source is to yield it, but for its key and needs. */
  expected(entity: Entity): Entity;
  /** The files that the source is to list for the item, by path. */
  files(item: Item): ReadonlyMap<string, Uint8Array>;
  dispose(): Promise<void>;
}

/** Puts the items into memory as they are. */
export function loadedMemory(place: MemoryPlace, items: readonly Item[]): SourcePlace {
  const known = new Map(items.map((item) => [item.entity.key, item]));
  // What needs others comes first: the order has to be the place's own work.
  for (const { entity, points = [], files = {} } of [...items].reverse()) place.load(entity, { points, files });
  return {
    source: place,
    keyOf: (key) => key,
    expected: (entity) => entity,
    files: (item) => resolvedFiles(item, known),
    dispose: () => place.close(),
  };
}

/** Writes the items to a target, finishes it, and opens it as a source. Objects that are deleted are removed last. */
export async function carriedTo(
  target: Target,
  items: readonly Item[],
  { open, dispose }: { readonly open: () => Promise<Source>; readonly dispose: () => Promise<void> },
): Promise<SourcePlace> {
  const ferry = createFerry(target, idFor("a registry for sources") as OriginId);
  const holds = isHeld(target.capabilities);
  await ferry.putAll(items.filter(holds));
  for (const item of items.filter(isLinkedLate)) await ferry.link(item, "linked");
  for (const { entity, ...content } of [...items].reverse()) {
    if (entity.kind === "run" && entity.deleted) await ferry.remove({ ...content, entity });
    if (entity.kind === "experiment" && entity.deleted) await ferry.remove({ ...content, entity });
  }
  await target.finish({ losses: [], notCarried: [] });
  return {
    source: await open(),
    holds,
    keyOf: (key) => ferry.placedKey(key) ?? key,
    expected: ferry.expected,
    files: ferry.files,
    dispose,
  };
}
