// What a selection comes to over an index of light facts: the matched objects, what they hold, and all that those need.
import { MigrationError } from "../errors.ts";
import type { EntityKey, Kind } from "./entities.ts";
import { matcher, unmatched } from "./selection.ts";
import type { Selection } from "./selection.ts";

/** As much of an object as a selection has to know. */
export interface Selectable {
  readonly key: EntityKey;
  readonly kind: Kind;
  /** Of experiments and registered models: what the globs match. */
  readonly name?: string;
  /** What holds it: a run's experiment, a version's registered model, an alias' version. */
  readonly container?: EntityKey;
  /** Comes along wherever the object comes: its needs, a run's parent, a version's run. Keys that are not there are passed over. */
  readonly pulls: readonly EntityKey[];
  readonly deleted: boolean;
}

/**
 * The keys that a selection comes to: experiments and models whose names match, all that they hold, and what those pull in.
 * Deleted objects come only with `includeDeleted` or where something selected pulls them. Throws NOTHING_SELECTED naming the
 * first pattern that matches nothing. `objects` is gone over several times.
 */
export function closeSelection(objects: ReadonlyMap<EntityKey, Selectable>, selection: Selection): ReadonlySet<EntityKey> {
  const all = selection.experiments === undefined && selection.models === undefined;
  const everything = all ? ["*"] : [];
  const roots = new Set([
    ...matched(objects, { kind: "experiment", globs: selection.experiments, otherwise: everything, selection }),
    ...matched(objects, { kind: "registered-model", globs: selection.models, otherwise: everything, selection }),
  ]);
  const chosen = new Set<EntityKey>(roots);
  for (const object of objects.values()) {
    if ((selection.includeDeleted || !object.deleted) && isWithin(objects, object, roots)) chosen.add(object.key);
  }
  // A set yields what is added to it while it is gone over.
  for (const key of chosen) {
    for (const pulled of objects.get(key)?.pulls ?? []) if (objects.has(pulled)) chosen.add(pulled);
  }
  return chosen;
}

interface Match {
  readonly kind: Kind;
  readonly globs: readonly string[] | undefined;
  readonly otherwise: readonly string[];
  readonly selection: Selection;
}

function matched(objects: ReadonlyMap<EntityKey, Selectable>, { kind, globs, otherwise, selection }: Match): EntityKey[] {
  const candidates = [...objects.values()].filter((object) => object.kind === kind && (selection.includeDeleted || !object.deleted));
  const names = candidates.map((object) => object.name ?? "");
  const nothing = unmatched(globs, names);
  if (nothing !== undefined) throw nothingSelected(kind, nothing, names);
  const isMatch = matcher(globs ?? otherwise);
  return candidates.filter((object) => isMatch(object.name ?? "")).map((object) => object.key);
}

function isWithin(objects: ReadonlyMap<EntityKey, Selectable>, object: Selectable, roots: ReadonlySet<EntityKey>): boolean {
  // An alias is in a version, which is in a model: two steps are the longest way up.
  const container = object.container;
  if (container === undefined) return false;
  if (roots.has(container)) return true;
  const above = objects.get(container)?.container;
  return above !== undefined && roots.has(above);
}

function nothingSelected(kind: Kind, glob: string, names: readonly string[]): MigrationError {
  const noun = kind === "experiment" ? "experiment" : "model";
  const some = names.slice(0, 5).map((name) => JSON.stringify(name));
  const there = some.length === 0 ? `there is no ${noun}` : `there are, for example, ${some.join(", ")}`;
  return new MigrationError("NOTHING_SELECTED", `no ${noun} matches ${JSON.stringify(glob)}`, {
    hint: `${there}; deleted ones count only with --include-deleted; list the names with: mlferry ls`,
  });
}
