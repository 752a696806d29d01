// The registry half of a workspace whose models live in Unity Catalog: reading. Writing is put-version.ts and MLflow's own for the rest.
import type { Entity, EntityKey, RegisteredModel, VersionEntry } from "../../model/entities.ts";
import { idOf, kindOf, modelOf, numberIn, PROVENANCE } from "../../model/keys.ts";
import { notesOn, withoutNotes } from "../../model/notes.ts";
import { sidesOf } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";
import { readerOver } from "../databricks/file-ways.ts";
import { deferredReader } from "../mlflow/artifacts.ts";
import { chosenByName } from "../mlflow/chosen-names.ts";
import { toAlias, toRegisteredModel } from "../mlflow/convert.ts";
import { chooseAmong } from "../mlflow/listed-versions.ts";
import { registeredObject } from "../mlflow/registered-object.ts";
import type { RegistryHalf, RegistryStock } from "../mlflow/registry-half.ts";
import { PLACEHOLDER_TAG } from "../mlflow/registry-stock.ts";
import type { WireRegisteredModel } from "../mlflow/wire.ts";
import { placeOfVersion, versionAlone } from "./reads.ts";
import type { CatalogReads, CatalogVersion } from "./reads.ts";
import type { VersionFileAccess } from "./version-files.ts";

export interface CatalogParts {
  readonly reads: CatalogReads;
  readonly files: VersionFileAccess;
  readonly writing: RegistryHalf["writing"];
  readonly checkModels: NonNullable<RegistryHalf["checkModels"]>;
}

export function createCatalogRegistry({ reads, files, writing, checkModels }: CatalogParts): RegistryHalf {
  return {
    stock: (selection, signal) => stockOf(reads, selection, signal),
    placeOf: (wire, { runs, loggedModels }) => placeOfVersion(wire, (id) => runs.has(id) || loggedModels.has(id)),
    object: (key, signal) => objectOf(reads, key, signal),
    models: (name, signal) => modelsOf(reads, name, signal),
    dependants: (key, signal) => dependantsOf(reads, key, signal),
    placedFrom: (key, signal) => placedFrom(reads, key, signal),
    reader: (version, signal) => deferredReader(async () => readerOver(await files.way(version, "read", signal), signal)),
    checkModels,
    writing,
  };
}

/** Tags are asked for only of models that the names let through. */
async function stockOf(reads: CatalogReads, selection: Selection, signal: AbortSignal): Promise<RegistryStock> {
  const none = { promotions: new Map(), locations: new Map() };
  if (!sidesOf(selection).models) return { models: [], versions: [], others: [], ...none };
  const { tags: _tags, ...byName } = selection;
  const listed = await listedBy(reads, signal);
  const named = chosenByName(listed.map(toRegisteredModel), { globs: "models", selection: byName });
  const models = await Promise.all(
    listed.map(async (model) => (named.has(toRegisteredModel(model).key) ? ((await reads.whole(model, signal)) ?? model) : model)),
  );
  models.sort((a, b) => (a.name < b.name ? -1 : 1));
  const keys = chosenByName(models.map(toRegisteredModel), { globs: "models", selection });
  const chosen = models.filter((model) => keys.has(toRegisteredModel(model).key));
  const versions = (await Promise.all(chosen.map(({ name }) => reads.versions(name, signal)))).flat().filter(isVersion);
  return {
    models,
    ...none,
    ...chooseAmong(
      versions.map(({ wire }) => wire),
      chosen,
      selection,
    ),
  };
}

async function listedBy(reads: CatalogReads, signal: AbortSignal): Promise<WireRegisteredModel[]> {
  const listed: WireRegisteredModel[] = [];
  for await (const model of reads.listed(signal)) listed.push(model);
  return listed;
}

/** What only uses up a number, or never got its files, is no version yet. */
function isVersion({ wire, status }: CatalogVersion): boolean {
  return !wire.tags.has(PLACEHOLDER_TAG) && status === "READY";
}

function objectOf(reads: CatalogReads, key: EntityKey, signal: AbortSignal): Promise<Entity | undefined> {
  return registeredObject(key, {
    model: (name) => reads.model(name, signal),
    async version(version) {
      const found = await reads.version(idOf(modelOf(version)), numberIn(version), signal);
      return found && versionAlone(found);
    },
    notes: (version) => notesAt(reads, version, signal),
  });
}

async function notesAt(reads: CatalogReads, key: EntityKey, signal: AbortSignal): Promise<VersionEntry[]> {
  const version = await reads.version(idOf(modelOf(key)), numberIn(key), signal);
  return version === undefined ? [] : notesOn(versionAlone(version));
}

async function aliasesOf(reads: CatalogReads, model: string, signal: AbortSignal): Promise<Entity[]> {
  return ((await reads.model(model, signal))?.aliases ?? []).map(({ alias, version }) => toAlias(model, alias, version));
}

async function* modelsOf(reads: CatalogReads, name: string | undefined, signal: AbortSignal): AsyncGenerator<RegisteredModel> {
  if (name !== undefined) {
    const model = await reads.model(name, signal);
    if (model !== undefined) yield toRegisteredModel(model);
    return;
  }
  const listed = await listedBy(reads, signal);
  const models = await Promise.all(listed.map((model) => reads.whole(model, signal)));
  yield* models.filter((model) => model !== undefined).map(toRegisteredModel);
}

/** Of a run or logged model, nothing short of reading every version would tell. */
async function* dependantsOf(reads: CatalogReads, key: EntityKey, signal: AbortSignal): AsyncGenerator<Entity> {
  const kind = kindOf(key);
  if (kind === "registered-model") yield* (await reads.versions(idOf(key), signal)).filter(isVersion).map(versionAlone).map(withoutNotes);
  if (kind === "registered-model") yield* await aliasesOf(reads, idOf(key), signal);
  if (kind === "model-version") yield* await notesAt(reads, key, signal);
  if (kind === "model-version") yield* await aliasesOf(reads, idOf(modelOf(key)), signal);
}

async function* placedFrom(reads: CatalogReads, key: EntityKey, signal: AbortSignal): AsyncGenerator<Entity> {
  const isFrom = ({ provenance }: Pick<Entity, "provenance">): boolean => provenance.get(PROVENANCE.sourceId) === idOf(key);
  for await (const model of modelsOf(reads, undefined, signal)) {
    if (kindOf(key) === "registered-model" && isFrom(model)) yield model;
    if (kindOf(key) !== "model-version") continue;
    yield* (await reads.versions(model.name, signal)).filter(isVersion).map(versionAlone).filter(isFrom).map(withoutNotes);
  }
}
