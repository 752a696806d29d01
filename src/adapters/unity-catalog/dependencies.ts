// Makes a version with what its model depends on, as MLflow's client tells Unity Catalog: tables, functions, indexes and endpoints.
import { MigrationError } from "../../errors.ts";
import type { ModelVersion } from "../../model/entities.ts";
import { PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import type { Dependency } from "../../model/model-dependencies.ts";
import type { PutContext } from "../../ports/target.ts";
import type { VersionThere } from "../mlflow/target-registry-reads.ts";
import { createNumbered } from "../mlflow/target-version-writes.ts";
import type { NewVersion } from "../mlflow/target-version-writes.ts";
import { CATALOG_TAGS } from "./capabilities.ts";

/** By the words of MLflow's resources: mlflow/store/_unity_catalog/registry/rest_store.py. */
const TYPES: Readonly<Record<Dependency["type"], string>> = {
  vector_search_index: "DATABRICKS_VECTOR_INDEX",
  serving_endpoint: "DATABRICKS_MODEL_ENDPOINT",
  function: "DATABRICKS_UC_FUNCTION",
  uc_connection: "DATABRICKS_UC_CONNECTION",
  table: "DATABRICKS_TABLE",
  uc_model_service: "DATABRICKS_UC_MODEL_SERVICE",
};

export interface DependentVersion extends NewVersion {
  readonly dependencies: readonly Dependency[];
}

/**
 * As createNumbered. What a model depends on may be missing in another metastore: a create that is refused is tried without, and the version says
 * so in its tag `mlferry_dependencies`. Its `MLmodel` names them in either case.
 */
export async function createWithDependencies(
  { dependencies, ...making }: DependentVersion,
  version: ModelVersion,
  context: PutContext,
): Promise<VersionThere> {
  const model_version_dependencies = dependencies.map(({ type, name }) => ({ type: TYPES[type], name }));
  try {
    return await createNumbered({ ...making, fields: { ...making.fields, model_version_dependencies } }, version, context);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    const value = namesOf(dependencies);
    return createNumbered({ ...making, ownTags: [...making.ownTags, { key: DEPENDENCIES_TAG, value }] }, version, context);
  }
}

const DEPENDENCIES_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.dependencies}`;

/** As many names as a tag holds. */
function namesOf(dependencies: readonly Dependency[]): string {
  const names = dependencies.map(({ type, name }) => `${type} ${name}`);
  const most = CATALOG_TAGS.valueChars ?? Infinity;
  while (names.join(", ").length > most) names.splice(-2, 2, "…");
  return names.join(", ");
}

/** Which of what was sent is refused is not documented: 400, 403 and 404 of the create may all mean it. */
function isRefused(thrown: unknown): boolean {
  const request = thrown instanceof MigrationError ? thrown.request : undefined;
  return request?.url.endsWith("/model-versions/create") === true && [400, 403, 404].includes(request.status ?? 0);
}
