// How many requests writing costs, and in which order they go out.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Experiment } from "../../src/model/entities.ts";
import { experiment, loggedModel, point, registeredModel, run, runKey, tags, version, versionOf } from "../contract/builders.ts";
import { openFakePlace } from "./place.ts";
import type { FakePlace } from "./place.ts";

const { signal } = new AbortController();
let place: FakePlace;
beforeEach(async () => {
  place = await openFakePlace();
});
afterEach(() => place.close());

const home = experiment("home");

describe("writing a run", () => {
  it("costs three requests and one for each file", async () => {
    await place.ferry.put(home);
    const small = run(
      "small",
      home,
      { params: tags({ p: "1" }), tags: tags({ t: "1" }) },
      { points: [point("m", 1)], files: { a: "1", "b/c": "2" } },
    );
    const requests = await place.requestsOf(() => place.ferry.put(small));
    const [id] = place.fake.store.runs.keys();
    expect(requests.slice(1, 3).sort()).toEqual([`PUT 1/${String(id)}/artifacts/a`, `PUT 1/${String(id)}/artifacts/b/c`]);
    expect([requests[0], ...requests.slice(3)]).toEqual(["POST runs/create", "POST runs/update", "POST runs/log-batch"]);
  });

  it("needs no update while it goes on, and names datasets only where there are some", async () => {
    await place.ferry.put(home);
    const { endTime: _ended, ...open } = run("open", home, { status: "RUNNING" }).entity;
    expect(await place.requestsOf(() => place.ferry.put({ entity: open }))).toEqual(["POST runs/create", "POST runs/log-batch"]);
    const dataset = { name: "d", digest: "1", sourceType: "local", source: "{}", tags: tags({}) };
    const trained = run("trained", home, { datasets: [dataset] });
    expect(await place.requestsOf(() => place.ferry.put(trained))).toContain("POST runs/log-inputs");
  });

  it("sends a dataset again that another run brought at the same moment", async () => {
    await place.ferry.put(home);
    const dataset = { name: "d", digest: "1", sourceType: "local", source: "{}", tags: tags({}) };
    place.fake.lose("POST runs/log-inputs", "race", "race");
    const requests = await place.requestsOf(() => place.ferry.put(run("trained", home, { datasets: [dataset] })));
    expect(requests.filter((request) => request === "POST runs/log-inputs")).toHaveLength(3);
    expect([...place.fake.store.runs.values()][0]?.datasets).toHaveLength(1);
  });

  it("stores the mark after everything else", async () => {
    await place.ferry.put(home);
    const points = Array.from({ length: 2500 }, (_, step) => point("m", step, step));
    const requests = await place.requestsOf(() => place.ferry.put(run("long", home, {}, { points }), { mark: "whole" }));
    expect(requests.filter((request) => request === "POST runs/log-batch")).toHaveLength(3);
    const [there] = place.fake.store.runs.values();
    expect([there?.metrics.size, there?.tags.get("mlferry_done")]).toEqual([2500, "whole"]);
  });

  it("refuses a param that changed, by name, and writes nothing", async () => {
    const before = run("before", home, { params: tags({ lr: "0.1", same: "1" }) });
    await place.ferry.putAll([home, before]);
    const existing = await place.ferry.find(before);
    if (existing === undefined) throw new Error("nothing was found");
    const after = { ...before, entity: { ...before.entity, params: tags({ lr: "0.2", same: "1" }) } };
    const requests = await place.requestsOf(() =>
      expect(place.ferry.put(after, { existing })).rejects.toMatchObject({ message: expect.stringContaining('"lr"') as string }),
    );
    expect(requests).toEqual(["GET runs/get"]);
  });

  it("takes away tags that it no longer has, and leaves mlferry's own", async () => {
    const before = run("before", home, { tags: tags({ a: "1", b: "2" }) });
    await place.ferry.putAll([home, before]);
    const existing = await place.ferry.find(before);
    if (existing === undefined) throw new Error("nothing was found");
    await place.ferry.put({ ...before, entity: { ...before.entity, tags: tags({ b: "3" }) } }, { existing, mark: "second" });
    const [there] = place.fake.store.runs.values();
    const kept = Object.fromEntries([...(there?.tags ?? [])].filter(([key]) => key !== "mlferry_source"));
    expect(kept).toEqual({ "mlflow.runName": "before", mlferry_source_id: runKey("before").slice(4), b: "3", mlferry_done: "second" });
  });

  it("says that its experiment is deleted, and what to do", async () => {
    await place.ferry.put(home);
    place.fake.store.experiment("1").deleted = true;
    await expect(place.ferry.put(run("late", home))).rejects.toMatchObject({
      message: expect.stringContaining("is deleted") as string,
      hint: expect.stringContaining("restore") as string,
    });
  });
});

