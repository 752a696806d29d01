// Whole registries into Unity Catalog and out of it.
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { byState, job, runJob, sampleSource, verifyJob } from "../engine/registry.ts";
import { openCatalog, openCatalogSource } from "./place.ts";

const MAPPING = {
  models: [{ from: "*", to: "main.ml.*" }],
  experiments: [{ from: "*", to: "/Shared/migrated/*" }],
};

it.each([
  { what: "by the Files API", rules: {} },
  { what: "by URLs of the default storage, with empty pages in listings", rules: { modelsFilesApi: false, emptyPages: true } },
])("a registry goes into Unity Catalog $what, and a second time nothing is written", async ({ rules }) => {
  await using catalog = await openCatalog({ rules });
  const options = { mapping: MAPPING, onLoss: "drop" as const };
  const outcomes = await runJob(job(sampleSource(), catalog.target, options));
  expect(outcomes.filter(({ state }) => state !== "done").map(({ step, error }) => [step.source.key, error])).toEqual([]);
  const verified = await verifyJob(job(sampleSource(), (await catalog.again()).target, options));
  expect(verified.flatMap(({ findings }) => findings).filter(({ kind }) => kind !== "left out")).toEqual([]);
  const before = catalog.fake.requests.length;
  const again = await runJob(job(sampleSource(), (await catalog.again()).target, options));
  expect(Object.keys(byState(again)).sort()).toEqual(["skipped"]);
  expect(
    catalog.fake.requests.slice(before).filter((route) => /^(PUT|PATCH|DELETE)|create$|log-batch|set-tag|finalize/.test(route)),
  ).toEqual([]);
  const source = await openCatalogSource(catalog.fake);
  const memory = createMemory();
  expect(Object.keys(byState(await runJob(job(source, memory))))).toEqual(["done"]);
  expect((await verifyJob(job(source, memory))).flatMap(({ findings }) => findings)).toEqual([]);
  await source.close();
});
