// Two registries of models over one tracking half, such as a workspace's own and Unity Catalog: experiments, runs and logged models are at
// the target already, under the same ids, and stay as they are.
import type { Kind } from "../model/entities.ts";
import { kindOf, placed } from "../model/keys.ts";
import type { Catalogue, Source } from "../ports/source.ts";
import type { Placements } from "./job.ts";

const TRACKED: ReadonlySet<Kind> = new Set<Kind>(["experiment", "run", "logged-model"]);

/** Whether source and target look at the same experiments, runs and logged models. One server with its own registry is copied whole. */
export function sharesTracking({ source, target }: { readonly source: Source; readonly target: Source }): boolean {
  const { tracking } = source;
  return tracking !== undefined && tracking === target.tracking && !(source.origin === tracking && target.origin === tracking);
}

/** What of a selection is to be moved then: that of the registry. */
export function withoutTracked(catalogue: Catalogue): Catalogue {
  const names = new Set(catalogue.experiments.map(({ name }) => name));
  const expected = Object.entries(catalogue.expected).filter(([kind]) => !TRACKED.has(kind as Kind));
  return {
    ...catalogue,
    experiments: [],
    expected: Object.fromEntries(expected),
    pulledIn: catalogue.pulledIn.filter(({ kind }) => !TRACKED.has(kind)),
    notCarried: catalogue.notCarried.filter(({ where }) => where === undefined || !names.has(where)),
    async *entities(signal) {
      for await (const entity of catalogue.entities(signal)) if (!TRACKED.has(entity.kind)) yield entity;
    },
  };
}

/** Every tracked object is where it is. */
export function withTrackedInPlace(placements: Placements): Placements {
  return {
    placed: (key) => (TRACKED.has(kindOf(key)) ? placed(key) : placements.placed(key)),
    set: (key, place) => placements.set(key, place),
  };
}
