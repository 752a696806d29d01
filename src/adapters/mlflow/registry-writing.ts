// The writing side of a registry whose calls are MLflow's, whatever stands behind them: each object goes to what writes its kind. Only how a
// version is made differs from one registry to another.
import { MigrationError } from "../../errors.ts";
import type { ModelVersion, PlacedKey } from "../../model/entities.ts";
import type { FindContext, Found, PutContext } from "../../ports/target.ts";
import type { RegistryEntity, RegistryWriting } from "./registry-half.ts";
import { putAlias, putModel } from "./target-models.ts";
import type { ModelWriting } from "./target-models.ts";
import { findNote, putNote } from "./target-notes.ts";
import type { NoteWriting } from "./target-notes.ts";
import { findAlias, findModel, findVersion } from "./target-registry.ts";

export interface RegistryWriters extends ModelWriting, NoteWriting {
  readonly putVersion: (version: ModelVersion, context: PutContext) => Promise<PlacedKey>;
}

export function createRegistryWriting(writers: RegistryWriters): RegistryWriting {
  return {
    find: (entity, context) => find(writers, entity, context),
    put: (entity, context) => put(writers, entity, context),
  };
}

async function find({ registry }: RegistryWriters, entity: RegistryEntity, context: FindContext): Promise<Found | undefined> {
  switch (entity.kind) {
    case "registered-model":
      return findModel(registry, entity, context);
    case "model-version":
      return findVersion(registry, entity, context);
    case "alias":
      return findAlias(registry, entity, context);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return findNote({ registry }, entity, context);
    case "permission":
    case "webhook":
      return undefined;
  }
}

async function put(writers: RegistryWriters, entity: RegistryEntity, context: PutContext): Promise<PlacedKey> {
  switch (entity.kind) {
    case "registered-model":
      return putModel(writers, entity, context);
    case "model-version":
      return writers.putVersion(entity, context);
    case "alias":
      return putAlias(writers, entity, context);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return putNote(writers, entity, context);
    case "permission":
    case "webhook":
      throw new MigrationError("NOT_SUPPORTED", `cannot write ${entity.key}: the target has no such objects`, { side: "target" });
  }
}
