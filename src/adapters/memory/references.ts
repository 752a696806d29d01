// What an object of the place needs and refers to, in the place's own keys, from its fields and tags.
import type { Entity, EntityKey, ModelVersion, Run } from "../../model/entities.ts";
import { keyOf, versionKey } from "../../model/keys.ts";
import { REFERENCE_TAGS } from "../../model/references.ts";

export type Has = (key: EntityKey) => boolean;

/** Keys that must be present for the entity to be written; other references may point to what is gone. */
export function required(entity: Entity): EntityKey[] {
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
      return [];
    case "run":
      return [entity.experiment];
    case "logged-model":
      return [entity.experiment, ...entity.outputOf.map((output) => output.run), ...entity.inputOf];
    case "model-version":
      // A logged model that was copied may be gone.
      return [keyOf("registered-model", entity.model), ...(entity.files.owner === "own" ? [] : [entity.files.key])];
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "alias":
      return [versionKey(entity.model, entity.version)];
    case "permission":
      return entity.object === "registry" ? [] : [entity.object];
    case "webhook":
      return entity.model === undefined ? [] : [keyOf("registered-model", entity.model)];
  }
}

/** The entity with `needs` and `mayReference` as this place would yield them: only what is present, itself included. */
export function withReferences<E extends Entity>(entity: E, has: Has): E {
  const needs = unique([...required(entity), ...optional(entity)]).filter((key) => key !== entity.key && has(key));
  const mayReference = tagReferences(entity).filter((key) => (key === entity.key || has(key)) && !needs.includes(key));
  return { ...entity, needs, mayReference };
}

function optional(entity: Entity): EntityKey[] {
  if (entity.kind === "run") return parent(entity);
  if (entity.kind === "model-version") return [...(entity.run === undefined ? [] : [entity.run]), ...copied(entity)];
  if (entity.kind !== "logged-model") return [];
  const measuring = entity.metrics.flatMap((metric) => (metric.run === undefined ? [] : [metric.run]));
  return [...(entity.sourceRun === undefined ? [] : [entity.sourceRun]), ...measuring];
}

function copied({ files }: ModelVersion): EntityKey[] {
  return files.owner === "own" && files.loggedModel !== undefined ? [files.loggedModel] : [];
}

function parent(run: Run): EntityKey[] {
  const id = run.tags.get("mlflow.parentRunId");
  return id === undefined ? [] : [keyOf("run", id)];
}

/** Every word of a reference tag may be the id of a run or a logged model. */
function tagReferences(entity: Entity): EntityKey[] {
  if (!("tags" in entity)) return [];
  const { tags } = entity;
  const words = REFERENCE_TAGS.flatMap((name) => tags.get(name)?.match(/[\w-]+/g) ?? []);
  return unique(words).flatMap((word) => [keyOf("run", word), keyOf("logged-model", word)]);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
