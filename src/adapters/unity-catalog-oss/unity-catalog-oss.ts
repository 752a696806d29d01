// An open-source Unity Catalog as a place: the registry half that Databricks' has, in the server's own dialect, and no tracking half.
import { originId } from "../../model/keys.ts";
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { Entity, OriginId } from "../../model/entities.ts";
import { isAnswer } from "../../model/question.ts";
import type { Question } from "../../model/question.ts";
import type { Source } from "../../ports/source.ts";
import type { Target } from "../../ports/target.ts";
import { get } from "../mlflow/calls.ts";
import { catalogueOf } from "../mlflow/catalogue.ts";
import type { RegistryEntity, RegistryHalf } from "../mlflow/registry-half.ts";
import { createRunSpool } from "../mlflow/run-spool.ts";
import { createRegistry } from "../mlflow/target-registry.ts";
import { createCatalogReader } from "../unity-catalog/reads.ts";
import { createCatalogRegistry } from "../unity-catalog/registry.ts";
import { checkSchemas } from "../unity-catalog/schemas.ts";
import { createCatalogWriting } from "../unity-catalog/unity-catalog.ts";
import { createOssCalls } from "./calls.ts";
import { ossCapabilities } from "./capabilities.ts";
import { createOssReads, OSS_API } from "./reads.ts";
import { createOssFiles } from "./version-files.ts";
import type { OssFilesOptions } from "./version-files.ts";
import { wire } from "./wire.ts";

export type OssOptions = Omit<OssFilesOptions, "reads">;

/**
 * Opens it with one request. Throws SERVER_UNREACHABLE, NOT_AUTHORISED or
 * NOT_A_REGISTRY. Closing the place closes the client.
 */
export async function openUnityCatalogOss({ http, ...access }: OssOptions, signal: AbortSignal): Promise<Target> {
  const origin = await originOf(http, signal);
  const reads = createOssReads(http);
  const files = createOssFiles({ http, reads, ...access });
  const reader = createCatalogReader(reads, undefined);
  const writing = createCatalogWriting({
    calls: createOssCalls(http),
    registry: createRegistry(reader),
    reader,
    reads,
    files,
    workspaceId: undefined,
    dependencies: false,
  });
  const registry = createCatalogRegistry({
    reads,
    files,
    writing: () => writing,
    checkModels: (models, options) => checkSchemas(http, models, options.signal),
  });
  return {
    ...sourceOf(http, origin, registry),
    async *preflight({ models }, options) {
      yield* registry.checkModels?.(models, options) ?? [];
    },
    find: async (entity, context) => (isRegistered(entity) ? writing.find(entity, context) : undefined),
    async put(entity, context) {
      if (isRegistered(entity)) return writing.put(entity, context);
      throw notHeld(entity);
    },
    link: (run) => Promise.reject(notHeld(run)),
    remove: (entity) => Promise.reject(notHeld(entity)),
    finish: () => Promise.resolve(),
  };
}

/** By the metastore's id, which stays when the server moves. */
async function originOf(http: HttpClient, signal: AbortSignal): Promise<OriginId> {
  const { metastore_id: id } = await get(http, `${OSS_API}/metastore_summary`, { schema: wire.metastore, signal });
  return originId("unity-catalog-oss", id);
}

function sourceOf(http: HttpClient, origin: OriginId, registry: RegistryHalf): Source {
  return {
    uri: `uc:${http.baseUrl}`,
    origin,
    capabilities: ossCapabilities,
    async select(selection, signal) {
      const stock = await registry.stock(selection, signal);
      const attached = { parts: [], histories: new Map(), notCarried: [] };
      const nothing = { experiments: new Map(), runs: new Map(), found: undefined, loggedModels: new Map(), attached };
      // No run is ever spooled.
      const spool = createRunSpool();
      try {
        return catalogueOf({ ...stock, ...nothing }, { selection, spool, placeOf: registry.placeOf });
      } finally {
        spool.close();
      }
    },
    async *ask(question, signal) {
      for await (const entity of candidates(registry, question, signal)) if (isAnswer(entity, question)) yield entity;
    },
    histories: () => ({ points: () => nothingAtAll() }),
    artifacts(owner, signal) {
      const files = owner.kind === "model-version" ? registry.reader?.(owner, signal) : undefined;
      if (files === undefined) throw notHeld(owner);
      return files;
    },
    close: () => http.close(),
  };
}

async function* candidates(registry: RegistryHalf, question: Question, signal: AbortSignal): AsyncGenerator<Entity> {
  switch (question.about) {
    case "key": {
      const entity = await registry.object(question.key, signal);
      if (entity !== undefined) yield entity;
      return;
    }
    case "names":
      if (question.kind === "registered-model") yield* registry.models(question.name, signal);
      return;
    case "dependants":
      yield* registry.dependants(question.key, signal);
      return;
    case "origin":
      yield* registry.placedFrom(question.key, signal);
      return;
  }
}

async function* nothingAtAll(): AsyncGenerator<never> {
  // There are no runs.
}

function isRegistered(entity: Entity): entity is RegistryEntity {
  return entity.kind === "registered-model" || entity.kind === "model-version";
}

function notHeld({ key }: Pick<Entity, "key">): MigrationError {
  return new MigrationError("NOT_SUPPORTED", `an open-source Unity Catalog has no place for ${key}`, { key });
}
