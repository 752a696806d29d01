// Single objects of a registry by their keys, whatever calls it is read with.
import type { Entity, EntityKey, ModelVersion, VersionEntry } from "../../model/entities.ts";
import { idOf, kindOf, modelOf, versionOf } from "../../model/keys.ts";
import { withoutNotes } from "../../model/notes.ts";
import { toAlias, toRegisteredModel } from "./convert.ts";
import type { WireRegisteredModel } from "./wire.ts";

/** How a registry is asked; each call answers undefined, or nothing, where there is no such object. */
export interface RegisteredReads {
  /** With its aliases. */
  model(name: string): Promise<WireRegisteredModel | undefined>;
  /** As a selection would yield it, with the notes that others left in its tags. */
  version(key: EntityKey): Promise<ModelVersion | undefined>;
  /** What the notes on a version stand for. */
  notes(version: EntityKey): Promise<readonly VersionEntry[]>;
}

/** The model, version, alias or note under a key, as a selection would yield it; undefined where there is none. */
export async function registeredObject(key: EntityKey, reads: RegisteredReads): Promise<Entity | undefined> {
  switch (kindOf(key)) {
    case "registered-model": {
      const model = await reads.model(idOf(key));
      return model && toRegisteredModel(model);
    }
    case "model-version": {
      const version = await reads.version(key);
      return version && withoutNotes(version);
    }
    case "stage-transition":
    case "comment":
    case "transition-request":
      return (await reads.notes(versionOf(key))).find((note) => note.key === key);
    case "alias": {
      const name = idOf(modelOf(key));
      const aliases = (await reads.model(name))?.aliases ?? [];
      return aliases.map(({ alias, version }) => toAlias(name, alias, version)).find((alias) => alias.key === key);
    }
    case "experiment":
    case "run":
    case "logged-model":
    case "permission":
    case "webhook":
      return undefined;
  }
}
