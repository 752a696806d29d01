// A source under test, with the ways in which the suites of the source contract read it.
import type { Entity } from "../../src/model/entities.ts";
import type { Selection } from "../../src/model/selection.ts";
import type { Catalogue } from "../../src/ports/source.ts";
import type { Item } from "./item.ts";
import { entitiesOf } from "./reading.ts";
import type { SourcePlace } from "./source-place.ts";

const never = new AbortController().signal;

export interface View extends SourcePlace {
  readonly scope: string;
  readonly items: readonly Item[];
  /** Everything of the scope, deleted objects included. */
  readonly all: Selection;
  select(selection: Partial<Selection>): Promise<Catalogue>;
  read(selection: Partial<Selection>): Promise<Entity[]>;
  /** The names of experiments, runs and models, and the keys of the rest, that a selection yields. */
  names(selection: Partial<Selection>): Promise<string[]>;
  entity(item: Item): Promise<Entity>;
}

/** Reads the objects of `items`, whose names all hold `scope`. */
export function createView(place: SourcePlace, items: readonly Item[], scope: string): View {
  const all = { experiments: [`*${scope}*`], models: [`*${scope}*`], includeDeleted: true };
  const select = (selection: Partial<Selection>): Promise<Catalogue> => place.source.select({ includeDeleted: false, ...selection }, never);
  const read = async (selection: Partial<Selection>): Promise<Entity[]> => entitiesOf(await select(selection));
  const original = new Map(items.map((item) => [place.keyOf(item.entity.key), item.entity.key]));
  return {
    ...place,
    scope,
    items,
    all,
    select,
    read,
    names: async (selection) => (await read(selection)).map((entity) => String(original.get(entity.key) ?? entity.key)).sort(),
    async entity(item) {
      const key = place.keyOf(item.entity.key);
      const found = (await read(all)).find((entity) => entity.key === key);
      if (found === undefined) throw new Error(`${item.entity.key} was not yielded`);
      return found;
    },
  };
}
