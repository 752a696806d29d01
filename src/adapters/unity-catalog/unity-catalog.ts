// Opens a Databricks workspace whose models live in Unity Catalog: the workspace's tracking half, and the catalog as its registry.
import { originId } from "../../model/keys.ts";
import type { HttpClient } from "../../http/client.ts";
import type { OriginId } from "../../model/entities.ts";
import type { Check } from "../../ports/checks.ts";
import type { PreflightOptions } from "../../ports/target.ts";
import type { DatabricksServer } from "../databricks/connect.ts";
import { readingCosts } from "../databricks/costs.ts";
import { createSignedFiles } from "../databricks/signed-files.ts";
import type { RegistryWriting } from "../mlflow/registry-half.ts";
import { createRegistryWriting } from "../mlflow/registry-writing.ts";
import type { StoreSettings } from "../../stores/settings.ts";
import type { StoreClients } from "../mlflow/store-clients.ts";
import { createCalls } from "../mlflow/target-calls.ts";
import { createRegistry } from "../mlflow/target-registry.ts";
import { CATALOG_TAGS, catalogCapabilities } from "./capabilities.ts";
import { catalogWritingCosts } from "./costs.ts";
import { putVersion } from "./put-version.ts";
import type { CatalogWriting } from "./put-version.ts";
import { createCatalogReader, createCatalogReads, UNITY_API } from "./reads.ts";
import { createCatalogRegistry } from "./registry.ts";
import { checkRights } from "./rights.ts";
import { checkSchemas } from "./schemas.ts";
import { createVersionFiles } from "./version-files.ts";

export interface CatalogOptions {
  /** Of the stores behind signed URLs; closed with the workspace. */
  readonly clients: StoreClients;
  /** How stores of customers are reached. */
  readonly settings: StoreSettings;
}

/** The workspace with Unity Catalog in the place of its own model registry. */
export function withUnityCatalog(workspace: DatabricksServer, { clients, settings }: CatalogOptions): DatabricksServer {
  const { http, workspaceId } = workspace;
  const reads = createCatalogReads(http, workspaceId);
  const files = createVersionFiles({ http, reads, signed: createSignedFiles(clients), settings });
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
    costs: { reading: readingCosts, writing: catalogWritingCosts },
    files: {
      ...workspace.files,
      async close() {
        await workspace.files.close();
        await clients.close();
      },
    },
    registry: createCatalogRegistry({ reads, files, writing, checkModels: (models, options) => checkModels(http, models, options) }),
  };
}

/** Privileges are looked at where every schema is there. */
async function* checkModels(http: HttpClient, models: readonly string[], { thorough, signal }: PreflightOptions): AsyncGenerator<Check> {
  let isMissing = false;
  for await (const check of checkSchemas(http, models, signal)) {
    isMissing ||= check.state === "fail";
    yield check;
  }
  if (thorough && !isMissing && models.length > 0) yield* checkRights(http, models, signal);
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
