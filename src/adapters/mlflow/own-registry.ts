// MLflow's own registry, which stands behind the same address as its tracking.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { PlacedKey } from "../../model/entities.ts";
import type { FindContext, Found, PutContext } from "../../ports/target.ts";
import { modelsNamed, registeredFrom, registryDependants } from "./registry-answers.ts";
import type { RegistryEntity, RegistryHalf, RegistryWriting, TrackingParts } from "./registry-half.ts";
import { readRegistered } from "./registry-objects.ts";
import { listRegistry } from "./registry-stock.ts";
import { putAlias, putModel } from "./target-models.ts";
import { findNote, putNote } from "./target-notes.ts";
import type { NoteWriting } from "./target-notes.ts";
import { createRegistryReader } from "./target-registry-reads.ts";
import type { RegistryReader } from "./target-registry-reads.ts";
import { createRegistry, findAlias, findModel, findVersion } from "./target-registry.ts";
import type { Registry } from "./target-registry.ts";
import { createVersionOrigins } from "./target-version-origins.ts";
import { putVersion } from "./target-versions.ts";
import type { VersionWriting } from "./target-versions.ts";
import { placeOf } from "./version-place.ts";

export function createOwnRegistry(http: HttpClient): RegistryHalf {
  return {
    stock: (selection, signal) => listRegistry(http, selection, signal),
    placeOf,
    object: (key, signal) => readRegistered(http, key, signal),
    models: (name, signal) => modelsNamed(http, name, signal),
    dependants: (key, signal) => registryDependants(http, key, signal),
    placedFrom: (key, signal) => registeredFrom(http, key, signal),
    writing: (tracking) => registryWriting(tracking, createRegistryReader(tracking.server.http, tracking.calls)),
  };
}

/** The writing side of a registry that speaks as MLflow's does. `reader` reads what is there. */
export function registryWriting(tracking: TrackingParts, reader: RegistryReader): RegistryWriting {
  const { server, calls, runs, loggedModels, carriers } = tracking;
  const freeRuns = server.capabilities.versionFiles === "by-free-reference";
  const registry = createRegistry(reader);
  const origins = createVersionOrigins({ server, runs, loggedModels, carriers, freeRuns });
  const { valueChars } = server.capabilities.tags["model-version"] ?? {};
  const versions = { calls, registry, reader, origins, valueChars };
  return {
    find: (entity, context) => find(registry, entity, context),
    put: (entity, context) => put(versions, entity, context),
  };
}

async function find(registry: Registry, entity: RegistryEntity, context: FindContext): Promise<Found | undefined> {
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

async function put(writing: VersionWriting & NoteWriting, entity: RegistryEntity, context: PutContext): Promise<PlacedKey> {
  switch (entity.kind) {
    case "registered-model":
      return putModel(writing, entity, context);
    case "model-version":
      return putVersion(writing, entity, context);
    case "alias":
      return putAlias(writing, entity, context);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return putNote(writing, entity, context);
    case "permission":
    case "webhook":
      throw new MigrationError("NOT_SUPPORTED", `cannot write ${entity.key}: an MLflow server has no such objects`, { side: "target" });
  }
}
