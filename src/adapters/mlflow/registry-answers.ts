// Answers small questions about MLflow's registry with searches that the server itself filters.
import type { HttpClient } from "../../http/client.ts";
import type { Entity, EntityKey, RegisteredModel } from "../../model/entities.ts";
import { idOf, kindOf, PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import { withoutNotes } from "../../model/notes.ts";
import { canBeQuoted, filterVersions, quoted, searchModels } from "./calls.ts";
import * as convert from "./convert.ts";
import { readModel, readNotes } from "./registry-objects.ts";
import { PLACEHOLDER_TAG } from "./registry-stock.ts";
import { readWireModel } from "./single-objects.ts";
import { versionAlone } from "./target-registry-reads.ts";
import type { WireModelVersion } from "./wire.ts";

/** See RegistryHalf.models. */
export async function* modelsNamed(http: HttpClient, name: string | undefined, signal: AbortSignal): AsyncGenerator<RegisteredModel> {
  if (name === undefined) {
    for await (const model of searchModels(http, { prompts: false }, signal)) yield convert.toRegisteredModel(model);
    return;
  }
  const model = await readModel(http, name, signal);
  if (model !== undefined) yield convert.toRegisteredModel(model);
}

/** See RegistryHalf.dependants. */
export async function* registryDependants(http: HttpClient, key: EntityKey, signal: AbortSignal): AsyncGenerator<Entity> {
  const id = idOf(key);
  switch (kindOf(key)) {
    case "run":
      yield* versions(http, `run_id = '${id}'`, signal);
      return;
    case "logged-model":
      yield* versionsOfLoggedModel(http, id, signal);
      return;
    case "registered-model":
      yield* versions(http, canBeQuoted(id) ? `name = ${quoted(id)}` : undefined, signal);
      yield* aliasesOf(http, id, signal);
      return;
    case "model-version":
      yield* versions(http, canBeQuoted(id) ? `source_path = ${quoted(`models:/${id}`)}` : undefined, signal);
      yield* await readNotes(http, key, signal);
      yield* aliasesOf(http, id.slice(0, id.lastIndexOf("/")), signal);
      return;
    case "experiment":
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
    case "alias":
      return;
  }
}

async function* aliasesOf(http: HttpClient, model: string, signal: AbortSignal): AsyncGenerator<Entity> {
  for (const { alias, version } of (await readModel(http, model, signal))?.aliases ?? []) yield convert.toAlias(model, alias, version);
}

/** The server notes in a tag which versions were made of a logged model; a version may also name the model's folder. */
async function* versionsOfLoggedModel(http: HttpClient, id: string, signal: AbortSignal): AsyncGenerator<Entity> {
  const model = await readWireModel(http, id, signal);
  if (model === undefined) return;
  const seen = new Set<EntityKey>();
  for (const source of [`models:/${id}`, model.info.artifact_uri].filter(canBeQuoted)) {
    for await (const version of versions(http, `source_path = ${quoted(source)}`, signal)) {
      if (!seen.has(version.key)) yield version;
      seen.add(version.key);
    }
  }
}

/** See RegistryHalf.placedFrom. */
export async function* registeredFrom(http: HttpClient, key: EntityKey, signal: AbortSignal): AsyncGenerator<Entity> {
  const filter = sourceIdFilter(key);
  if (kindOf(key) === "model-version") yield* versions(http, filter, signal);
  if (kindOf(key) !== "registered-model") return;
  const options = { prompts: false, ...(filter === undefined ? {} : { filter }) };
  for await (const model of searchModels(http, options, signal)) yield convert.toRegisteredModel(model);
}

/** By the tag that holds the native id at the source; a text that no filter can hold is looked for in the whole list. */
export function sourceIdFilter(key: EntityKey): string | undefined {
  const id = idOf(key);
  return canBeQuoted(id) ? `tags.${PROVENANCE_PREFIX}${PROVENANCE.sourceId} = ${quoted(id)}` : undefined;
}

async function* versions(http: HttpClient, filter: string | undefined, signal: AbortSignal): AsyncGenerator<Entity> {
  const isOwn = ({ tags }: WireModelVersion): boolean => !tags.has(PLACEHOLDER_TAG);
  for await (const version of filterVersions(http, filter, signal)) if (isOwn(version)) yield withoutNotes(versionAlone(version));
}
