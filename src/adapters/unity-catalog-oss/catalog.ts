// Opens an open-source Unity Catalog as a registry half: the one that Databricks' has, in the server's own dialect.
import { originId } from "../../model/keys.ts";
import type { HttpClient } from "../../http/client.ts";
import type { OriginId } from "../../model/entities.ts";
import { get } from "../mlflow/calls.ts";
import type { RegistryHalf, RegistryWriting } from "../mlflow/registry-half.ts";
import { createRegistry } from "../mlflow/target-registry.ts";
import { createCatalogReader } from "../unity-catalog/reads.ts";
import { createCatalogRegistry } from "../unity-catalog/registry.ts";
import { checkSchemas } from "../unity-catalog/schemas.ts";
import { createCatalogWriting } from "../unity-catalog/unity-catalog.ts";
import { createOssCalls } from "./calls.ts";
import { createOssReads, OSS_API } from "./reads.ts";
import { createOssFiles } from "./version-files.ts";
import type { OssFilesOptions } from "./version-files.ts";
import { wire } from "./wire.ts";

export type OssOptions = Omit<OssFilesOptions, "reads">;

/** An open server. */
export interface OssCatalog {
  readonly http: HttpClient;
  readonly origin: OriginId;
  readonly registry: RegistryHalf;
  readonly writing: RegistryWriting;
}

export interface OssOpening {
  /** Whether the runs that versions name are those of a server that is known. */
  readonly namesRuns: boolean;
  readonly signal: AbortSignal;
}

/** With one request; what fails closes the client. Each version's files are reached through `stores`. Throws SERVER_UNREACHABLE, NOT_AUTHORISED or NOT_A_REGISTRY. */
export async function openCatalog({ http, ...access }: OssOptions, { namesRuns, signal }: OssOpening): Promise<OssCatalog> {
  const origin = await originOf(http, signal);
  const reads = createOssReads(http, { namesRuns });
  const files = createOssFiles({ http, reads, ...access });
  const reader = createCatalogReader(reads, undefined);
  const writing = createCatalogWriting({
    calls: createOssCalls(http),
    registry: createRegistry(reader),
    reader,
    reads,
    files,
    workspaceId: undefined,
    dependencies: false,
  });
  const registry = createCatalogRegistry({
    reads,
    files,
    writing: () => writing,
    checkModels: (models, options) => checkSchemas(http, models, options.signal),
  });
  return { http, origin, registry, writing };
}

/** By the metastore's id, which stays when the server moves. */
async function originOf(http: HttpClient, signal: AbortSignal): Promise<OriginId> {
  try {
    const { metastore_id: id } = await get(http, `${OSS_API}/metastore_summary`, { schema: wire.metastore, signal });
    return originId("unity-catalog-oss", id);
  } catch (thrown) {
    await http.close();
    throw thrown;
  }
}
