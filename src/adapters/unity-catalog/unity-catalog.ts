// Opens a Databricks workspace whose models live in Unity Catalog: the workspace's tracking half, and the catalog as its registry.
import { originId } from "../../model/keys.ts";
import type { OriginId } from "../../model/entities.ts";
import type { DatabricksServer } from "../databricks/connect.ts";
import { createSignedFiles } from "../databricks/signed-files.ts";
import type { RegistryWriting } from "../mlflow/registry-half.ts";
import { createRegistryWriting } from "../mlflow/registry-writing.ts";
import type { StoreClients } from "../mlflow/store-clients.ts";
import { createCalls } from "../mlflow/target-calls.ts";
import { createRegistry } from "../mlflow/target-registry.ts";
import { CATALOG_TAGS, catalogCapabilities } from "./capabilities.ts";
import { putVersion } from "./put-version.ts";
import type { CatalogWriting } from "./put-version.ts";
import { createCatalogReader, createCatalogReads, UNITY_API } from "./reads.ts";
import { createCatalogRegistry } from "./registry.ts";
import { createVersionFiles } from "./version-files.ts";

/** The workspace with Unity Catalog in the place of its own model registry. `clients` are closed with it. */
export function withUnityCatalog(workspace: DatabricksServer, clients: StoreClients): DatabricksServer {
  const { http, workspaceId } = workspace;
  const reads = createCatalogReads(http, workspaceId);
  const files = createVersionFiles({ http, signed: createSignedFiles(clients) });
  const writing = (): RegistryWriting => {
    const calls = createCalls(http, `${UNITY_API}/`);
    const reader = createCatalogReader(reads, workspaceId);
    return createCatalogWriting({ calls, registry: createRegistry(reader), reader, reads, files, workspaceId, dependencies: true });
  };
  return {
    ...workspace,
    uri: `${workspace.uri} (Unity Catalog)`,
    origin: catalogOrigin(workspace.origin),
    tracking: workspace.tracking ?? workspace.origin,
    capabilities: catalogCapabilities(workspace.capabilities),
    files: {
      ...workspace.files,
      async close() {
        await workspace.files.close();
        await clients.close();
      },
    },
    registry: createCatalogRegistry({ http, reads, files, writing }),
  };
}

/** Another one than that of the workspace with its own registry: names mean other objects there. */
function catalogOrigin(workspace: OriginId): OriginId {
  return originId("unity-catalog", workspace);
}

/** How models, versions and aliases are found and written, whatever dialect `calls` and `reads` speak. */
export function createCatalogWriting(writing: CatalogWriting): RegistryWriting {
  const { valueChars } = CATALOG_TAGS;
  return createRegistryWriting({ ...writing, valueChars, putVersion: (version, context) => putVersion(writing, version, context) });
}
