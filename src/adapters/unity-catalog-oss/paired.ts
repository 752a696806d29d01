// An open-source Unity Catalog paired with an MLflow server: the server has the runs that the catalog's versions name. The server's own registry
// is neither read nor written.
import { originId } from "../../model/keys.ts";
import type { Dialect } from "../mlflow/dialect.ts";
import type { MlflowServer } from "../mlflow/server.ts";
import type { TrackingHalf } from "../mlflow/tracking-half.ts";
import { pairedCapabilities } from "./capabilities.ts";
import { openCatalog } from "./catalog.ts";
import type { OssOptions } from "./catalog.ts";

/** The server with the catalog in the place of its own registry; closing its files closes the catalog's client. Throws as openCatalog does. */
export async function withOpenCatalog(server: TrackingHalf, options: OssOptions, signal: AbortSignal): Promise<MlflowServer> {
  const { http, origin, registry } = await openCatalog(options, { namesRuns: true, signal });
  return {
    ...server,
    uri: `uc:${http.baseUrl} (runs at ${server.uri})`,
    // Ids of runs are those of the one, names of models those of the other.
    origin: originId("unity-catalog-oss", origin, server.origin),
    tracking: server.tracking ?? server.origin,
    capabilities: pairedCapabilities(server.capabilities),
    dialect: { ...server.dialect, uncarried: ofTracking(server.dialect) },
    files: {
      ...server.files,
      async close() {
        await server.files.close();
        await http.close();
      },
    },
    registry,
  };
}

/** Kinds that lie in the server's registry. */
const REGISTERED: ReadonlySet<string> = new Set(["prompts", "webhooks"]);

function ofTracking(dialect: Dialect): Dialect["uncarried"] {
  return async (http, what, signal) => (await dialect.uncarried(http, what, signal)).filter((item) => !REGISTERED.has(item.what));
}
