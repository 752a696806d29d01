// Files of a version, where the server says that they lie: in a bucket, with the user's own credentials, or in a folder that a rule names.
import { MigrationError } from "../../errors.ts";
import type { Stores } from "../../stores/open.ts";
import type { Store } from "../../stores/store.ts";
import type { WritableWay } from "../databricks/file-ways.ts";
import type { CatalogReads } from "../unity-catalog/reads.ts";
import type { VersionFileAccess } from "../unity-catalog/version-files.ts";

export function createOssFiles(reads: CatalogReads, stores: Stores): VersionFileAccess {
  return {
    async way({ model, version }, use, signal) {
      const location = (await reads.version(model, version, signal))?.location ?? "";
      const store = stores.at(location);
      if (store !== undefined) return wayOf(store, location);
      const flag = use === "read" ? "--artifact-root" : "--target-artifact-root";
      throw new MigrationError("NOT_SUPPORTED", `the files of ${model} version ${String(version)} lie at ${location || "no known place"}`, {
        side: use === "read" ? "source" : "target",
        hint: `a folder of the server that is mounted here is opened by ${flag} OLD=NEW, such as ${flag} file:///srv/uc=/mnt/uc`,
      });
    },
  };
}

function wayOf(store: Store, location: string): WritableWay {
  return {
    name: location,
    async list(folder, signal) {
      const entries = [];
      // All of them at once: a store lists at any depth.
      if (folder === "") for await (const { path, sizeBytes } of store.list(signal)) entries.push({ path, sizeBytes, isDirectory: false });
      return entries;
    },
    read: (path, offset, signal) => store.read(path, offset, signal),
    write: (file, open, signal) =>
      store.write(file.path, { ...(file.sizeBytes === undefined ? {} : { sizeBytes: file.sizeBytes }), open }, signal),
  };
}
