import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryCapabilities } from "../../src/adapters/memory/capabilities.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { createReconciler } from "../../src/engine/reconcile.ts";
import type { Entity, Stage } from "../../src/model/entities.ts";
import { facts } from "../../src/model/facts.ts";
import { createMapping } from "../../src/model/mapping.ts";
import type { Capabilities } from "../../src/ports/capabilities.ts";
import { alias, experiment, loggedModel, model, point, run, version } from "./registry.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const key = fc.oneof(fc.constantFrom("a.b", "a_b", "internal.x", "q", " lead", "x=y", "mlflow.note.content", "source_stage"), text);
const tags = fc.dictionary(key, fc.oneof(text, fc.constant("v".repeat(1200)))).map((object) => new Map(Object.entries(object)));
const value = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, 5e-324));
const stage = fc.constantFrom<Stage>("None", "Staging", "Production", "Archived");

const entity: fc.Arbitrary<Entity> = fc.oneof(
  fc.record({ tags, deleted: fc.boolean() }).map((fields) => experiment("1", fields)),
  fc
    .record({ tags, params: tags, value })
    .map(({ value, ...fields }) => run("a".repeat(32), { ...fields, latestMetrics: new Map([["m", point("m", value, 1n)]]) })),
  fc.record({ tags, name: text }).map((fields) => loggedModel(`m-${"b".repeat(32)}`, fields)),
  fc.record({ tags, name: fc.constantFrom("churn", "team-x", "other") }).map(({ name, tags }) => model(name, { tags })),
  fc.record({ tags, stage, user: text }).map((fields) => version("churn", 3, fields)),
  fc.constantFrom("prod", "best").map((name) => alias("churn", name, 3)),
);

const mapping = createMapping({
  models: [
    { from: "team-(.*)", to: "ml.prod.$1", regex: true },
    { from: "*", to: "ml.dev.*" },
  ],
  aliases: [{ from: "prod", to: "champion" }],
  stages: { Archived: { tag: "lifecycle=archived" } },
  tags: [{ from: "internal.*", drop: true }],
});

const places: Record<string, Capabilities> = {
  "holds everything": memoryCapabilities,
  "is like Unity Catalog": unityCatalogCapabilities,
  "is like MLflow": {
    ...memoryCapabilities,
    versionFiles: "by-reference",
    versionNumbers: "assigned",
    creationTimes: "assigned",
    paramValueChars: 1000,
  },
};

/** Each fact of the source either stands unchanged in what is written, or has exactly one change; never both, never neither. */
function checkAccounting(source: Entity, capabilities: Capabilities): void {
  const { entity: written, changes } = createReconciler({ capabilities, mapping, onLoss: "drop" }).reconcile(source);
  const [before, after] = [facts(source), facts(written)];
  const changed = changes.map((change) => change.field);
  expect(new Set(changed).size).toBe(changed.length);
  for (const field of changed) expect([...before.keys()]).toContain(field);
  const inherent = new Set(changes.filter((change) => change.class === "inherent").map((change) => change.field));
  const moved = [...before].filter(([field, fact]) => after.get(field) === fact && !inherent.has(field));
  expect(moved.map(([field]) => field).filter((field) => changed.includes(field))).toEqual([]);
  expect(moved.length + changes.length).toBe(before.size);
}

test.each(Object.entries(places))("source facts = moved + translated + inherent + lost where the target %s", (_name, capabilities) => {
  fc.assert(fc.property(entity, (source) => checkAccounting(source, capabilities)));
});

test("a loss refuses the entity unless losses are agreed to, and a tag that a rule drops is agreed", () => {
  const long = run("a".repeat(32), { params: new Map([["p", "x".repeat(2000)]]), tags: new Map([["internal.x", "1"]]) });
  const capabilities = { ...memoryCapabilities, paramValueChars: 1000 };
  const refused = createReconciler({ capabilities, mapping, onLoss: "refuse" }).reconcile(long);
  expect(refused.refusal).toMatchObject({ code: "LOSS_REFUSED" });
  const dropped = createReconciler({ capabilities, mapping, onLoss: "drop" }).reconcile(long);
  expect(dropped.refusal).toBeUndefined();
  expect(dropped.changes.map((change) => [change.field, change.agreed])).toEqual(
    expect.arrayContaining([
      ["params.p", true],
      ["tags.internal.x", true],
    ]),
  );
});
