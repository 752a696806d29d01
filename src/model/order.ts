// Dependency order: what is needed comes first.
import { KINDS } from "./entities.ts";
import type { EntityKey, ModelVersion, Part, VersionEntry } from "./entities.ts";
import { entryId, isEntry, modelOf, numberIn } from "./keys.ts";

/**
 * The items in their given order, but each after those that `after` names for it. Names that are not among the items hold nobody up;
 * in a circle the order given wins. Not recursive: chains can be long.
 */
export function dependenciesFirst<T extends { readonly key: EntityKey }>(
  items: readonly T[],
  after: (item: T) => readonly EntityKey[],
): T[] {
  const waiting = new Map(items.map((item) => [item.key, item]));
  const ordered: T[] = [];
  for (const start of items) {
    const stack = waiting.delete(start.key) ? [{ item: start, needs: after(start), next: 0 }] : [];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const key = top.needs[top.next++];
      const need = key === undefined ? undefined : waiting.get(key);
      if (key === undefined) {
        ordered.push(top.item);
        stack.pop();
      } else if (need !== undefined && waiting.delete(key)) stack.push({ item: need, needs: after(need), next: 0 });
    }
  }
  return ordered;
}

/** Versions ascending in each model, promoted ones after the version they point to; see ascendingInModels for circles. */
export function orderVersions(versions: readonly ModelVersion[]): ModelVersion[] {
  return ascendingInModels(versions, ({ model, version, files }) => ({
    model,
    version,
    after: files.owner === "version" ? [files.key] : [],
  }));
}

/** What the order of a version depends on; `after`: the versions that it was promoted from. */
export interface VersionPosition {
  readonly model: string;
  readonly version: number;
  readonly after: readonly EntityKey[];
}

/**
 * Each version after the one before it in its model and after what it was promoted from; models by name. Where models wait for each
 * other in a circle, ascending numbers win, since a target that assigns numbers depends on them.
 */
export function ascendingInModels<T extends { readonly key: EntityKey }>(
  items: readonly T[],
  positionOf: (item: T) => VersionPosition,
): T[] {
  const all = items.map((item) => ({ key: item.key, item, ...positionOf(item) })).sort(byModelAndNumber);
  const before = new Map<EntityKey, EntityKey>();
  all.forEach(({ key, model }, index) => {
    const previous = all[index - 1];
    if (previous?.model === model) before.set(key, previous.key);
  });
  const ordered = dependenciesFirst(all, ({ key, after }) => {
    const previous = before.get(key);
    return previous === undefined ? after : [previous, ...after];
  });
  // Only in a circle is this another order: each model's versions by number, in the places that its versions have.
  const left = new Map([...Map.groupBy(all, ({ model }) => model)].map(([model, ascending]) => [model, ascending.values()]));
  return ordered.flatMap(({ model }) => {
    const next = left.get(model)?.next();
    return next?.done === false ? [next.value.item] : [];
  });
}

/** By code units, so that the order is the same everywhere. */
function byModelAndNumber(a: VersionPosition & { key: EntityKey }, b: VersionPosition & { key: EntityKey }): number {
  if (a.model !== b.model) return a.model < b.model ? -1 : 1;
  return a.version - b.version || (a.key < b.key ? -1 : Number(a.key > b.key));
}

/** What the order of a version's transitions, comments and requests depends on. `time`: epoch ms. */
export interface EntryPosition {
  readonly key: EntityKey;
  readonly time: bigint;
}

/** By model and version, then by time, then by id: numbers as numbers. The same on every machine. */
export function byVersionAndTime(a: EntryPosition, b: EntryPosition): number {
  const [modelA, modelB] = [modelOf(a.key), modelOf(b.key)];
  if (modelA !== modelB) return modelA < modelB ? -1 : 1;
  if (numberIn(a.key) !== numberIn(b.key)) return numberIn(a.key) - numberIn(b.key);
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  const [idA, idB] = [entryId(a.key), entryId(b.key)];
  return Number(idA) - Number(idB) || (idA < idB ? -1 : Number(idA > idB));
}

/** When an entry happened or was written. */
export function timeOf(entry: VersionEntry): bigint {
  return entry.kind === "stage-transition" ? entry.at : entry.createdAt;
}

/** By kind; what hangs on versions by version and time, the rest by key. */
export function inPartOrder(parts: readonly Part[]): Part[] {
  return [...parts].sort((a, b) => {
    if (a.kind !== b.kind) return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
    if (isEntry(a) && isEntry(b)) return byVersionAndTime({ key: a.key, time: timeOf(a) }, { key: b.key, time: timeOf(b) });
    return a.key < b.key ? -1 : Number(a.key > b.key);
  });
}
