// Whether the files that a registered version was made from are still what the registry copied: then the version can refer to them.
import { asMigrationError } from "../../errors.ts";
import type { EntityKey, ModelVersion, VersionFiles } from "../../model/entities.ts";
import { idOf, versionKey } from "../../model/keys.ts";
import type { ArtifactReader } from "../../ports/source.ts";
import type { Known } from "../mlflow/version-place.ts";
import { placeOf } from "../mlflow/version-place.ts";
import type { WireModelVersion } from "../mlflow/wire.ts";
import { workThrough } from "../mlflow/workers.ts";

/** Where files can be listed. */
export interface Listings {
  /** At an artifact URI. */
  at(uri: string, signal: AbortSignal): ArtifactReader;
  /** The registry's own of a version. */
  copy(version: { readonly model: string; readonly version: number }, signal: AbortSignal): ArtifactReader;
}

export interface Copies {
  /** Compares the files of these versions with those that they were made from. */
  check(versions: readonly WireModelVersion[], known: Known, signal: AbortSignal): Promise<void>;
  /** Whether the version that was checked has files of its own, since what it was made from is another or gone. */
  differs(key: EntityKey): boolean;
  /** The same for one version. */
  isOwn(version: ModelVersion, root: string, signal: AbortSignal): Promise<boolean>;
}

/** Versions compared at a time, each with a listing on both sides. */
const AT_ONCE = 4;

export function createCopies(listings: Listings): Copies {
  const different = new Set<EntityKey>();
  return {
    async check(versions, known, signal) {
      await workThrough([...versions], AT_ONCE, async (version) => {
        const root = rootOf(placeOf(version, known).files, known);
        const pair = { model: version.name, version: version.version };
        if (root !== undefined && !(await same(listings, { ...pair, root }, signal))) different.add(versionKey(pair.model, pair.version));
      });
    },
    differs: (key) => different.has(key),
    isOwn: async ({ model, version }, root, signal) => !(await same(listings, { model, version, root }, signal)),
  };
}

/** The artifact URI of files that lie in a run or a logged model. */
export function rootOf(files: VersionFiles, known: Pick<Known, "runs" | "loggedModels">): string | undefined {
  if (files.owner === "own" || files.owner === "version") return undefined;
  const id = idOf(files.key);
  const uri = files.owner === "run" ? known.runs.get(id)?.artifactUri : known.loggedModels.get(id)?.info.artifact_uri;
  return uri === undefined ? undefined : [uri.replace(/\/+$/, ""), files.path].filter((part) => part !== "").join("/");
}

interface Compared {
  readonly model: string;
  readonly version: number;
  readonly root: string;
}

/** By names and sizes; what cannot be listed counts as different. */
async function same(listings: Listings, { root, ...version }: Compared, signal: AbortSignal): Promise<boolean> {
  const [copy, original] = await Promise.all([
    namesAndSizes(() => listings.copy(version, signal)),
    namesAndSizes(() => listings.at(root, signal)),
  ]);
  return copy !== undefined && copy === original;
}

async function namesAndSizes(open: () => ArtifactReader): Promise<string | undefined> {
  const files: string[] = [];
  try {
    for await (const { path, sizeBytes, unreadable } of open().list()) {
      if (unreadable !== undefined) return undefined;
      files.push(JSON.stringify([path, sizeBytes]));
    }
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (error.code !== "ARTIFACT_UNREADABLE" && error.code !== "NOT_SUPPORTED") throw error;
    return undefined;
  }
  return files.sort().join("\n");
}
