// Whole registries into Unity Catalog and out of it.
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { byState, job, runJob, sampleSource, verifyJob } from "../engine/registry.ts";
import { isEntry } from "../../src/model/keys.ts";
import { entitiesOf } from "../contract/reading.ts";
import { talkative } from "../engine/talkative.ts";
import { openSource, openTarget } from "../databricks/place.ts";
import { openCatalog, openCatalogSource } from "./place.ts";

const MAPPING = {
  models: [{ from: "*", to: "main.ml.*" }],
  experiments: [{ from: "*", to: "/Shared/migrated/*" }],
};

it.each([
  { what: "by the Files API", rules: {} },
  { what: "by URLs of the default storage, with empty pages in listings", rules: { modelsFilesApi: false, emptyPages: true } },
  { what: "by URLs that can be used once", rules: { modelsFilesApi: false, signedUrlUses: 1 } },
  { what: "which drops tags of other keys in silence", rules: { illegalTags: "drop" as const } },
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

it("within one workspace only the registry moves: runs stay where they are, and versions name them", async () => {
  await using catalog = await openCatalog();
  const { fake } = catalog;
  const workspace = await openTarget(fake);
  await runJob(job(sampleSource(), workspace, { mapping: { experiments: MAPPING.experiments }, onLoss: "drop" }));
  const runs = [...fake.state.runs.keys()];
  const source = await openSource(fake);
  const options = { mapping: { models: MAPPING.models }, onLoss: "drop" as const };
  const outcomes = await runJob(job(source, catalog.target, options));
  expect(Object.keys(byState(outcomes)).filter((state) => state !== "dropped")).toEqual(["done"]);
  expect([...fake.state.runs.keys()]).toEqual(runs);
  expect([...(fake.state.catalog.get("main.ml.churn")?.versions.values() ?? [])].map(({ runId = "" }) => runs.includes(runId))).toContain(
    true,
  );
  const { target } = await catalog.again();
  expect(
    (await verifyJob(job(source, target, options))).flatMap(({ findings }) => findings).filter(({ kind }) => kind !== "left out"),
  ).toEqual([]);
  expect(byState(await runJob(job(source, target, options)))["done"]).toBeUndefined();
  for (const place of [source, workspace]) await place.close();
});

it("a schema that is missing stops a copy before anything is written", async () => {
  await using catalog = await openCatalog({ schemas: ["main.other"] });
  await expect(runJob(job(sampleSource(), catalog.target, { mapping: MAPPING, onLoss: "drop" }))).rejects.toMatchObject({
    code: "NOT_FOUND",
    hint: "make it with CREATE SCHEMA main.ml, or map the models to another one",
  });
  expect([catalog.fake.state.experiments.size, catalog.fake.state.runs.size, catalog.fake.state.catalog.size]).toEqual([0, 0, 0]);
});

it("the past of versions arrives as notes that fit, and comes out again as what it is", async () => {
  await using catalog = await openCatalog();
  const options = { mapping: MAPPING, onLoss: "drop" as const };
  const long = talkative();
  const everything = { includeDeleted: true };
  const signal = new AbortController().signal;
  for (const entity of await entitiesOf(await long.select(everything, signal))) {
    if (entity.key === "comment:churn/2/2") long.load({ ...entity, text: "long ".repeat(500) } as typeof entity);
  }
  const outcomes = await runJob(job(long, catalog.target, options));
  expect(
    outcomes.filter(({ state }) => state !== "done" && state !== "dropped").map(({ step, error }) => [step.source.key, error]),
  ).toEqual([]);
  const { target } = await catalog.again();
  const findings = (await verifyJob(job(long, target, options))).flatMap((one) => one.findings);
  expect(findings.filter(({ kind }) => kind !== "left out")).toEqual([]);
  expect(Object.keys(byState(await runJob(job(long, target, options)))).sort()).toEqual(["dropped", "skipped"]);
  const source = await openCatalogSource(catalog.fake);
  const entries = (await entitiesOf(await source.select(everything, signal))).filter(isEntry);
  expect(entries.map(({ key }) => key)).toEqual(
    (await entitiesOf(await long.select(everything, signal))).filter(isEntry).map(({ key }) => key.replace(":churn/", ":main.ml.churn/")),
  );
  for (const entry of entries) {
    for await (const found of source.ask({ about: "key", key: entry.key }, signal)) expect(found).toEqual(entry);
  }
  await source.close();
});
