// What a version in Unity Catalog says of where it comes from: its logged model, and what that depends on.
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { keyOf, versionKey } from "../../src/model/keys.ts";
import type { Entity } from "../../src/model/entities.ts";
import { unreadable } from "../fakes/unreadable.ts";
import { job, model, runJob, sampleSource, verifyJob, version } from "../engine/registry.ts";
import { openCatalog, openCatalogSource } from "./place.ts";

const MAPPING = {
  models: [{ from: "*", to: "main.ml.*" }],
  experiments: [{ from: "*", to: "/Shared/migrated/*" }],
};
const options = { mapping: MAPPING, onLoss: "drop" as const };
const signal = new AbortController().signal;

it("a version names the logged model that it was made from, in its own words at every place", async () => {
  await using catalog = await openCatalog();
  await runJob(job(sampleSource(), catalog.target, options));
  const [made] = [...catalog.fake.state.loggedModels.keys()];
  const four = catalog.fake.state.catalog.get("main.ml.churn")?.versions.get(4);
  expect(four?.extra["model_id"]).toBe(made);

  const source = await openCatalogSource(catalog.fake);
  const key = versionKey("main.ml.churn", 4);
  const files = { owner: "own", loggedModel: keyOf("logged-model", made ?? "") };
  for await (const entity of source.ask({ about: "key", key }, signal)) expect(entity).toMatchObject({ files });

  // A place that can hold it gets the link, and one that cannot keeps it as a tag.
  const [holding, tagging] = [createMemory({ capabilities: { versionModels: true } }), createMemory()];
  for (const target of [holding, tagging]) {
    await runJob(job(source, target));
    expect((await verifyJob(job(source, target))).flatMap(({ findings }) => findings)).toEqual([]);
  }
  expect(await placed(holding)).toMatchObject({ files: { owner: "own", loggedModel: expect.stringContaining("logged-model:") as string } });
  expect(await placed(tagging)).toMatchObject({
    files: { owner: "own" },
    tags: new Map([
      ["source_stage", "Production"],
      ["q", "1"],
      ["source_logged_model", made],
    ]),
  });
  await source.close();
});

const MLMODEL = `
flavors: {python_function: {loader_module: mlflow.pyfunc.model}}
resources:
  api_version: '1'
  databricks:
    table: [{name: main.ml.customers}]
    serving_endpoint: [{name: embed}, {name: mine, on_behalf_of_user: true}]
`;

it.each([{ checksDependencies: false }, { checksDependencies: true }])(
  "what a model depends on is told when its version is made, and kept readable where it is missing: %o",
  async (rules) => {
    await using catalog = await openCatalog({ rules });
    const source = createMemory();
    source.load(model("churn"));
    source.load(version("churn", 1), { files: { MLmodel: MLMODEL } });
    const outcomes = await runJob(job(source, catalog.target, options));
    expect(outcomes.map(({ state }) => state)).toEqual(["done", "done"]);
    const made = catalog.fake.state.catalog.get("main.ml.churn")?.versions.get(1);
    const dependencies = [
      { type: "DATABRICKS_MODEL_ENDPOINT", name: "embed" },
      { type: "DATABRICKS_TABLE", name: "main.ml.customers" },
    ];
    expect(made?.extra["model_version_dependencies"]).toEqual(rules.checksDependencies ? undefined : dependencies);
    const told = rules.checksDependencies ? "serving_endpoint embed, table main.ml.customers" : undefined;
    expect(made?.tags.get("mlferry_dependencies")).toBe(told);
    expect((await verifyJob(job(source, (await catalog.again()).target, options))).flatMap(({ findings }) => findings)).toEqual([]);
  },
);

it("a logged model that is gone is kept as a tag", async () => {
  await using catalog = await openCatalog();
  const source = createMemory({ capabilities: { versionModels: true } });
  source.load(model("churn"));
  source.load(version("churn", 1, { files: { owner: "own", loggedModel: keyOf("logged-model", "m-gone") } }), { files: { MLmodel: "" } });
  await runJob(job(source, catalog.target, options));
  const made = catalog.fake.state.catalog.get("main.ml.churn")?.versions.get(1);
  expect([made?.extra["model_id"], made?.tags.get("source_logged_model")]).toEqual([undefined, "m-gone"]);
});

async function placed(place: ReturnType<typeof createMemory>): Promise<Entity | undefined> {
  const catalogue = await place.select({ includeDeleted: true }, signal);
  for await (const entity of catalogue.entities(signal)) if (entity.key === versionKey("main.ml.churn", 4)) return entity;
  return undefined;
}

it("a version is not made without what it depends on because that could not be read", async () => {
  await using catalog = await openCatalog();
  const place = createMemory();
  place.load(model("churn"));
  place.load(version("churn", 1), { files: { MLmodel: MLMODEL } });
  const { source } = unreadable(place, [`${versionKey("churn", 1)} MLmodel`]);
  const outcomes = await runJob(job(source, catalog.target, { mapping: MAPPING, onLoss: "refuse" }));
  expect(outcomes.map(({ state }) => state)).toEqual(["done", "failed"]);
  expect(catalog.fake.state.catalog.get("main.ml.churn")?.versions.size).toBe(0);
  expect((await runJob(job(place, (await catalog.again()).target, options))).map(({ state }) => state)).toEqual(["skipped", "done"]);
});

it("a finalized version that names another logged model is told, and not passed over", async () => {
  await using catalog = await openCatalog();
  await runJob(job(sampleSource(), catalog.target, options));
  const four = catalog.fake.state.catalog.get("main.ml.churn")?.versions.get(4);
  delete four?.extra["model_id"];
  const again = await runJob(job(sampleSource(), (await catalog.again()).target, options));
  expect(again.filter(({ state }) => state !== "skipped").map(({ step, error }) => [step.source.key, error?.code])).toEqual([
    [versionKey("churn", 4), "NOT_SUPPORTED"],
  ]);
});
