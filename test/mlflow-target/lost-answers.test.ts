// A server that carries a request out, or not, and then breaks off: whatever happened, every object comes to be exactly once.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Loss } from "../fakes/mlflow-server.ts";
import { experiment, loggedModel, registeredModel, run, version, versionOf } from "../contract/builders.ts";
import { oneOfEach } from "../contract/one-of-each.ts";
import { ATTEMPTS, openFakePlace } from "./place.ts";
import type { FakePlace } from "./place.ts";

let place: FakePlace;
beforeEach(async () => {
  place = await openFakePlace();
});
afterEach(() => place.close());

const CREATES = [
  "POST experiments/create",
  "POST runs/create",
  "POST logged-models",
  "POST registered-models/create",
  "POST model-versions/create",
];

function objects(): Record<string, number> {
  const { experiments, runs, loggedModels, models } = place.fake.store;
  const versions = [...models.values()].reduce((count, model) => count + model.versions.size, 0);
  return { experiments: experiments.size, runs: runs.size, loggedModels: loggedModels.size, models: models.size, versions };
}

describe("a create whose answer is lost", () => {
  const outcomes: Readonly<Record<string, readonly Loss[]>> = {
    "after it took effect": ["after"],
    "before it took effect": ["before"],
    "twice before it took effect": ["before", "before"],
    "once before and once after it took effect": ["before", "after"],
  };
  for (const route of CREATES) {
    for (const [when, losses] of Object.entries(outcomes)) {
      it(`makes one object: ${route}, ${when}`, async () => {
        place.fake.lose(route, ...losses);
        await place.ferry.putAll(oneOfEach("once").all);
        expect(objects()).toEqual({ experiments: 1, runs: 1, loggedModels: 1, models: 1, versions: 2 });
        expect(place.fake.store.model("once-model").lastNumber).toBe(2);
      });
    }
  }

  it("is given up after three requests", async () => {
    const { home, made } = oneOfEach("later");
    await place.ferry.put(home);
    place.fake.lose("POST runs/create", "before", "before", "before");
    await expect(place.ferry.put(made)).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(place.fake.store.runs.size).toBe(0);
  });

  it("makes one carrier run and its experiment once", async () => {
    const model = registeredModel("carried");
    const own = version(1, model, { files: { owner: "own" } }, { MLmodel: "x" });
    await place.ferry.put(model);
    place.fake.lose("POST experiments/create", "after");
    place.fake.lose("POST runs/create", "after");
    await place.ferry.put(own);
    expect(objects()).toMatchObject({ experiments: 1, runs: 1, versions: 1 });
  });

  it("makes each placeholder once", async () => {
    const home = experiment("gaps");
    const made = run("gaps-run", home);
    const model = registeredModel("gaps-model");
    await place.ferry.putAll([home, made, model]);
    place.fake.lose("POST model-versions/create", "after", "before", "after");
    await place.ferry.put(versionOf(made, 4, model));
    expect([...place.fake.store.model("gaps-model").versions.keys()]).toEqual([4]);
  });
});

describe("a repeatable request whose answer is lost", () => {
  for (const route of ["POST runs/update", "POST runs/log-batch", "POST runs/outputs"]) {
    it(`leaves one of everything: ${route}`, async () => {
      const home = experiment("repeat");
      const { made } = oneOfEach("repeat");
      const maker = { ...made, entity: { ...made.entity, experiment: home.entity.key } };
      const logged = loggedModel("repeat-logged", home, { outputOf: [{ run: made.entity.key, step: 3n }] });
      place.fake.lose(route, "after");
      await place.ferry.putAll([home, maker, logged]);
      const [there] = place.fake.store.runs.values();
      expect([there?.status, there?.metrics.size, there?.outputs.size]).toEqual(["FINISHED", 2, 1]);
    });
  }
});

describe("a process that was cut off", () => {
  it("is followed by one that completes the same run", async () => {
    const { home, made } = oneOfEach("cut");
    await place.ferry.put(home);
    await expect(place.ferry.put(made, { files: () => Promise.reject(new Error("cut off")) })).rejects.toThrow("cut off");
    const { ferry } = await place.again();
    await ferry.put(home, { existing: await required(ferry.find(home)) });
    const half = await required(ferry.find(made));
    expect(half).toMatchObject({ ours: true, deleted: false });
    expect(half.mark).toBeUndefined();
    await ferry.put(made, { existing: half });
    expect(place.fake.store.runs.size).toBe(1);
    expect((await ferry.find(made))?.mark).toBeDefined();
  });

  it("leaves no placeholder behind once the next one has written a version", async () => {
    const home = experiment("left");
    const made = run("left-run", home);
    const model = registeredModel("left-model");
    await place.ferry.putAll([home, made, model]);
    place.fake.lose("DELETE model-versions/delete", ...Array.from({ length: ATTEMPTS }, () => "before" as const));
    await expect(place.ferry.put(versionOf(made, 3, model))).rejects.toMatchObject({ code: "REQUEST_FAILED" });
    expect([...place.fake.store.model("left-model").versions.keys()]).toEqual([1]);
    const { ferry } = await place.again();
    for (const item of [home, made, model]) await ferry.put(item, { existing: await required(ferry.find(item)) });
    await ferry.put(versionOf(made, 3, model));
    expect([...place.fake.store.model("left-model").versions.keys()]).toEqual([3]);
  });
});

async function required<T>(found: Promise<T | undefined>): Promise<T> {
  const value = await found;
  if (value === undefined) throw new Error("nothing was found");
  return value;
}
