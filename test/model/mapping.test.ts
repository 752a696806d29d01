import { expect, test } from "vitest";
import { createMapping, mergeMappings, parseMapping, type MappingFile } from "../../src/model/mapping.ts";

function check(file: MappingFile, renames: Record<string, string>): void {
  const mapping = createMapping(file);
  for (const [from, to] of Object.entries(renames)) expect(`${from} → ${mapping.model(from).name}`).toBe(`${from} → ${to}`);
}

test("an exact rule speaks of whole names, never of a part", () => {
  check({ models: [{ from: "sales", to: "fin" }] }, { sales: "fin", sales_sales: "sales_sales", salesforce: "salesforce", Sales: "Sales" });
});

test("a glob's stars carry over in order", () => {
  check({ models: [{ from: "/Users/*/x-*", to: "/Shared/*/*" }] }, { "/Users/a b/x-1": "/Shared/a b/1", "/Users/a": "/Users/a" });
});

test("wildcards and dollar signs can be written literally", () => {
  check(
    {
      models: [
        { from: "a\\*b", to: "c\\*d" },
        { from: "p?", to: "$5*" },
      ],
    },
    { "a*b": "c*d", axb: "axb" },
  );
  check(
    {
      models: [
        { from: "cost", to: "US$" },
        { from: "x*", to: "$y-*" },
      ],
    },
    { cost: "US$", xz: "$y-z" },
  );
});

test("an expression is anchored and its groups carry over", () => {
  check(
    { models: [{ from: "team-(.*)", to: "ml.prod.$1", regex: true }] },
    { "team-a": "ml.prod.a", "my-team-a": "my-team-a", "team-a\nb": "ml.prod.a\nb" },
  );
  check({ models: [{ from: "a|b", to: "c", regex: true }] }, { a: "c", b: "c", ab: "ab" });
});

test("the first rule that matches wins, and the report can name it", () => {
  const mapping = createMapping({
    models: [
      { from: "a", to: "first" },
      { from: "*", to: "rest.*" },
    ],
  });
  expect(mapping.model("a")).toEqual({ name: "first", rule: "models[0]: a → first" });
  expect(mapping.model("b")).toEqual({ name: "rest.b", rule: "models[1]: * → rest.*" });
  expect(createMapping({}).model("b")).toEqual({ name: "b" });
});

test("flags go before the file", () => {
  const merged = mergeMappings(
    { models: [{ from: "a", to: "flag" }], stages: { Production: { alias: "x" } } },
    { models: [{ from: "a", to: "file" }] },
  );
  expect(createMapping(merged).model("a").name).toBe("flag");
  expect(createMapping(merged).stage("Production")).toMatchObject({ alias: "x" });
});

test("stages become aliases or tags; a tag's value may hold =", () => {
  const mapping = createMapping({ stages: { Production: { alias: "champion" }, Archived: { tag: "lifecycle=a=b" } } });
  expect(mapping.stage("Production")).toMatchObject({ alias: "champion" });
  expect(mapping.stage("Archived")).toMatchObject({ tag: "lifecycle", value: "a=b" });
  expect(mapping.stage("Staging")).toBeUndefined();
  expect(mapping.stage("None")).toBeUndefined();
});

test.each([
  [{ modles: [] }, "modles"],
  [{ models: [{ from: "a" }] }, "models.0.to"],
  [{ models: [{ from: "a", to: "b", drop: true }] }, "drop"],
  [{ stages: { Prod: { alias: "x" } } }, "Prod"],
  [{ stages: { Production: { tagg: "x" } } }, 'unrecognized key: "tagg"'],
  [{ conda_channels: { defaults: "two words" } }, "a channel is a name or an address"],
  [{ stages: { Production: { alias: "not an alias" } } }, "stages.Production"],
  [{ tags: [{ from: "a", drop: false }] }, "tags.0.drop"],
  [[], "expected object"],
])("refuses %j naming the place", (value, named) => {
  expect(() => parseMapping(value, "map.yaml")).toThrow(expect.objectContaining({ code: "MAPPING_INVALID" }) as Error);
  try {
    parseMapping(value, "map.yaml");
  } catch (error) {
    expect(String(error)).toMatch(new RegExp(named.toLowerCase(), "i"));
  }
});

test("an empty file is an empty mapping, and a bad expression is named", () => {
  expect(parseMapping(undefined, "map.yaml")).toEqual({});
  expect(() => createMapping({ models: [{ from: "(", to: "x", regex: true }] })).toThrow(/models\[0\].*regular expression/);
});
