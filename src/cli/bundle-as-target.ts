// A finished bundle as the place that a source is compared with: it answers what it holds, and refuses to be written.
import type { BundleSource } from "../adapters/bundle/source.ts";
import { MigrationError } from "../errors.ts";
import type { Entity, EntityKey } from "../model/entities.ts";
import { placed } from "../model/keys.ts";
import type { Found, Target } from "../ports/target.ts";

/** A bundle keeps objects under the source's own keys; each is read when it is asked for. Closing it closes the bundle. */
export function bundleAsTarget(bundle: BundleSource): Target {
  const find = (key: EntityKey): Found | undefined => {
    const object = bundle.find(key);
    if (object === undefined) return undefined;
    const read = async (signal: AbortSignal): Promise<Entity> => {
      signal.throwIfAborted();
      return object.read();
    };
    return { key: placed(key), ours: true, deleted: object.deleted, read };
  };
  return {
    uri: bundle.uri,
    origin: bundle.origin,
    capabilities: bundle.capabilities,
    select: (selection, current) => bundle.select(selection, current),
    ask: (question, current) => bundle.ask(question, current),
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
