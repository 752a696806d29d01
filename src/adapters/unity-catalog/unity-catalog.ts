// Opens a Databricks workspace whose models live in Unity Catalog: the workspace's tracking half, and the catalog as its registry.
import { createHash } from "node:crypto";
import { MigrationError } from "../../errors.ts";
import type { OriginId, PlacedKey } from "../../model/entities.ts";
import type { FindContext, Found, PutContext } from "../../ports/target.ts";
import type { DatabricksServer } from "../databricks/connect.ts";
import { createSignedFiles } from "../databricks/signed-files.ts";
import type { RegistryEntity, RegistryWriting } from "../mlflow/registry-half.ts";
import type { StoreClients } from "../mlflow/store-clients.ts";
import { createCalls } from "../mlflow/target-calls.ts";
import { putAlias, putModel } from "../mlflow/target-models.ts";
import { findNote, putNote } from "../mlflow/target-notes.ts";
import { createRegistry, findAlias, findModel, findVersion } from "../mlflow/target-registry.ts";
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
    return createWriting({ calls, registry: createRegistry(reader), reader, reads, files, workspaceId });
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
  return createHash("sha256")
    .update(JSON.stringify(["unity-catalog", workspace]))
    .digest("hex")
    .slice(0, 32) as OriginId;
}

/** How models, versions and aliases are found and written, whatever dialect `calls` and `reads` speak. */
export function createWriting(writing: CatalogWriting): RegistryWriting {
  return {
    find: (entity, context) => find(writing, entity, context),
    put: (entity, context) => put(writing, entity, context),
  };
}

async function find({ registry }: CatalogWriting, entity: RegistryEntity, context: FindContext): Promise<Found | undefined> {
  switch (entity.kind) {
    case "registered-model":
      return findModel(registry, entity, context);
    case "model-version":
      return findVersion(registry, entity, context);
    case "alias":
      return findAlias(registry, entity, context);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return findNote({ registry }, entity, context);
    case "permission":
    case "webhook":
      return undefined;
  }
}

async function put(writing: CatalogWriting, entity: RegistryEntity, context: PutContext): Promise<PlacedKey> {
  switch (entity.kind) {
    case "registered-model":
      return putModel(writing, entity, context);
    case "model-version":
      return putVersion(writing, entity, context);
    case "alias":
      return putAlias(writing, entity, context);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return putNote({ ...writing, valueChars: CATALOG_TAGS.valueChars }, entity, context);
    case "permission":
    case "webhook":
      throw new MigrationError("NOT_SUPPORTED", `Unity Catalog has no place for ${entity.key}`, { key: entity.key });
  }
}
