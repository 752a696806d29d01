// Tags that a target cannot hold as they are, on their way there and back.
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import type { Tags } from "../../src/model/entities.ts";
import { keyOf } from "../../src/model/keys.ts";
import { byState, job, model, ORIGIN, runJob, verifyJob } from "./registry.ts";

const UNITY = { mapping: { models: [{ from: "churn", to: "main.ml.churn" }] }, onLoss: "refuse" as const };
const BACK = { mapping: { models: [{ from: "main.ml.churn", to: "churn" }] }, onLoss: "refuse" as const };

/** The tags of a model in a place like Unity Catalog, and those that it has after the way back. */
async function thereAndBack(tags: Tags): Promise<{ readonly there: Tags; readonly back: Tags }> {
  const source = createMemory({ origin: ORIGIN });
  source.load({ ...model("churn"), tags });
  const unity = createMemory({ capabilities: unityCatalogCapabilities });
  expect(Object.keys(byState(await runJob(job(source, unity, UNITY))))).toEqual(["done"]);
  expect((await verifyJob(job(source, unity, UNITY))).flatMap(({ findings }) => findings)).toEqual([]);
  const home = createMemory();
  expect(Object.keys(byState(await runJob(job(unity, home, BACK))))).toEqual(["done"]);
  expect((await verifyJob(job(unity, home, BACK))).flatMap(({ findings }) => findings)).toEqual([]);
  return { there: await tagsOf(unity, "main.ml.churn"), back: await tagsOf(home, "churn") };
}

async function tagsOf(place: ReturnType<typeof createMemory>, name: string): Promise<Tags> {
  for await (const entity of place.ask({ about: "key", key: keyOf("registered-model", name) }, new AbortController().signal)) {
    if (entity.kind === "registered-model") return entity.tags;
  }
  throw new Error(`${name} is not there`);
}

it("keys are rewritten readably, long values go on in further tags, and one tag says what was what", async () => {
  const tags = new Map([
    ["git.sha", "0123abcd"],
    ["note", "n".repeat(2500)],
    ["team", "a"],
  ]);
  const { there, back } = await thereAndBack(tags);
  expect([...there]).toEqual([
    ["git_sha", "0123abcd"],
    ["note", "n".repeat(1000)],
    ["note__2", "n".repeat(1000)],
    ["note__3", "n".repeat(500)],
    ["team", "a"],
    ["source_tag_keys", '{"git_sha":"git.sha","note":"note","note__2":"note","note__3":"note"}'],
  ]);
  expect(back).toEqual(tags);
});

it("whatever tags a model has come back as they were", async () => {
  // Two keys that would be rewritten to one are refused by name, so none are made here.
  const key = fc.stringMatching(/^[a-c]([.,=/: -][a-c]){0,2}$/);
  const value = fc.oneof(fc.string(), fc.string({ unit: "binary", minLength: 900, maxLength: 2100 }));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(key, value), { selector: ([one]) => one.replace(/[.,\-=/:]/g, "_"), maxLength: 5 }),
      async (pairs) => {
        const tags = new Map(pairs);
        expect((await thereAndBack(tags)).back).toEqual(tags);
      },
    ),
    { numRuns: 30 },
  );
});

it("a tag of that name which somebody else wrote changes nothing", async () => {
  const tags = new Map([["source_tag_keys", "not ours"]]);
  expect((await thereAndBack(tags)).back).toEqual(tags);
});

it("tags beyond the number that an object may have are refused by name", async () => {
  const source = createMemory({ origin: ORIGIN });
  source.load({ ...model("churn"), tags: new Map(Array.from({ length: 60 }, (_, index) => [`tag ${String(index)}`, "x"])) });
  const unity = createMemory({ capabilities: unityCatalogCapabilities });
  const [outcome] = await runJob(job(source, unity, UNITY));
  expect(outcome?.error?.message).toContain("the target cannot hold tags.tag 44 (more than 44 tags on one object)");
});
