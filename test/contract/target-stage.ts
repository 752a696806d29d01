// One test's view of a target: names of its own, what carries objects there, and reading back.
import { expect } from "vitest";
import type { Entity, EntityKey, OriginId, Run } from "../../src/model/entities.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Target } from "../../src/ports/target.ts";
import { idFor } from "./builders.ts";
import { createFerry, storablePoints } from "./context.ts";
import type { Ferry } from "./context.ts";
import type { Item } from "./item.ts";
import { expectSameFacts, fileTexts, pointTexts, readEntities, readFiles, readPoints, scoped } from "./reading.ts";

/** A target made for one test. */
export interface TargetPlace {
  readonly target: Target;
  /** Where a place can only be read anew once it is finished, such as a bundle. Default: the target itself. */
  reopen?(): Promise<Source>;
  dispose(): Promise<void>;
}

export interface Stage {
  /** In every name of the test's objects, so that tests can share a server. */
  readonly scope: string;
  readonly target: Target;
  readonly ferry: Ferry;
  /** Carries objects of another registry to the same target. */
  readonly stranger: Ferry;
  /** Finishes the target and reads the experiments and models of the items, by key. */
  readBack(items: readonly Item[]): Promise<Content>;
  /** The object that was put for an item, as the target tells it. */
  look<E extends Entity>(item: Item<E>): Promise<E>;
}

export type StagedCheck = (test: string, body: (stage: Stage) => Promise<void>) => void;

export interface Content {
  readonly source: Source;
  readonly entities: ReadonlyMap<EntityKey, Entity>;
}

const never = new AbortController().signal;

export function createStage(place: TargetPlace, scope: string): Stage {
  const { target } = place;
  const ferry = createFerry(target, idFor(scope) as OriginId);
  return {
    scope,
    target,
    ferry,
    stranger: createFerry(target, idFor(`another ${scope}`) as OriginId),
    async readBack(items) {
      await target.finish({ losses: [], notCarried: [] });
      const source = (await place.reopen?.()) ?? target;
      const entities = await readEntities(source, scoped(scope, items));
      return { source, entities: new Map(entities.map((entity) => [entity.key, entity])) };
    },
    async look<E extends Entity>(item: Item<E>) {
      const found = await ferry.find(item);
      if (found === undefined) throw new Error(`${item.entity.key} was not found`);
      const entity: Entity = await found.read(never);
      if (entity.kind !== item.entity.kind) throw new Error(`${item.entity.key} was found as a ${entity.kind}`);
      return entity as E;
    },
  };
}

/** Whether a run names objects that come after it, so that a link has to follow. */
export function isLinkedLate(item: Item): item is Item<Run> {
  return item.entity.kind === "run" && item.entity.mayReference.some((key) => key !== item.entity.key);
}

/** Expects an item's fields, points and files at its place. */
export async function expectItem(item: Item, { source, entities }: Content, { ferry, target }: Stage): Promise<void> {
  const entity = entities.get(ferry.placedKey(item.entity.key) ?? item.entity.key);
  if (entity === undefined) throw new Error(`${item.entity.key} did not come back; there are ${[...entities.keys()].join(", ")}`);
  expectSameFacts(entity, ferry.expected(item.entity), target.capabilities);
  if (entity.kind === "run") {
    const points = pointTexts(storablePoints(item.points ?? [], target.capabilities));
    expect((await readPoints(source, [entity])).get(entity.key)).toEqual(points);
  }
  if (entity.kind === "run" || entity.kind === "logged-model" || entity.kind === "model-version") {
    expect(await readFiles(source, entity)).toEqual(fileTexts(ferry.files(item)));
  }
}
