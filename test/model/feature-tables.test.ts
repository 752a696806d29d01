import { expect, it } from "vitest";
import { tablesIn, withTables } from "../../src/model/feature-tables.ts";

const SPEC = `input_columns:
- age: {source: training_data}
- spend: # a lookup
    table_name: hive_metastore.fs.users
    feature_name: spend
- rate: {table_name: 'fs.rates', feature_name: rate}
input_tables:
- hive_metastore.fs.users: {table_id: abc}
- 'fs.rates': {table_id: def}
serialization_version: 9
`;

it("names every table once, of columns and of the list that newer versions have", () => {
  expect(tablesIn(SPEC)).toEqual(["hive_metastore.fs.users", "fs.rates"]);
  expect(tablesIn("input_columns: [{a: {table_name: t}}]")).toEqual(["t"]);
  expect(tablesIn("input_columns: [{a: {source: training_data}}]")).toEqual([]);
  expect(tablesIn("flavors: {}")).toBeUndefined();
  expect(tablesIn("- [")).toBeUndefined();
});

it("renames a table wherever it stands, and leaves every other character", () => {
  const renamed = withTables(SPEC, (table) => (table === "fs.rates" ? "main.fs.rates" : table));
  expect(renamed).toBe(SPEC.replaceAll("'fs.rates'", "'main.fs.rates'"));
  expect(withTables(SPEC, (table) => table)).toBeUndefined();
});
