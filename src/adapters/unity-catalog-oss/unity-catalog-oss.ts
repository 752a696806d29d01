// An open-source Unity Catalog as a place by itself: its registry half, and no tracking half. With one: paired.ts.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { Entity, OriginId } from "../../model/entities.ts";
import { isAnswer } from "../../model/question.ts";
import type { Question } from "../../model/question.ts";
import type { Source } from "../../ports/source.ts";
import type { Target } from "../../ports/target.ts";
import { catalogueOf } from "../mlflow/catalogue.ts";
import type { RegistryEntity, RegistryHalf } from "../mlflow/registry-half.ts";
import { createRunSpool } from "../mlflow/run-spool.ts";
import { ossCapabilities } from "./capabilities.ts";
import { openCatalog } from "./catalog.ts";
import type { OssOptions } from "./catalog.ts";

/** Opens it with one request, as openCatalog does. Closing the place closes the client. */
export async function openUnityCatalogOss(options: OssOptions, signal: AbortSignal): Promise<Target> {
  const { http, origin, registry, writing } = await openCatalog(options, { namesRuns: false, signal });
  return {
    ...sourceOf(http, origin, registry),
    async *preflight({ models }, preflight) {
      yield* registry.checkModels?.(models, preflight) ?? [];
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
