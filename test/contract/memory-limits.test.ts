// Each capability of a memory place, where it is true and where it is false: what it cannot hold it refuses, never drops.
import { describe, expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import type { Entity, OriginId } from "../../src/model/entities.ts";
import { keyOf, PROVENANCE } from "../../src/model/keys.ts";
import type { Capabilities } from "../../src/ports/capabilities.ts";
import type { PutContext, Target } from "../../src/ports/target.ts";
import { alias, experiment, loggedModel, point, registeredModel, run, tags, version, versionOf } from "./builders.ts";
import type { Item } from "./item.ts";

const never = new AbortController().signal;

/** Puts an item as it is: without what reconcile would do for the place. */
async function putRaw(target: Target, item: Item, context: Partial<PutContext> = {}): Promise<string> {
  return target.put(item.entity, {
    provenance: new Map([[PROVENANCE.source, item.entity.key]]),
    signal: never,
    mark: "whole",
    withSelf: (entity) => entity,
    peek: () => Promise.resolve(undefined),
    async *points() {
      if (item.points !== undefined) yield item.points;
    },
    async files(send) {
      for (const [path, bytes] of Object.entries(item.files ?? {})) {
        await send({ path }, async function* () {
          yield bytes;
        });
      }
    },
    ...context,
  });
}

const home = experiment("home");
const made = run("made", home, {}, { files: { "model/m": "x" } });
const model = registeredModel("ml.prod.churn");
const first = version(1, model, { files: { owner: "own" } });

interface Case {
  readonly capabilities: Partial<Capabilities>;
  /** What has to be there before. */
  readonly before?: readonly Item[];
  readonly item: Item;
  readonly code: string;
  readonly says: string;
}

const long = "x".repeat(300);
const UC = unityCatalogCapabilities;
const withTags = (of: Item, object: Readonly<Record<string, string>>): Item =>
  !("tags" in of.entity) ? of : { ...of, entity: { ...of.entity, tags: tags(object) } };
const fiftyTags = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}`, ""]));

const CASES: Readonly<Record<string, Case>> = {
  "a kind that it does not have": {
    capabilities: { kinds: new Set(["experiment"]) },
    item: registeredModel("a"),
    code: "NOT_SUPPORTED",
    says: "no such objects",
  },
  "a stage": {
    capabilities: { stages: false },
    before: [model],
    item: version(1, model, { files: { owner: "own" }, stage: "Production" }),
    code: "NOT_SUPPORTED",
    says: "no stages",
  },
  "a version that refers to files of a run": {
    capabilities: { versionFiles: "own-copy" },
    before: [home, made, model],
    item: versionOf(made, 1, model),
    code: "NOT_SUPPORTED",
    says: "files of another object",
  },
  "a version with files of its own": {
    capabilities: { versionFiles: "by-reference" },
    before: [model],
    item: first,
    code: "NOT_SUPPORTED",
    says: "files of its own",
  },
  "an infinite point": {
    capabilities: { infinities: false },
    before: [home],
    item: run("infinite", home, {}, { points: [point("m", -Infinity)] }),
    code: "REQUEST_FAILED",
    says: "metric m is infinite",
  },
  "an infinite metric of a logged model": {
    capabilities: { infinities: false },
    before: [home],
    item: loggedModel("infinite", home, { metrics: [point("m", Infinity)] }),
    code: "REQUEST_FAILED",
    says: "metric m is infinite",
  },
  "a long param": {
    capabilities: { paramValueChars: 299 },
    before: [home],
    item: run("param", home, { params: tags({ p: long }) }),
    code: "REQUEST_FAILED",
    says: "param p is too long",
  },
  "a flat model name": { capabilities: UC, item: registeredModel("churn"), code: "NAME_ILLEGAL", says: "catalog.schema.model" },
  "a model name with a space": { capabilities: UC, item: registeredModel("ml.prod.my churn"), code: "NAME_ILLEGAL", says: "my churn" },
  "a model name of four parts": { capabilities: UC, item: registeredModel("ml.prod.churn.b"), code: "NAME_ILLEGAL", says: "churn.b" },
  "a long part of a model name": { capabilities: UC, item: registeredModel(`ml.prod.${long}`), code: "NAME_ILLEGAL", says: "255" },
  "an alias that is a number": { capabilities: UC, before: [model, first], item: alias("v12", first), code: "NAME_ILLEGAL", says: "v12" },
  "the alias latest": { capabilities: UC, before: [model, first], item: alias("latest", first), code: "NAME_ILLEGAL", says: "latest" },
  "a logged model's name with a slash": {
    capabilities: UC,
    before: [home],
    item: loggedModel("a/b", home),
    code: "NAME_ILLEGAL",
    says: "a/b",
  },
  "a dot in a tag key": { capabilities: UC, item: withTags(model, { "a.b": "" }), code: "REQUEST_FAILED", says: '"a.b"' },
  "a space at the end of a tag key": { capabilities: UC, item: withTags(model, { "a ": "" }), code: "REQUEST_FAILED", says: '"a "' },
  "a long tag key": { capabilities: UC, item: withTags(model, { [long]: "" }), code: "REQUEST_FAILED", says: "is too long" },
  "a long tag value": { capabilities: UC, item: withTags(model, { a: long.repeat(4) }), code: "REQUEST_FAILED", says: "tag a is too long" },
  "more than 50 tags, mlferry's own included": {
    capabilities: UC,
    item: withTags(model, fiftyTags),
    code: "REQUEST_FAILED",
    says: "too many tags",
  },
};

describe.each(Object.entries(CASES))("%s", (_name, { capabilities, before = [], item, code, says }) => {
  const filled = async (own: Partial<Capabilities>): Promise<Target> => {
    const target = createMemory({ capabilities: own, newIds: false });
    for (const { entity, points = [], files = {} } of before) target.load(entity, { points, files });
    return target;
  };

  it("is refused by a place that cannot hold it", async () => {
    const target = await filled(capabilities);
    await expect(putRaw(target, item)).rejects.toMatchObject({ code, side: "target", message: expect.stringContaining(says) as unknown });
  });

  it("is taken by a place that can", async () => {
    expect(await putRaw(await filled({}), item)).toBe(item.entity.key);
  });
});

describe("a file whose path the place refuses", () => {
  const capabilities = { filePathRefuses: { pattern: /#/, wording: "no #" } };
  const odd = run("odd", home, {}, { files: { "a#b": "x" } });

  it("fails alone, with the place's words", async () => {
    const target = createMemory({ capabilities, newIds: false });
    await putRaw(target, home);
    await expect(putRaw(target, odd)).rejects.toMatchObject({ code: "NAME_ILLEGAL", message: expect.stringContaining("no #") as unknown });
  });

  it.each(["", "/etc/passwd", "../up", "a/../b", "a//b", "./a"])("is refused by every place when it is %j", async (path) => {
    const target = createMemory({ newIds: false });
    await putRaw(target, home);
    const outside = run("outside", home, {}, { files: { [path]: "x" } });
    await expect(putRaw(target, outside)).rejects.toMatchObject({ code: "NAME_ILLEGAL" });
  });
});

describe("a memory place, like a strict server", () => {
  const missing: Readonly<Record<string, Item>> = {
    "a run without its experiment": made,
    "a logged model without its experiment": loggedModel("logged", home),
    "a version without its model": first,
    "a version without the run that has its files": versionOf(run("absent", home), 1, model),
    "an alias of a version that is not there": alias("champion", versionOf(made, 3, model)),
  };

  it.each(Object.entries(missing))("refuses %s", async (_name, item) => {
    const target = createMemory({ newIds: false });
    if (item.entity.kind === "model-version" && item.entity.files.owner === "run") await putRaw(target, model);
    await expect(putRaw(target, item)).rejects.toMatchObject({
      code: "REQUEST_FAILED",
      message: expect.stringContaining("is not there") as unknown,
    });
  });

  it("refuses a second object under a name or a key", async () => {
    const target = createMemory({ newIds: false });
    for (const item of [home, made, model, first]) await putRaw(target, item);
    const provenance = new Map([[PROVENANCE.source, "another"]]);
    for (const item of [home, made, model])
      await expect(putRaw(target, item, { provenance })).rejects.toMatchObject({ code: "NAME_TAKEN" });
    await expect(putRaw(target, first, { provenance })).rejects.toMatchObject({ code: "VERSION_NUMBER_TAKEN" });
  });

  it("refuses to create what was placed before, though it would get another id", async () => {
    const target = createMemory();
    target.load(home.entity);
    await putRaw(target, made);
    await expect(putRaw(target, made)).rejects.toMatchObject({
      code: "REQUEST_FAILED",
      message: expect.stringContaining("placed before") as unknown,
    });
  });

  it("refuses to change a param", async () => {
    const target = createMemory({ newIds: false });
    await putRaw(target, home);
    const before = run("params", home, { params: tags({ p: "1" }) });
    const provenance = new Map([[PROVENANCE.source, "x"]]);
    await putRaw(target, before, { provenance });
    const existing = await target.find(before.entity, { provenance, signal: never });
    if (existing === undefined) throw new Error("not found");
    const changed = run("params", home, { params: tags({ p: "2" }) });
    await expect(putRaw(target, changed, { provenance, existing })).rejects.toMatchObject({ code: "REQUEST_FAILED" });
  });

  it("refuses links of deleted runs, updates of deleted experiments of others, and new runs in them", async () => {
    const target = createMemory({ newIds: false });
    for (const item of [home, made]) await putRaw(target, item);
    const provenance = new Map([[PROVENANCE.source, made.entity.key]]);
    const existing = await target.find(made.entity, { provenance, signal: never });
    if (existing === undefined) throw new Error("not found");
    await target.remove(made.entity, existing.key, never);
    await expect(target.link(made.entity, existing.key, { mark: "m", signal: never })).rejects.toMatchObject({ code: "REQUEST_FAILED" });
    target.load({ ...home.entity, deleted: true });
    const theirs = await target.find(home.entity, { provenance: new Map([[PROVENANCE.source, "ours"]]), signal: never });
    if (theirs === undefined) throw new Error("not found");
    await expect(putRaw(target, home, { existing: theirs })).rejects.toMatchObject({ code: "REQUEST_FAILED" });
    await expect(putRaw(target, run("late", home))).rejects.toMatchObject({ code: "REQUEST_FAILED" });
  });

  it("keeps the tags of an experiment that others made, and its provenance", async () => {
    const target = createMemory();
    const theirs = new Map([[PROVENANCE.source, "theirs"]]);
    target.load({ ...home.entity, tags: tags({ theirs: "1" }), provenance: theirs });
    const provenance = new Map([[PROVENANCE.source, "ours"]]);
    const existing = await target.find(home.entity, { provenance, signal: never });
    if (existing === undefined) throw new Error("not found");
    expect(existing.ours).toBe(false);
    await putRaw(target, withTags(home, { ours: "2" }), { provenance, existing });
    const read: Entity = await existing.read(never);
    expect(read).toMatchObject({ provenance: theirs, tags: tags({ theirs: "1", ours: "2" }) });
  });

  it("does not take more than 100 runs in one call for histories", () => {
    const target = createMemory();
    const runs = Array.from({ length: 101 }, (_, i) => run(`r${i}`, home).entity);
    expect(() => target.histories(runs, never)).toThrow("histories of 101 runs");
  });

  it("is a registry of its own unless it is given an origin", () => {
    expect(createMemory().origin).not.toBe(createMemory().origin);
    expect(createMemory({ origin: "aa" as OriginId }).origin).toBe("aa");
    expect(createMemory({ uri: "memory:demo" }).uri).toBe("memory:demo");
  });

  it("gives new ids to what is put, and keeps those that are loaded", async () => {
    const target = createMemory();
    target.load(home.entity);
    const key = await putRaw(target, made);
    expect(key).toMatch(/^run:[0-9a-f]{32}$/);
    expect(key).not.toBe(made.entity.key);
    expect(await putRaw(target, loggedModel("logged", home))).toMatch(/^logged-model:m-[0-9a-f]{32}$/);
    expect(await putRaw(target, experiment("other"))).toBe(keyOf("experiment", "3"));
  });
});
