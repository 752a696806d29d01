// A finished bundle as the place that a source is compared with: it answers what it holds, and refuses to be written.
import { MigrationError } from "../errors.ts";
import type { Entity, EntityKey } from "../model/entities.ts";
import { placed } from "../model/keys.ts";
import type { Source } from "../ports/source.ts";
import type { Found, Target } from "../ports/target.ts";

/** Reads the bundle's objects once; a bundle keeps objects under the source's own keys. Closing it closes the bundle. */
export async function bundleAsTarget(bundle: Source, signal: AbortSignal): Promise<Target> {
  const entities = new Map<EntityKey, Entity>();
  const catalogue = await bundle.select({ includeDeleted: true }, signal);
  for await (const entity of catalogue.entities(signal)) entities.set(entity.key, entity);
  const find = (key: EntityKey): Found | undefined => {
    const entity = entities.get(key);
    if (entity === undefined) return undefined;
    const deleted = (entity.kind === "run" || entity.kind === "experiment") && entity.deleted;
    return { key: placed(key), ours: true, deleted, read: () => Promise.resolve(entity) };
  };
  return {
    uri: bundle.uri,
    origin: bundle.origin,
    capabilities: bundle.capabilities,
    select: (selection, current) => bundle.select(selection, current),
    histories: (runs, current) => bundle.histories(runs, current),
    artifacts: (owner, current) => bundle.artifacts(owner, current),
    find: (entity) => Promise.resolve(find(entity.key)),
    put: readOnly,
    link: readOnly,
    remove: readOnly,
    finish: readOnly,
    close: () => bundle.close(),
  };
}

function readOnly(): Promise<never> {
  return Promise.reject(new MigrationError("NOT_SUPPORTED", "a finished bundle is not written to", { hint: "export into a new one" }));
}
