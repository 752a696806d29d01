// The models and versions that a selection means, in as few requests as MLflow's registry allows.
import type { HttpClient } from "../../http/client.ts";
import { PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import { sidesOf } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";
import { canBeQuoted, searchModels, searchVersions } from "./calls.ts";
import { chosenByName } from "./chosen-names.ts";
import { toRegisteredModel } from "./convert.ts";
import { chooseAmong } from "./listed-versions.ts";
import { resolvePromotions } from "./promotions.ts";
import type { RegistryStock } from "./registry-half.ts";
import type { WireModelVersion, WireRegisteredModel } from "./wire.ts";

/** Few models are asked for one by one; more than this are cheaper in one listing. */
const MODELS_ASKED_ONE_BY_ONE = 20;

/** See RegistryHalf.stock. */
export async function listRegistry(http: HttpClient, selection: Selection, signal: AbortSignal): Promise<RegistryStock> {
  if (!sidesOf(selection).models) return { models: [], versions: [], others: [], promotions: new Map(), locations: new Map() };
  const models: WireRegisteredModel[] = [];
  for await (const model of searchModels(http, { prompts: false }, signal)) models.push(model);
  const keys = chosenByName(models.map(toRegisteredModel), { globs: "models", selection });
  const chosen = models.filter((model) => keys.has(toRegisteredModel(model).key));
  const names = new Set(chosen.map(({ name }) => name));
  const oneByOne =
    chosen.length < models.length && chosen.length <= MODELS_ASKED_ONE_BY_ONE && chosen.every(({ name }) => canBeQuoted(name));
  const versions = new Map<string, WireModelVersion>();
  for (const name of oneByOne ? names : [undefined]) {
    for await (const version of searchVersions(http, name, signal)) {
      if (names.has(version.name) && !version.tags.has(PLACEHOLDER_TAG)) versions.set(`${version.name}/${version.version}`, version);
    }
  }
  const listed = chooseAmong([...versions.values()], chosen, selection);
  return { models, ...listed, ...(await resolvePromotions(http, listed.versions, signal)) };
}

/** On a version that mlferry made to use up a number, and did not come to remove. */
export const PLACEHOLDER_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.placeholder}`;
