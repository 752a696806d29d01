// Where a version's files lie: below its run, below a logged model, in the version it was promoted from, or nowhere else.
// Paths are compared part by part, never as substrings: a bucket may well be called "models" or "artifacts".
import type { VersionFiles } from "../../model/entities.ts";
import { versionKey } from "../../model/keys.ts";
import { below, normal } from "./artifact-places.ts";
import { loggedModelKey, runKey } from "./convert.ts";
import type { VersionPlace } from "./convert.ts";
import type { Promotions } from "./promotions.ts";
import type { RunIndex } from "./stock.ts";
import { CARRIER_TAG } from "./target-calls.ts";
import type { WireLoggedModel, WireModelVersion } from "./wire.ts";

/** What a version's files may lie in. */
export interface Known extends Promotions {
  readonly runs: ReadonlyMap<string, RunIndex>;
  readonly loggedModels: ReadonlyMap<string, WireLoggedModel>;
}

/** Resolves a version's source against what is known to exist. */
export function placeOf(version: WireModelVersion, inventory: Known): VersionPlace {
  const run = inventory.runs.has(version.run_id) ? { run: runKey(version.run_id) } : {};
  // A carrier run, which is no run of the inventory, only holds the files: the version has them as its own.
  if (version.tags.has(CARRIER_TAG)) return { files: { owner: "own" }, ...run };
  const promoted = inventory.promotions.get(versionKey(version.name, version.version));
  if (promoted !== undefined) return { files: { owner: "version", key: promoted }, ...run };
  const uri = inventory.locations.get(versionKey(version.name, version.version)) ?? version.source;
  return { files: filesAt(uri, version.run_id, inventory), ...run };
}

function filesAt(uri: string, runId: string, inventory: Known): VersionFiles {
  const [, model] = /^models:\/(m-[0-9a-f]{32})\/?$/.exec(uri) ?? [];
  if (model !== undefined)
    return inventory.loggedModels.has(model) ? { owner: "logged-model", key: loggedModelKey(model), path: "" } : { owner: "own" };
  const [, named, path = ""] = /^runs:\/([^/]+)\/?(.*)$/s.exec(uri) ?? [];
  if (named !== undefined) {
    if (!inventory.runs.has(named)) return { owner: "own" };
    return namedModel(named, normal(path), inventory) ?? { owner: "run", key: runKey(named), path: normal(path) };
  }
  return belowModel(uri, inventory) ?? belowRun(uri, runId, inventory) ?? { owner: "own" };
}

/**
 * `runs:/<run>/<name>/…` means the newest logged model of that name which the run made, if there is one: its files win over those of
 * the run (mlflow/store/artifact/runs_artifact_repo.py).
 */
function namedModel(run: string, path: string, inventory: Known): VersionFiles | undefined {
  const [name = "", ...rest] = path.split("/");
  let newest: WireLoggedModel["info"] | undefined;
  for (const { model: id } of inventory.runs.get(run)?.outputs ?? []) {
    const info = inventory.loggedModels.get(id)?.info;
    if (info?.name !== name || info.source_run_id !== run) continue;
    if ((info.creation_timestamp_ms ?? 0n) >= (newest?.creation_timestamp_ms ?? 0n)) newest = info;
  }
  return newest && { owner: "logged-model", key: loggedModelKey(newest.model_id), path: rest.join("/") };
}

/** The last id in the path decides: a logged model's root holds its experiment's, never another model's. */
function belowModel(uri: string, inventory: Known): VersionFiles | undefined {
  const [id] = uri.match(/m-[0-9a-f]{32}/g)?.slice(-1) ?? [];
  const root = id === undefined ? undefined : inventory.loggedModels.get(id)?.info.artifact_uri;
  const path = root === undefined ? undefined : below(uri, root);
  return id === undefined || path === undefined ? undefined : { owner: "logged-model", key: loggedModelKey(id), path };
}

function belowRun(uri: string, runId: string, inventory: Known): VersionFiles | undefined {
  for (const id of new Set([runId, ...(uri.match(/(?<![0-9a-z-])[0-9a-f]{32}(?![0-9a-z])/g) ?? [])])) {
    const root = inventory.runs.get(id)?.artifactUri;
    const path = root === undefined || root === "" ? undefined : below(uri, root);
    if (path !== undefined) return { owner: "run", key: runKey(id), path };
  }
  return undefined;
}
