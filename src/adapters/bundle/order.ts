// The order of the lines of a bundle, which is also the order in which a source yields them.
import type { EntityKey } from "../../model/entities.ts";
import { KINDS } from "../../model/entities.ts";
import { dependenciesFirst } from "../../model/order.ts";
import { byCodeUnits } from "./convert.ts";
import type { IndexEntry } from "./record-index.ts";

/**
 * Entries in dependency order: by kind; runs by start time and key, after their parents; versions ascending in each model,
 * promoted ones after what they point to; the rest by key. Depends on nothing but the entries.
 */
export function inOrder(entries: Iterable<IndexEntry>): IndexEntry[] {
  const byKind = grouped(entries, (entry) => entry.kind);
  return KINDS.flatMap((kind) => {
    const sorted = [...(byKind.get(kind) ?? [])].sort(byTimeAndKey);
    if (kind === "run") return dependenciesFirst(sorted, (entry) => entry.after);
    return kind === "model-version" ? versionsAscending(sorted) : sorted;
  });
}

// Those without a time come first. Only runs and logged models are in a stream long enough for time to be of use.
function byTimeAndKey(a: IndexEntry, b: IndexEntry): number {
  if (a.kind === "run" || a.kind === "logged-model") {
    if (a.time === undefined || b.time === undefined)
      return Number(a.time !== undefined) - Number(b.time !== undefined) || byCodeUnits(a.key, b.key);
    if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  }
  return byCodeUnits(a.key, b.key);
}

/**
 * Each version after the one before it in its model and after what it was promoted from. Where models wait for each other in a
 * circle, ascending numbers win, since a target that assigns numbers depends on them.
 */
function versionsAscending(sorted: readonly IndexEntry[]): IndexEntry[] {
  const models = [...grouped(sorted, modelOf)].sort(([a], [b]) => byCodeUnits(a, b)).map(([, entries]) => entries.sort(byVersion));
  const before = new Map<IndexEntry, EntityKey[]>();
  for (const entries of models) entries.forEach((entry, index) => before.set(entry, keysOf(entries.slice(Math.max(0, index - 1), index))));
  const ordered = dependenciesFirst(models.flat(), (entry) => [...(before.get(entry) ?? []), ...entry.after]);
  // Only in a circle is this another order: each model's versions by number, in the places that its versions have.
  const left = grouped(models.flat().reverse(), modelOf);
  return ordered.flatMap((entry) => left.get(modelOf(entry))?.pop() ?? []);
}

const keysOf = (entries: readonly IndexEntry[]): EntityKey[] => entries.map(({ key }) => key);
const modelOf = (entry: IndexEntry): string => entry.container ?? "";

function byVersion(a: IndexEntry, b: IndexEntry): number {
  return (a.version ?? 0) - (b.version ?? 0) || byCodeUnits(a.key, b.key);
}

function grouped<K extends string>(entries: Iterable<IndexEntry>, keyOfGroup: (entry: IndexEntry) => K): Map<K, IndexEntry[]> {
  const groups = new Map<K, IndexEntry[]>();
  for (const entry of entries) {
    const key = keyOfGroup(entry);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return groups;
}
