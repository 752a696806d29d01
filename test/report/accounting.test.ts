import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { KINDS } from "../../src/model/entities.ts";
import { facts } from "../../src/model/facts.ts";
import { createAccounting } from "../../src/report/accounting.ts";
import { alias, job, planJob, sampleSource } from "../engine/registry.ts";
import { sampleSteps, step } from "./steps.ts";

test.each(["refuse", "drop"] as const)("every fact of a plan with --on-loss %s is counted once", async (onLoss) => {
  const target = createMemory({ capabilities: unityCatalogCapabilities });
  const steps = await planJob(job(sampleSource(), target, { mapping: { models: [{ from: "*", to: "main.ml.*" }] }, onLoss }));
  const accounting = createAccounting();
  for (const one of steps) accounting.add(one);
  for (const kind of KINDS) {
    const { facts: all, moved, translated, inherent, lost, refused } = accounting.byKind[kind];
    expect({ kind, sum: moved + translated + inherent + lost + refused }).toEqual({ kind, sum: all });
  }
  const inSource = await planJob(job(sampleSource(), createMemory()));
  expect(accounting.total.facts).toBe(inSource.reduce((sum, one) => sum + facts(one.source).size, 0));
  expect(accounting.total.translated).toBeGreaterThan(0);
});

test("counts by class, and all facts of a refused object as refused", () => {
  const accounting = createAccounting();
  for (const one of sampleSteps()) accounting.add(one);
  expect(accounting.byKind.run).toMatchObject({ lost: 2, translated: 0 });
  expect(accounting.byKind.experiment).toMatchObject({ translated: 1, inherent: 1, facts: 3, moved: 1 });
  expect(accounting.byKind.alias).toEqual({ facts: 3, moved: 0, translated: 0, inherent: 0, lost: 0, refused: 3 });
});

test("an alias that a stage became is no fact of the source", () => {
  const accounting = createAccounting();
  accounting.add(step(alias("churn", "champion", 3)));
  expect(accounting.total.facts).toBe(0);
});