describe("finding what is there", () => {
  const runs = Array.from({ length: 150 }, (_, index) => run(`r${index}`, home));

  it("costs one search for all runs of an experiment, and none where it is new", async () => {
    await place.ferry.put(home);
    expect(await place.requestsOf(() => Promise.all(runs.map((item) => place.ferry.find(item))))).toEqual([]);
    await place.ferry.putAll(runs);
    const { ferry } = await place.again();
    await adopt(ferry);
    const requests = await place.requestsOf(() => Promise.all(runs.map((item) => ferry.find(item))));
    expect(requests).toEqual(["POST runs/search"]);
  });

  it("reads runs that are wanted at the same time in one request for every hundred", async () => {
    await place.ferry.putAll([home, ...runs]);
    const founds = await Promise.all(runs.map((item) => place.ferry.find(item)));
    const requests = await place.requestsOf(async () => {
      const read = await Promise.all(founds.map(async (found) => found?.read(signal)));
      expect(read.map((entity) => entity?.kind === "run" && entity.name)).toEqual(runs.map(({ entity }) => entity.name));
    });
    expect(requests).toEqual(["POST runs/search", "POST runs/search"]);
  });

  it("costs two requests for a model and all its versions and aliases", async () => {
    const model = registeredModel("m");
    const made = run("made", home);
    const versions = [1, 2, 5].map((number) => versionOf(made, number, model));
    await place.ferry.putAll([home, made, model, ...versions]);
    const { ferry } = await place.again();
    const requests = await place.requestsOf(async () => {
      for (const item of [model, ...versions]) expect(await ferry.find(item)).toMatchObject({ ours: true });
    });
    expect(requests).toEqual(["GET registered-models/get", "GET model-versions/search"]);
  });

  async function adopt(ferry: FakePlace["ferry"]): Promise<void> {
    const existing = await ferry.find(home);
    if (existing === undefined) throw new Error("nothing was found");
    await ferry.put(home, { existing });
  }
});

describe("an experiment that is there already", () => {
  it("keeps the tags of others, and gets none of mlferry's", async () => {
    place.fake.store.experiments.set("7", { id: "7", name: "home", tags: new Map([["theirs", "1"]]), deleted: false });
    const existing = await place.ferry.find(home);
    expect(existing).toMatchObject({ key: "experiment:7", ours: false });
    if (existing === undefined) throw new Error("nothing was found");
    await place.ferry.put({ entity: { ...home.entity, tags: tags({ ours: "2" }) } }, { existing });
    expect([...place.fake.store.experiment("7").tags]).toEqual([
      ["theirs", "1"],
      ["ours", "2"],
    ]);
  });

  it("is refused where it is deleted and another's", async () => {
    place.fake.store.experiments.set("7", { id: "7", name: "home", tags: new Map(), deleted: true });
    const existing = await place.ferry.find(home);
    expect(existing).toMatchObject({ ours: false, deleted: true });
    if (existing === undefined) throw new Error("nothing was found");
    await expect(place.ferry.put(home, { existing })).rejects.toMatchObject({ code: "NAME_TAKEN", hint: expect.any(String) as string });
  });
});

