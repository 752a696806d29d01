import { expect, it } from "vitest";
import { dependenciesIn } from "../../src/model/model-dependencies.ts";

const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  [
    "resources, in MLflow's order and without those of other types",
    "resources: {databricks: {table: [{name: a.b.c}], genie_space: [{name: g}], vector_search_index: [{name: a.b.i}]}}",
    ["vector_search_index a.b.i", "table a.b.c"],
  ],
  [
    "what is used on behalf of whoever asks is none",
    "resources: {databricks: {function: [{name: f, on_behalf_of_user: true}, {name: g, on_behalf_of_user: false}]}}",
    ["function g"],
  ],
  [
    "an auth policy comes before resources",
    "auth_policy: {system_auth_policy: {resources: {databricks: {uc_connection: [{name: c}]}}}}\nresources: {databricks: {table: [{name: t}]}}",
    ["uc_connection c"],
  ],
  [
    "chains from before there were resources",
    "flavors: {langchain: {databricks_dependency: {databricks_llm_endpoint_name: [llm], databricks_vector_search_index_name: [i]}}}",
    ["vector_search_index i", "serving_endpoint llm"],
  ],
  ["none", "flavors: {}", []],
  ["a text that is no MLmodel", "- [", []],
  ["fields of another form", "resources: {databricks: {table: 3}}", []],
];

it.each(CASES)("%s", (_what, text, expected) => {
  expect(dependenciesIn(text).map(({ type, name }) => `${type} ${name}`)).toEqual(expected);
});
