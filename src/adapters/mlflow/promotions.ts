// Which version another one was promoted from: a source of the form `models:/name/3`, which the server resolves once, at creation.
import type { HttpClient, Query } from "../../http/client.ts";
import type { EntityKey } from "../../model/entities.ts";
import { versionKey } from "../../model/keys.ts";
import { get } from "./calls.ts";
import { wire } from "./wire.ts";
import type { WireModelVersion } from "./wire.ts";

export interface Promotions {
  /** Versions that were promoted from another one of the same list, with that one. */
  readonly promotions: ReadonlyMap<EntityKey, EntityKey>;
  /** Where files really lie, for versions whose source does not tell: promoted from a version outside the list. */
  readonly locations: ReadonlyMap<EntityKey, string>;
}

/**
 * Sorts out the sources of the form `models:/name/3`: the version that is meant where that is among `versions`, else where the server
 * says that the files lie. Promotion keeps the run, and a name can be given anew after a rename, so name and number alone prove nothing.
 */
export async function resolvePromotions(http: HttpClient, versions: readonly WireModelVersion[], signal: AbortSignal): Promise<Promotions> {
  const byKey = new Map(versions.map((version) => [versionKey(version.name, version.version), version]));
  const promotions = new Map<EntityKey, EntityKey>();
  const unclear: WireModelVersion[] = [];
  for (const version of versions) {
    const key = promotedFrom(version.source);
    if (key === undefined) continue;
    const original = byKey.get(key);
    if (original !== undefined && isPromotionOf(version, original)) promotions.set(versionKey(version.name, version.version), key);
    else unclear.push(version);
  }
  const locations = await Promise.all(
    unclear.map(async (version) => [versionKey(version.name, version.version), await locate(version)] as const),
  );
  return { promotions, locations: new Map(locations) };

  async function locate({ name, version }: WireModelVersion): Promise<string> {
    const query: Query = [
      ["name", name],
      ["version", String(version)],
    ];
    const path = "/api/2.0/mlflow/model-versions/get-download-uri";
    return (await get(http, path, { query, schema: wire.downloadUri, signal })).artifact_uri;
  }
}

/** The version that a source of the form `models:/name/3` names. */
function promotedFrom(source: string): EntityKey | undefined {
  const match = /^models:\/(.+)\/(\d+)$/s.exec(source);
  return match?.[1] === undefined ? undefined : versionKey(match[1], Number(match[2]));
}

function isPromotionOf(version: WireModelVersion, original: WireModelVersion): boolean {
  if (original === version || (version.run_id !== "" && version.run_id !== original.run_id)) return false;
  return (original.creation_timestamp ?? 0n) <= (version.creation_timestamp ?? original.creation_timestamp ?? 0n);
}
