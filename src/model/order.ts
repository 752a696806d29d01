// Dependency order: what is needed comes first.
import type { EntityKey, ModelVersion } from "./entities.ts";
import { versionKey } from "./keys.ts";

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

/** Versions ascending in each model, promoted ones after the version they point to. */
export function orderVersions(versions: readonly ModelVersion[]): ModelVersion[] {
  const sorted = [...versions].sort((a, b) => (a.model === b.model ? a.version - b.version : a.model < b.model ? -1 : 1));
  const before = new Map<EntityKey, EntityKey>();
  sorted.forEach((version, index) => {
    const previous = sorted[index - 1];
    if (previous?.model === version.model) before.set(version.key, versionKey(previous.model, previous.version));
  });
  return dependenciesFirst(sorted, (version) => {
    const previous = before.get(version.key);
    const promoted = version.files.owner === "version" ? [version.files.key] : [];
    return previous === undefined ? promoted : [previous, ...promoted];
  });
}
