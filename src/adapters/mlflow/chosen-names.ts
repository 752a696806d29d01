// Which experiments or registered models a selection means by their names and tags, before anything long is read.
import { rootsOf } from "../../model/closure.ts";
import type { EntityKey, Experiment, RegisteredModel } from "../../model/entities.ts";
import { tagMatcher } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";

/** By pattern and tags. Tells of a pattern without a match before anything long is read. Throws NOTHING_SELECTED. */
export function chosenByName(
  named: readonly (Experiment | RegisteredModel)[],
  { globs, selection }: { readonly globs: "experiments" | "models"; readonly selection: Selection },
): ReadonlySet<EntityKey> {
  const isTagged = tagMatcher(selection.tags);
  const objects = named.map((object) => ({ ...object, pulls: [], deleted: "deleted" in object && object.deleted }));
  const only = selection[globs] === undefined ? {} : { [globs]: selection[globs] };
  const roots = rootsOf(new Map(objects.map((object) => [object.key, object])), { ...only, includeDeleted: selection.includeDeleted });
  // Tags that nothing here has may be on the other half: whether there is anything at all shows later.
  return new Set(objects.filter(({ key, tags }) => roots.has(key) && isTagged(tags)).map(({ key }) => key));
}
