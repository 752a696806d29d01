// Version numbers of a job that gives them anew: a version that is at the target keeps the number it has there, any other one gets the
// next of its model. One numbering serves one pass over a source's stream.
import type { Entity, EntityKey, ModelVersion } from "../model/entities.ts";
import { isEntry, numberIn } from "../model/keys.ts";
import type { Found } from "../ports/target.ts";
import type { Change } from "./change.ts";

/** How a job numbers versions: as at the source, or from 1 without gaps. */
export type VersionNumbers = "preserve" | "compact";

export interface Numbering {
  /** Notes how to look for a model, and thereby for the highest number that it has used; asked when a version of it is new. */
  model(name: string, find: () => Promise<Found | undefined>): void;
  /** Notes where a version is, and gives it that number. */
  placed(version: ModelVersion, place: EntityKey): Numbered;
  /** Gives a version the next number of its model. */
  next(version: ModelVersion): Promise<Numbered>;
  /** Points an alias, a comment or their like at the number that its version has got. */
  follow(entity: Entity): Numbered<Entity>;
}

export interface Numbered<E extends Entity = ModelVersion> {
  readonly entity: E;
  /** The number as a change, where it is another one. */
  readonly changes: readonly Change[];
}

export function createNumbering(): Numbering {
  const models = new Map<string, () => Promise<Found | undefined>>();
  const last = new Map<string, number>();
  const numbers = new Map<EntityKey, number>();
  const note = (version: ModelVersion, number: number): Numbered => {
    numbers.set(version.key, number);
    last.set(version.model, Math.max(number, last.get(version.model) ?? 0));
    return renumbered(version, number);
  };
  // Asked once, before this pass has written any version of the model: what it writes is counted here.
  const highest = async (model: string): Promise<number> => {
    const find = models.get(model);
    models.delete(model);
    return Math.max(last.get(model) ?? 0, find === undefined ? 0 : ((await find())?.lastVersion ?? 0));
  };
  return {
    model: (name, find) => void models.set(name, find),
    placed: (version, place) => note(version, numberIn(place)),
    next: async (version) => note(version, (await highest(version.model)) + 1),
    follow(entity) {
      if (entity.kind !== "alias" && !isEntry(entity)) return { entity, changes: [] };
      const number = entity.needs.map((key) => numbers.get(key)).find((known) => known !== undefined);
      return renumbered(entity, number ?? entity.version);
    },
  };
}

/** The entity under another number. */
function renumbered<E extends Entity & { readonly version: number }>(entity: E, number: number): Numbered<E> {
  if (entity.version === number) return { entity, changes: [] };
  const change = { field: "version", class: "translated", from: String(entity.version), to: String(number), rule: RULE } as const;
  return { entity: { ...entity, version: number }, changes: [change] };
}

const RULE = "--version-numbers compact";
