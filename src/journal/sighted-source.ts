// A source whose versions' past nobody lists, with what readings of it have seen change.
import type { Entity, EntityKey, ModelVersion, StageTransition } from "../model/entities.ts";
import { entryKey } from "../model/keys.ts";
import { byVersionAndTime } from "../model/order.ts";
import type { Catalogue, Source } from "../ports/source.ts";
import type { Seen, SeenChange, Sightings } from "./sightings.ts";

/**
 * The same source, where each version whose past is unavailable tells since when it was watched, followed by the changes that were seen. What
 * a reading sees is remembered once all versions were read.
 */
export function sightedSource(source: Source, sightings: Sightings): Source {
  return {
    ...source,
    select: async (selection, signal) => sighted(await source.select(selection, signal), sightings),
  };
}

function sighted(catalogue: Catalogue, sightings: Sightings): Catalogue {
  const seen = new Map<EntityKey, StageTransition>();
  const see = (entity: Entity): Entity => {
    if (entity.kind !== "model-version" || entity.history?.state !== "unavailable") return entity;
    const past = sightings.see(entity);
    for (const change of past.changes) {
      const transition = transitionOf(entity, change);
      seen.set(transition.key, transition);
    }
    return { ...entity, history: historyOf(past) };
  };
  return {
    ...catalogue,
    async *entities(signal) {
      let isOver = false;
      for await (const entity of catalogue.entities(signal)) {
        if (!isOver && isAfterTransitions(entity)) {
          isOver = true;
          sightings.keep();
          yield* inOrder(seen);
        }
        yield see(entity);
      }
      if (isOver) return;
      sightings.keep();
      yield* inOrder(seen);
    },
    entity: async (key) => seen.get(key) ?? see(await catalogue.entity(key)),
  };
}

const BEFORE: readonly Entity["kind"][] = ["experiment", "run", "logged-model", "registered-model", "model-version", "stage-transition"];

function isAfterTransitions({ kind }: Entity): boolean {
  return !BEFORE.includes(kind);
}

function inOrder(seen: ReadonlyMap<EntityKey, StageTransition>): StageTransition[] {
  return [...seen.values()].sort((a, b) => byVersionAndTime({ key: a.key, time: a.at }, { key: b.key, time: b.at }));
}

function transitionOf({ key, model, version }: ModelVersion, { number, from, to, at, after, before }: SeenChange): StageTransition {
  return {
    kind: "stage-transition",
    key: entryKey("stage-transition", { model, version }, `seen_${String(number)}`),
    needs: [key],
    mayReference: [],
    provenance: new Map(),
    model,
    version,
    from,
    to,
    at,
    comment: `seen between two readings, of ${timeText(after)} and ${timeText(before)}`,
    bySystem: false,
  };
}

function historyOf({ since, isWhole, changes }: Seen): NonNullable<ModelVersion["history"]> {
  if (isWhole && changes.length === 0) return { state: "complete", since };
  return { state: "partial", since, reason: "seen from reading to reading: of several changes between two the last shows" };
}

function timeText(time: bigint): string {
  return new Date(Number(time)).toISOString();
}
