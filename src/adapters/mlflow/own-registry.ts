// MLflow's own registry, which stands behind the same address as its tracking.
import type { HttpClient } from "../../http/client.ts";
import { modelsNamed, registeredFrom, registryDependants } from "./registry-answers.ts";
import type { RegistryHalf, RegistryWriting, TrackingParts } from "./registry-half.ts";
import { readRegistered } from "./registry-objects.ts";
import { listRegistry } from "./registry-stock.ts";
import { createRegistryWriting } from "./registry-writing.ts";
import { createRegistryReader } from "./target-registry-reads.ts";
import type { RegistryReader } from "./target-registry-reads.ts";
import { createRegistry } from "./target-registry.ts";
import { createVersionOrigins } from "./target-version-origins.ts";
import { putVersion } from "./target-versions.ts";
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
  const versions = { calls, registry, reader, origins };
  return createRegistryWriting({ calls, registry, valueChars, putVersion: (version, context) => putVersion(versions, version, context) });
}