describe("an experiment of ours that is deleted", () => {
  const restored = ["POST experiments/restore", "POST experiments/set-experiment-tag", "POST experiments/delete"];

  async function putAgain(fields: Partial<Experiment>): Promise<void> {
    const { ferry } = await place.again();
    const existing = await ferry.find(home);
    if (existing === undefined) throw new Error("nothing was found");
    await ferry.put({ entity: { ...home.entity, ...fields } }, { existing });
  }

  beforeEach(async () => {
    const runs = [run("one", home), run("two", home)];
    await place.ferry.putAll([home, ...runs]);
    for (const item of runs) await place.ferry.remove(item);
    await place.ferry.remove(home);
  });

  it("gets its tags and is deleted again at once, and so are its runs", async () => {
    const requests = await place.requestsOf(() => putAgain({ tags: tags({ a: "2" }) }));
    expect(requests.slice(-3)).toEqual(restored);
    const { experiments, runs } = place.fake.store;
    expect([...experiments.values()].map(({ deleted, tags: there }) => [deleted, there.get("a")])).toEqual([[true, "2"]]);
    expect([...runs.values()].map(({ deleted }) => deleted)).toEqual([true, true]);
  });

  it("is deleted again where a tag cannot be written", async () => {
    place.fake.lose("POST experiments/set-experiment-tag", "before", "before", "before");
    await expect(putAgain({ tags: tags({ a: "2" }) })).rejects.toMatchObject({ code: "REQUEST_FAILED" });
    expect(place.fake.store.experiment("1").deleted).toBe(true);
  });

  it("is written where the answer to the restoring is lost", async () => {
    place.fake.lose("POST experiments/restore", "after");
    await putAgain({ tags: tags({ a: "2" }) });
    expect([...place.fake.store.experiment("1").tags]).toContainEqual(["a", "2"]);
  });

  it("is not touched where it is as it should be", async () => {
    const requests = await place.requestsOf(() => putAgain({}));
    expect(requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });
});

describe("version numbers", () => {
  const made = run("made", home);
  const model = registeredModel("m");

  it("cost two requests for each number that is passed over", async () => {
    await place.ferry.putAll([home, made, model, versionOf(made, 1, model)]);
    const requests = await place.requestsOf(() => place.ferry.put(versionOf(made, 4, model)));
    const gap = ["POST model-versions/create", "DELETE model-versions/delete"];
    expect(requests).toEqual([...gap, ...gap, "POST model-versions/create"]);
  });

  it("that the server has used up are refused with both numbers, and nothing stays behind", async () => {
    await place.ferry.putAll([home, made, model]);
    place.fake.store.model("m").lastNumber = 4;
    await expect(place.ferry.put(versionOf(made, 2, model))).rejects.toMatchObject({
      code: "VERSION_NUMBER_TAKEN",
      message: expect.stringMatching(/version 2 .* number is 6/) as string,
    });
    expect(place.fake.store.model("m").versions.size).toBe(0);
  });

  it("far ahead are refused without a request", async () => {
    await place.ferry.putAll([home, made, model]);
    const far = versionOf(made, 1002, model);
    const requests = await place.requestsOf(() => expect(place.ferry.put(far)).rejects.toMatchObject({ code: "VERSION_NUMBER_TAKEN" }));
    expect(requests).toEqual([]);
  });
});

describe("a version with files of its own", () => {
  const model = registeredModel("m");
  const own = (number: number, content: string) => version(number, model, { files: { owner: "own" } }, { MLmodel: content });

  it("gets them in a run of the experiment of carriers, which is made once", async () => {
    await place.ferry.putAll([model, own(1, "a"), own(2, "b")]);
    const { experiments, runs, files } = place.fake.store;
    expect([...experiments.values()].map(({ name }) => name)).toEqual(["mlferry carriers"]);
    expect([...runs.values()].map(({ name, status }) => [name, status])).toEqual([
      ["m/1", "FINISHED"],
      ["m/2", "FINISHED"],
    ]);
    expect([...files].map(([path, bytes]) => [path.split("/").slice(2).join("/"), bytes.toString()])).toEqual([
      ["artifacts/model/MLmodel", "a"],
      ["artifacts/model/MLmodel", "b"],
    ]);
    const tagsOf = [...place.fake.store.model("m").versions.values()].map((there) => there.tags.get("mlferry_carrier"));
    expect(tagsOf).toEqual([...runs.keys()]);
  });

  it("gets them again in the same run, and the new mark", async () => {
    await place.ferry.putAll([model, own(1, "a")]);
    const { ferry } = await place.again();
    const existing = await ferry.find(own(1, "b"));
    if (existing === undefined) throw new Error("nothing was found");
    await ferry.put(own(1, "b"), { existing, mark: "second" });
    const { runs, files } = place.fake.store;
    expect([runs.size, [...files.values()].map(String)]).toEqual([1, ["b"]]);
    expect((await ferry.find(own(1, "b")))?.mark).toBe("second");
  });
});

describe("a logged model's metrics", () => {
  it("leave the run's own points single, NaN included", async () => {
    const points = [point("acc", 0.5, 1), point("loss", Number.NaN, 1)];
    const maker = run("maker", home, {}, { points });
    const metrics = [point("acc", 0.5, 1), point("loss", 0, 1)].map((metric) => ({ ...metric, run: maker.entity.key }));
    await place.ferry.putAll([home, maker, loggedModel("lm", home, { metrics })]);
    const [there] = place.fake.store.runs.values();
    expect([...(there?.metrics.values() ?? [])].map(({ key, value }) => [key, value])).toEqual([
      ["acc", 0.5],
      ["loss", "NaN"],
    ]);
  });
});
