// The order of the lines of a bundle, which is also the order in which a source yields them.
import type { EntityKey } from "../../model/entities.ts";
import { KINDS } from "../../model/entities.ts";
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
    if (kind === "run") return parentsFirst(sorted);
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

/** Each entry after those it names, as far as they do not name each other in a circle. Not recursive: chains can be long. */
function parentsFirst(sorted: readonly IndexEntry[]): IndexEntry[] {
  const waiting = new Map(sorted.map((entry) => [entry.key, entry]));
  const ordered: IndexEntry[] = [];
  for (const start of sorted) {
    const stack = waiting.delete(start.key) ? [{ entry: start, next: 0 }] : [];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const key = top.entry.after[top.next++];
      const first = key === undefined ? undefined : waiting.get(key);
      if (key === undefined) ordered.push(...stack.splice(-1).map(({ entry }) => entry));
      else if (first !== undefined && waiting.delete(key)) stack.push({ entry: first, next: 0 });
    }
  }
  return ordered;
}

/**
 * Merges the models' versions: the next of a model comes when what it points to is out. Where models wait for each other in
 * a circle, ascending numbers win, since a target that assigns numbers depends on them.
 */
function versionsAscending(sorted: readonly IndexEntry[]): IndexEntry[] {
  const lanes = laneByModel(sorted);
  const present = new Set(sorted.map((entry) => entry.key));
  const out = new Set<EntityKey>();
  const ordered: IndexEntry[] = [];
  const blocked = new Map<EntityKey, Lane[]>();
  const run = (first: Lane, force: boolean): void => {
    const stack = [first];
    for (let lane = stack.pop(); lane !== undefined; lane = stack.pop()) {
      for (let head = lane.entries[lane.next]; head !== undefined; head = lane.entries[lane.next]) {
        const missing = force ? undefined : head.after.find((key) => present.has(key) && !out.has(key));
        force = false;
        if (missing !== undefined) {
          blocked.set(missing, [...(blocked.get(missing) ?? []), lane]);
          break;
        }
        ordered.push(head);
        out.add(head.key);
        lane.next++;
        stack.push(...(blocked.get(head.key) ?? []));
        blocked.delete(head.key);
      }
    }
  };
  for (const lane of lanes) run(lane, false);
  for (const lane of lanes) while (lane.next < lane.entries.length) run(lane, true);
  return ordered;
}

interface Lane {
  readonly entries: readonly IndexEntry[];
  next: number;
}

function laneByModel(sorted: readonly IndexEntry[]): Lane[] {
  const lanes = grouped(sorted, (entry) => entry.container ?? "");
  return [...lanes].sort(([a], [b]) => byCodeUnits(a, b)).map(([, entries]) => ({ entries: [...entries].sort(byVersion), next: 0 }));
}

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
