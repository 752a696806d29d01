// The order of the lines of a bundle, which is also the order in which a source yields them.
import { ENTRY_KINDS, KINDS } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";
import { ascendingInModels, byVersionAndTime, dependenciesFirst } from "../../model/order.ts";
import type { EntryPosition } from "../../model/order.ts";
import { byCodeUnits } from "./convert.ts";
import type { IndexEntry } from "./record-index.ts";

/**
 * Entries in dependency order: by kind; runs by start time and key, after their parents; versions ascending in each model,
 * promoted ones after what they point to; what hangs on versions by version and time; the rest by key. Depends on nothing but the entries.
 */
export function inOrder(entries: Iterable<IndexEntry>): IndexEntry[] {
  const byKind = grouped(entries, (entry) => entry.kind);
  return KINDS.flatMap((kind) => {
    const sorted = [...(byKind.get(kind) ?? [])].sort(byTimeAndKey);
    if (isEntryKind(kind)) return sorted.sort((a, b) => byVersionAndTime(positionOf(a), positionOf(b)));
    if (kind === "run") return dependenciesFirst(sorted, (entry) => entry.after);
    if (kind !== "model-version") return sorted;
    return ascendingInModels(sorted, ({ container = "", version = 0, after }) => ({ model: container, version, after }));
  });
}

const isEntryKind = (kind: Kind): boolean => (ENTRY_KINDS as readonly Kind[]).includes(kind);

function positionOf({ key, time = 0n }: IndexEntry): EntryPosition {
  return { key, time };
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
