// Two ways to name the files of a promoted version: as those of the version that it came from, or where they lie. Which one a source
// uses depends on whether that version is selected too, so what is at the target may be named in the other way and be the same.
import type { ModelVersion, VersionFiles } from "../../model/entities.ts";
import { idOf, numberIn } from "../../model/keys.ts";

/** As much of the target's registry as it takes: versions by model. */
export interface VersionsThere {
  snapshot(
    model: string,
    signal: AbortSignal,
  ): Promise<{ readonly versions: ReadonlyMap<number, { readonly entity: ModelVersion }> } | undefined>;
}

/** The version at the target, its files named as `wanted` names them where both mean the same place. */
export async function inWordsOf(
  wanted: Pick<ModelVersion, "files">,
  there: ModelVersion,
  { registry, signal }: { readonly registry: VersionsThere; readonly signal: AbortSignal },
): Promise<ModelVersion> {
  if (wanted.files.owner !== "version" && there.files.owner !== "version") return there;
  const places = await Promise.all([wanted.files, there.files].map((files) => placeOf(files, registry, signal)));
  const [here, present] = places.map((place) => JSON.stringify(place));
  return here === present ? { ...there, files: wanted.files } : there;
}

/** Follows promotions to their end; a version that is not there is where it ends. */
async function placeOf(files: VersionFiles, registry: VersionsThere, signal: AbortSignal): Promise<string[]> {
  const seen = new Set<string>();
  let place = files;
  while (place.owner === "version" && !seen.has(place.key)) {
    seen.add(place.key);
    const model = idOf(place.key).replace(/\/\d+$/, "");
    const version = (await registry.snapshot(model, signal))?.versions.get(numberIn(place.key));
    if (version === undefined || version.entity.files.owner === "own") break;
    place = version.entity.files;
  }
  return place.owner === "own" ? [place.owner] : [place.owner, place.key, "path" in place ? place.path : ""];
}
