import fc from "fast-check";
import { expect, test } from "vitest";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { createMapping, mergeMappings, parseMapping } from "../../src/model/mapping.ts";
import { nameInSchema } from "../../src/model/schema-names.ts";

test.each([
  ["churn", "ml.prod.churn"],
  ["churn_v2-b", "ml.prod.churn_v2-b"],
  ["Fraud Scorer (EU)", "ml.prod.fraud_scorer_eu"],
  ["team/sales.forecast", "ml.prod.team_sales_forecast"],
  ["_private_", "ml.prod._private_"],
  ["Kündigung", "ml.prod.kündigung"],
  ["顧客", "ml.prod.顧客"],
  ["///", "ml.prod._"],
])("%j is %j in the schema ml.prod", (name, expected) => {
  expect(nameInSchema("ML.prod", name)).toBe(expected);
});

test("every name becomes one that Unity Catalog allows", () => {
  const pattern = unityCatalogCapabilities.names.registeredModel?.pattern ?? /^$/;
  fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 60 }), (name) => pattern.test(nameInSchema("ml.prod", name))));
});

test("a schema takes up the models that no rule renames", () => {
  const mapping = createMapping({ models: [{ from: "team-*", to: "ml.team.*" }], schema: "ml.prod" });
  expect([mapping.model("team-a").name, mapping.model("B").name]).toEqual(["ml.team.a", "ml.prod.b"]);
  expect(mapping.model("B").rule).toBe("schema: ml.prod");
});

test("a flag's schema wins over the file's, and another schema is another mapping", () => {
  const merged = mergeMappings({ schema: "a.b" }, { schema: "c.d" });
  expect(createMapping(merged).model("x").name).toBe("a.b.x");
  expect(createMapping({ schema: "a.b" }).canonical).not.toBe(createMapping({ schema: "c.d" }).canonical);
});

test.each(["ml", "ml.prod.", "a.b.c", "a b.c", "a/b.c", ""])("%j is no schema", (schema) => {
  expect(() => parseMapping({ schema }, "here")).toThrow(/CATALOG.SCHEMA|catalog.schema/);
});
