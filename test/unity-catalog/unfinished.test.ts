// Versions of Unity Catalog that something stopped between their first step and their last, and requests whose answers were lost.
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { byState, job, model, ORIGIN, runJob, verifyJob, version } from "../engine/registry.ts";
import { unreadable } from "../fakes/unreadable.ts";
import { openCatalog } from "./place.ts";
import type { CatalogPlace } from "./place.ts";

const MAPPING = { models: [{ from: "*", to: "main.ml.*" }] };
const DROP = { mapping: MAPPING, onLoss: "drop" as const };

/** Two versions with a gap between them. */
function twoVersions(): MemoryPlace {
  const source = createMemory({ origin: ORIGIN });
  source.load(model("churn", { tags: new Map([["team", "a"]]) }));
  for (const number of [1, 3]) {
    const files = { MLmodel: "signature: {inputs: '[1]', outputs: '[1]'}", "data/weights.bin": `w${String(number)}` };
    source.load(version("churn", number), { files });
  }
  return source;
}

/** By number, with what files each has. */
function versionsIn({ fake }: CatalogPlace): string[] {
  return [...(fake.state.catalog.get("main.ml.churn")?.versions.values() ?? [])].map(({ number, status }) => {
    const root = `/Models/main/ml/churn/${String(number)}/`;
    const files = [...fake.state.files.keys()].filter((path) => path.startsWith(root));
    return `${String(number)} ${status} ${String(files.length)}`;
  });
}

const ALL = ["1 READY 2", "3 READY 2"];

it.each([
  /POST .*registered-models\/create$/,
  /POST .*model-versions\/create$/,
  /PUT .*\/Models\/.*\/MLmodel$/,
  /POST .*model-versions\/finalize$/,
  /POST .*model-versions\/set-tag$/,
  /DELETE .*model-versions\/delete$/,
])("when the answer to %s is lost, before or after it took effect, everything is there once", async (route) => {
  for (const when of ["before", "after"] as const) {
    await using catalog = await openCatalog();
    catalog.fake.lose(route, when, when);
    const outcomes = await runJob(job(twoVersions(), catalog.target, DROP));
    if (Object.keys(byState(outcomes)).some((state) => state !== "done")) {
      await runJob(job(twoVersions(), (await catalog.again()).target, DROP));
    }
    expect(versionsIn(catalog)).toEqual(ALL);
    const verified = await verifyJob(job(twoVersions(), (await catalog.again()).target, DROP));
    expect(verified.flatMap(({ findings }) => findings)).toEqual([]);
  }
});

it("a version whose files did not all arrive stays pending, and is completed under its number", async () => {
  await using catalog = await openCatalog();
  const { source } = unreadable(twoVersions(), ["model-version:churn/1 data/weights.bin"]);
  const first = await runJob(job(source, catalog.target, { mapping: MAPPING }));
  expect(first.find(({ step }) => step.source.key === "model-version:churn/1")?.error?.message).toContain("waits for files");
  expect(versionsIn(catalog)[0]).toBe("1 PENDING_REGISTRATION 1");
  await runJob(job(twoVersions(), (await catalog.again()).target, { mapping: MAPPING }));
  expect(versionsIn(catalog)).toEqual(ALL);
});

it("one that was finalized without a file, as agreed, takes no more, and says so when the file can be read", async () => {
  await using catalog = await openCatalog();
  const { source } = unreadable(twoVersions(), ["model-version:churn/1 data/weights.bin"]);
  expect(Object.keys(byState(await runJob(job(source, catalog.target, DROP))))).toEqual(["done"]);
  expect(versionsIn(catalog)).toEqual(["1 READY 1", "3 READY 2"]);
  const again = await runJob(job(twoVersions(), (await catalog.again()).target, DROP));
  expect(again.find(({ state }) => state === "failed")?.error).toMatchObject({
    code: "NOT_SUPPORTED",
    message: expect.stringContaining("was finalized with other files than it is to have") as string,
  });
  expect(versionsIn(catalog)).toEqual(["1 READY 1", "3 READY 2"]);
});

it("a registration that failed at the target is told, with a way out", async () => {
  await using catalog = await openCatalog();
  await runJob(job(twoVersions(), catalog.target, DROP));
  const there = catalog.fake.state.catalog.get("main.ml.churn")?.versions.get(3);
  if (there === undefined) throw new Error("no version 3");
  there.status = "FAILED_REGISTRATION";
  there.tags.delete("mlferry_done");
  const again = await runJob(job(twoVersions(), (await catalog.again()).target, DROP));
  const failed = again.find(({ state }) => state === "failed");
  expect(failed?.error?.message).toContain("the registration of main.ml.churn version 3 failed");
  expect(failed?.error?.hint).toContain("--version-numbers compact");
});
