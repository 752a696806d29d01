// What a model says that it needs when it predicts: tables, functions, indexes and endpoints of its workspace. Pure; nothing is trusted.
import { z } from "zod";
import { yamlValue } from "./yaml-value.ts";

/** One thing of a workspace that a model uses; `type` in the words of mlflow/models/resources.py. */
export interface Dependency {
  readonly type: (typeof TYPES)[number];
  readonly name: string;
}

/** Resource types that a registry keeps of a version (mlflow/store/_unity_catalog/registry/rest_store.py: the others are left out there too). */
const TYPES = ["vector_search_index", "serving_endpoint", "function", "uc_connection", "table", "uc_model_service"] as const;

/** The dependencies that the text of an `MLmodel` tells, in MLflow's order; none for a text that is no such file. */
export function dependenciesIn(text: string): Dependency[] {
  const parsed = modelFile.safeParse(yamlValue(text));
  if (!parsed.success) return [];
  const { auth_policy: policy, resources, flavors } = parsed.data;
  const declared = (policy ? policy.system_auth_policy?.resources : resources)?.databricks;
  if (declared === undefined) return langchainDependencies(flavors?.langchain?.databricks_dependency ?? {});
  // What is used on behalf of whoever asks is no dependency of the model's own.
  return TYPES.flatMap((type) =>
    (declared[type] ?? []).filter((one) => one.on_behalf_of_user !== true).map(({ name }) => ({ type, name })),
  );
}

/** Before MLflow had resources, chains of this flavor told theirs so. */
function langchainDependencies(told: Readonly<Record<string, readonly string[]>>): Dependency[] {
  return LANGCHAIN.flatMap(([key, type]) => (told[key] ?? []).map((name) => ({ type, name })));
}

const LANGCHAIN = [
  ["databricks_vector_search_index_name", "vector_search_index"],
  ["databricks_embeddings_endpoint_name", "serving_endpoint"],
  ["databricks_llm_endpoint_name", "serving_endpoint"],
  ["databricks_chat_endpoint_name", "serving_endpoint"],
] as const;

const resource = z.object({ name: z.string(), on_behalf_of_user: z.boolean().optional() });
const ofType = z.array(resource).optional();
const byType: Readonly<Record<Dependency["type"], typeof ofType>> = {
  vector_search_index: ofType,
  serving_endpoint: ofType,
  function: ofType,
  uc_connection: ofType,
  table: ofType,
  uc_model_service: ofType,
};
const resources = z.object({ databricks: z.object(byType).optional() }).nullish();

const modelFile = z.object({
  auth_policy: z.object({ system_auth_policy: z.object({ resources }).nullish() }).nullish(),
  resources,
  flavors: z
    .object({ langchain: z.object({ databricks_dependency: z.record(z.string(), z.array(z.string())).nullish() }).nullish() })
    .nullish(),
});
