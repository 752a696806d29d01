// Moves an entity into the target's namespace: references to placed objects become the target's own keys and ids.
import type { Alias, Entity, EntityKey, ModelVersion, PlacedKey, Tags, VersionEntry, VersionFiles } from "./entities.ts";
import { idOf, kindOf, numberIn } from "./keys.ts";
import { REFERENCE_TAGS } from "./references.ts";

export type Placed = (key: EntityKey) => PlacedKey | undefined;

/**
 * The entity with every reference that `placed` knows rewritten: fields, and ids inside the tags of REFERENCE_TAGS.
 * An alias, a comment and their like point at the number that their version has got. Unknown references stay as they are. Names, the
 * entity's own number and its own `key` are not touched.
 */
export function localise<E extends Entity>(entity: E, placed: Placed): E {
  return localiseFields(entity, placed) as E;
}

/** References of the entity that `placed` does not know yet. */
export function unplaced(entity: Entity, placed: Placed): EntityKey[] {
  return entity.mayReference.filter((key) => placed(key) === undefined);
}

function localiseFields(entity: Entity, placed: Placed): Entity {
  const at = (key: EntityKey): EntityKey => placed(key) ?? key;
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
    case "webhook":
      return entity;
    case "run":
      return { ...entity, experiment: at(entity.experiment), tags: localiseTags(entity, placed) };
    case "logged-model": {
      const sourceRun = entity.sourceRun;
      return {
        ...entity,
        experiment: at(entity.experiment),
        ...(sourceRun === undefined ? {} : { sourceRun: at(sourceRun) }),
        tags: localiseTags(entity, placed),
        metrics: entity.metrics.map((metric) => (metric.run === undefined ? metric : { ...metric, run: at(metric.run) })),
        outputOf: entity.outputOf.map((output) => ({ ...output, run: at(output.run) })),
        inputOf: entity.inputOf.map(at),
      };
    }
    case "model-version":
      return localiseVersion(entity, placed);
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "alias":
      return numbered(entity, placed);
    case "permission":
      return entity.object === "registry" ? entity : { ...entity, object: at(entity.object) };
  }
}

/** Points at the number under which its version was placed. */
function numbered<E extends Alias | VersionEntry>(entity: E, placed: Placed): E {
  const version = entity.needs.map(placed).find((key) => key !== undefined && kindOf(key) === "model-version");
  return version === undefined ? entity : { ...entity, version: numberIn(version) };
}

function localiseVersion(version: ModelVersion, placed: Placed): ModelVersion {
  const at = (key: EntityKey): EntityKey => placed(key) ?? key;
  return {
    ...version,
    ...(version.run === undefined ? {} : { run: at(version.run) }),
    files: localiseFiles(version.files, at),
    tags: localiseTags(version, placed),
  };
}

function localiseFiles(files: VersionFiles, at: (key: EntityKey) => EntityKey): VersionFiles {
  if (files.owner !== "own") return { ...files, key: at(files.key) };
  return files.loggedModel === undefined ? files : { ...files, loggedModel: at(files.loggedModel) };
}

function localiseTags(entity: Entity & { tags: Tags }, placed: Placed): Tags {
  const ids = [...entity.needs, ...entity.mayReference].flatMap((key) => {
    const place = placed(key);
    return place === undefined || place === key ? [] : [[idOf(key), idOf(place)] as const];
  });
  if (ids.length === 0) return entity.tags;
  const tags = new Map(entity.tags);
  for (const name of REFERENCE_TAGS) {
    const value = tags.get(name);
    if (value !== undefined) tags.set(name, replaceIds(value, ids));
  }
  return tags;
}

/** Ids are 32 hexadecimal digits (models: `m-` before them), so one pass over the text cannot hit anything else. */
function replaceIds(text: string, ids: readonly (readonly [string, string])[]): string {
  const byId = new Map(ids);
  return text.replace(/[A-Za-z0-9_-]+/g, (word) => byId.get(word) ?? word);
}
