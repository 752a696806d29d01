// What writing a model version changes, and what it refuses because no call can change it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ModelVersion } from "../../src/model/entities.ts";
import { experiment, loggedModel, registeredModel, run, tags, version, versionOf } from "../contract/builders.ts";
import type { Item } from "../contract/item.ts";
import { openFakePlace } from "./place.ts";
import type { FakePlace } from "./place.ts";

let place: FakePlace;
beforeEach(async () => {
  place = await openFakePlace();
});
afterEach(() => place.close());

const home = experiment("home");
const made = run("made", home);
const other = run("other", home);
const model = registeredModel("m");

/** Puts an item again, as another process that finds it would. */
async function update(item: Item<ModelVersion>): Promise<void> {
  const existing = await place.ferry.find(item);
  if (existing === undefined) throw new Error("nothing was found");
  await place.ferry.put(item, { existing });
}

const changed = (item: Item<ModelVersion>, fields: Partial<ModelVersion>): Item<ModelVersion> => ({
  ...item,
  entity: { ...item.entity, ...fields },
});

describe("an update", () => {
  const first = versionOf(made, 1, model);

  beforeEach(() => place.ferry.putAll([home, made, other, model, first]));

  it("refuses files that moved to another run, and writes nothing", async () => {
    const files = { owner: "run", key: other.entity.key, path: "model" } as const;
    const moved = changed(first, { files, run: other.entity.key, tags: tags({ new: "1" }) });
    await expect(update(moved)).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringMatching(/^files of model-version:m\/1 is run:.*#model, not run:.*#model, and cannot be changed$/) as string,
      hint: expect.stringContaining("delete the version at the target") as string,
    });
    expect(place.fake.store.version("m", 1).tags.has("new")).toBe(false);
  });

  it("refuses a link that changed", async () => {
    await expect(update(changed(first, { runLink: "https://example.org" }))).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringContaining("runLink") as string,
    });
  });

  it("does not advise to delete a version whose number could not be given anew", async () => {
    await place.ferry.put(versionOf(made, 2, model));
    await expect(update(changed(first, { runLink: "https://example.org" }))).rejects.toMatchObject({
      hint: expect.stringMatching(/^keep it/) as string,
    });
  });

  it("writes the rest where files, run and link are as they were", async () => {
    await update(changed(first, { description: "new", tags: tags({ new: "1" }) }));
    expect(place.fake.store.version("m", 1)).toMatchObject({ description: "new" });
  });
});

it("of a model that is gone is refused with what to do", async () => {
  await place.ferry.putAll([home, made]);
  await expect(place.ferry.put(versionOf(made, 1, model))).rejects.toMatchObject({
    code: "NOT_FOUND",
    hint: expect.stringContaining("run the same command again") as string,
  });
});

it("is written where the server chose the run: promoted versions, files of logged models, carriers", async () => {
  const logged = loggedModel("lm", home, { sourceRun: made.entity.key });
  const own = version(1, model, { files: { owner: "own" } }, { MLmodel: "a" });
  const promoted = version(2, model, { files: { owner: "version", key: own.entity.key } });
  const byModel = version(3, model, { files: { owner: "logged-model", key: logged.entity.key, path: "" } });
  await place.ferry.putAll([home, made, logged, model, own, promoted, byModel]);
  for (const item of [own, promoted, byModel]) await update(changed(item, { description: "new" }));
  const there = [...place.fake.store.model("m").versions.values()];
  expect(there.map(({ description }) => description)).toEqual(["new", "new", "new"]);
});

describe("a promoted version", () => {
  const original = versionOf(made, 1, model);
  const prod = registeredModel("prod");
  const byVersion = version(1, prod, { files: { owner: "version", key: original.entity.key }, run: made.entity.key });
  const byRun = changed(byVersion, { files: { owner: "run", key: made.entity.key, path: "model" } });

  for (const [how, first, then] of [
    ["of its origin", byVersion, byRun],
    ["of the run where they lie", byRun, byVersion],
  ] as const) {
    it(`whose files were told as those ${how} is the same when they are told in the other way`, async () => {
      await place.ferry.putAll([home, made, model, prod, original, first]);
      const found = await place.ferry.find(then);
      expect(await found?.read(new AbortController().signal)).toMatchObject({ files: place.ferry.expected(then.entity).files });
      await expect(update(changed(then, { description: "new" }))).resolves.toBeUndefined();
      expect(place.fake.store.version("prod", 1).description).toBe("new");
    });
  }

  it("is another one when its files lie elsewhere", async () => {
    await place.ferry.putAll([home, made, other, model, prod, original, byVersion]);
    const moved = changed(byRun, { files: { owner: "run", key: other.entity.key, path: "model" }, run: other.entity.key });
    await expect(update(moved)).rejects.toMatchObject({ code: "NOT_SUPPORTED", message: expect.stringContaining("files of") as string });
  });
});

describe("a version whose number does not matter", () => {
  it("takes what the server gives, above numbers that were used and are gone", async () => {
    await place.ferry.putAll([home, made, model, versionOf(made, 1, model)]);
    place.fake.store.model("m").lastNumber = 4;
    const entity = place.ferry.expected(versionOf(made, 2, model).entity);
    const key = await place.target.put(entity, {
      provenance: place.ferry.provenance(entity),
      mark: "",
      signal: new AbortController().signal,
      anyNumber: true,
      withSelf: (one) => one,
      points: async function* () {},
      peek: () => Promise.resolve(undefined),
      files: () => Promise.resolve(),
    });
    expect(key).toBe("model-version:m/5");
    expect([...place.fake.store.model("m").versions.keys()]).toEqual([1, 5]);
  });
});
