// Files of a version, where the server says that they lie: in a bucket, with credentials that it lends or the user's own, or in a folder that a
// rule names.
import { asMigrationError, MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import { beginningWith, openLent } from "../../stores/lent.ts";
import type { Lent } from "../../stores/lent.ts";
import type { Stores } from "../../stores/open.ts";
import type { StoreSettings } from "../../stores/settings.ts";
import { parseWire } from "../mlflow/wire.ts";
import { lentBy, temporaryCredentials, wayOver } from "../unity-catalog/lent.ts";
import type { CatalogReads } from "../unity-catalog/reads.ts";
import type { VersionFileAccess, VersionId } from "../unity-catalog/version-files.ts";
import { OSS_API } from "./reads.ts";

export interface OssFilesOptions {
  readonly http: HttpClient;
  readonly reads: CatalogReads;
  /** With the user's own credentials, and rules. */
  readonly stores: Stores;
  /** How stores are reached for which the server lends credentials. */
  readonly settings: StoreSettings;
}

export function createOssFiles({ http, reads, stores, settings }: OssFilesOptions): VersionFileAccess {
  return {
    async way(id, use, signal) {
      const { model, version } = id;
      const location = (await reads.version(model, version, signal))?.location ?? "";
      const ask = (): Promise<Lent> => lentFor(http, id, { use, signal });
      // What a rule says comes first; folders of the server have no credentials.
      const lent = /^file:|^\//.test(location) || stores.redirects(location) ? undefined : await unlessRefused(ask());
      if (lent !== undefined) return wayOver(await openLent(location, beginningWith(lent, ask), settings), location);
      const store = stores.at(location);
      if (store !== undefined) return wayOver(store, location);
      const flag = use === "read" ? "--artifact-root" : "--target-artifact-root";
      throw new MigrationError("NOT_SUPPORTED", `the files of ${model} version ${String(version)} lie at ${location || "no known place"}`, {
        side: use === "read" ? "source" : "target",
        hint: `a folder of the server that is mounted here is opened by ${flag} OLD=NEW, such as ${flag} file:///srv/uc=/mnt/uc`,
      });
    },
  };
}

async function lentFor(
  http: HttpClient,
  { model, version }: VersionId,
  { use, signal }: { readonly use: "read" | "write"; readonly signal: AbortSignal },
): Promise<Lent> {
  const path = `${OSS_API}/temporary-model-version-credentials`;
  const [catalog_name, schema_name, model_name] = model.split(".");
  const operation = use === "read" ? "READ_MODEL_VERSION" : "READ_WRITE_MODEL_VERSION";
  const body = { catalog_name, schema_name, model_name, version, operation };
  return lentBy(parseWire(temporaryCredentials, await http.json({ method: "POST", path, body, repeat: "safe" }, signal), path));
}

/** A server that cannot lend any, or is not set up to, says so in many ways; then the user's own may do. */
async function unlessRefused(lent: Promise<Lent>): Promise<Lent | undefined> {
  try {
    return await lent;
  } catch (thrown) {
    const error = asMigrationError(thrown);
    const status = error.request?.status;
    if (error.code === "NOT_SUPPORTED" || status === 400 || status === 404 || status === 500 || status === 501) return undefined;
    throw error;
  }
}
