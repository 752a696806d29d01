// What a place tells of the objects that mlferry put there: where they came from, by their provenance.
import type { Alias, Entity, EntityKey, ModelVersion, Stage } from "../model/entities.ts";
import { STAGES } from "../model/entities.ts";
import { aliasKey, idOf, keyOf, modelOf, numberIn, PROVENANCE, versionKey } from "../model/keys.ts";
import { STAGE_TAG } from "./stage-claims.ts";
import type { MovedObject } from "./uri-table.ts";

/**
 * The objects of a stream that came from elsewhere. An alias carries no provenance: it is taken to have had its name before, at the model and
 * version that it points to now. Versions come before their aliases.
 */
export async function* movedObjects(entities: AsyncIterable<Entity>): AsyncGenerator<MovedObject> {
  const versions = new Map<EntityKey, EntityKey>();
  for await (const entity of entities) {
    if (entity.kind === "alias") {
      yield* aliasAt(entity, versions);
      continue;
    }
    const id = entity.provenance.get(PROVENANCE.sourceId);
    if (id === undefined) continue;
    const source = keyOf(entity.kind, id);
    if (entity.kind !== "model-version") yield { source, target: entity.key };
    else {
      versions.set(entity.key, source);
      yield { source, target: entity.key, detail: stageOf(entity) };
    }
  }
}

function stageOf(version: ModelVersion): { readonly stage: Stage; readonly stageKept: boolean } {
  const noted = STAGES.find((stage) => stage === version.tags.get(STAGE_TAG));
  return { stage: noted ?? version.stage, stageKept: noted === undefined && version.stage !== "None" };
}

function aliasAt(alias: Alias, versions: ReadonlyMap<EntityKey, EntityKey>): MovedObject[] {
  const source = versions.get(versionKey(alias.model, alias.version));
  if (source === undefined) return [];
  return [{ source: aliasKey(idOf(modelOf(source)), alias.alias), target: alias.key, detail: { version: numberIn(source) } }];
}
