// Where a version's files lie: below its run, below a logged model, in the version it was promoted from, or nowhere else.
// Paths are compared part by part, never as substrings: a bucket may well be called "models" or "artifacts".
import type { VersionFiles } from "../../model/entities.ts";
import { PROVENANCE, PROVENANCE_PREFIX, versionKey } from "../../model/keys.ts";
import { loggedModelKey, runKey, type VersionPlace } from "./convert.ts";
import { promotedFrom, type Inventory } from "./inventory.ts";
import type { WireModelVersion } from "./wire.ts";

/** Resolves a version's source against what is known to exist. */
export function placeOf(version: WireModelVersion, inventory: Inventory): VersionPlace {
  // A carrier run only holds the files: the version has them as its own.
  if (version.tags.has(`${PROVENANCE_PREFIX}${PROVENANCE.carrier}`)) return { files: { owner: "own" } };
  const run = inventory.runs.has(version.run_id) ? { run: runKey(version.run_id) } : {};
  const promoted = promotedFrom(version.source);
  const isSelected = promoted !== undefined && inventory.versions.some((other) => versionKey(other.name, other.version) === promoted);
  if (isSelected) return { files: { owner: "version", key: promoted }, ...run };
  const uri = inventory.locations.get(versionKey(version.name, version.version)) ?? version.source;
  return { files: filesAt(uri, version.run_id, inventory), ...run };
}

function filesAt(uri: string, runId: string, inventory: Inventory): VersionFiles {
  const [, model] = /^models:\/(m-[0-9a-f]{32})\/?$/.exec(uri) ?? [];
  if (model !== undefined)
    return inventory.loggedModels.has(model) ? { owner: "logged-model", key: loggedModelKey(model), path: "" } : { owner: "own" };
  const [, named, path = ""] = /^runs:\/([^/]+)\/?(.*)$/s.exec(uri) ?? [];
  if (named !== undefined) return inventory.runs.has(named) ? { owner: "run", key: runKey(named), path: trimmed(path) } : { owner: "own" };
  return belowModel(uri, inventory) ?? belowRun(uri, runId, inventory) ?? { owner: "own" };
}

/** The last id in the path decides: a logged model's root holds its experiment's, never another model's. */
function belowModel(uri: string, inventory: Inventory): VersionFiles | undefined {
  const [id] = uri.match(/m-[0-9a-f]{32}/g)?.slice(-1) ?? [];
  const root = id === undefined ? undefined : inventory.loggedModels.get(id)?.info.artifact_uri;
  const path = root === undefined ? undefined : below(uri, root);
  return id === undefined || path === undefined ? undefined : { owner: "logged-model", key: loggedModelKey(id), path };
}

function belowRun(uri: string, runId: string, inventory: Inventory): VersionFiles | undefined {
  for (const id of new Set([runId, ...(uri.match(/(?<![0-9a-z-])[0-9a-f]{32}(?![0-9a-z])/g) ?? [])])) {
    const root = inventory.runs.get(id)?.artifactUri;
    const path = root === undefined || root === "" ? undefined : below(uri, root);
    if (path !== undefined) return { owner: "run", key: runKey(id), path };
  }
  return undefined;
}

/** The path of `uri` below `root`, "" for the root itself; undefined outside of it. A plain path and `file:` are the same. */
export function below(uri: string, root: string): string | undefined {
  const [inner, outer] = [plain(uri), plain(root)];
  if (inner === outer) return "";
  return inner.startsWith(`${outer}/`) ? trimmed(inner.slice(outer.length + 1)) : undefined;
}

function plain(uri: string): string {
  const path = trimmed(uri);
  return path.startsWith("file:") ? path.replace(/^file:(\/\/)?(?=\/)/, "") : path;
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, "");
}
