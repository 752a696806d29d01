// The list of what was placed in an experiment earlier.
import { describe, expect, it } from "vitest";
import { createPlacedIndex } from "../../src/adapters/mlflow/target-index.ts";
import type { IndexedObject } from "../../src/adapters/mlflow/target-index.ts";

const { signal } = new AbortController();

function indexOf(objects: readonly IndexedObject[], options: { failFirst?: boolean } = {}) {
  const loads: string[] = [];
  const index = createPlacedIndex(async function* (experimentId) {
    loads.push(experimentId);
    await Promise.resolve();
    if (options.failFirst === true && loads.length === 1) throw new Error("no connection");
    yield* objects;
  });
  return { index, loads };
}

const object = (id: string, source: string, more: Partial<IndexedObject> = {}): IndexedObject => ({ id, source, deleted: false, ...more });

describe("the index of placed objects", () => {
  it("loads an experiment once, however many ask at a time", async () => {
    const { index, loads } = indexOf([object("r1", "s1"), object("r2", "s2")]);
    const found = await Promise.all(["s1", "s2", "s3"].map((source) => index.find("1", source, signal)));
    expect(found.map((one) => one?.id)).toEqual(["r1", "r2", undefined]);
    expect(loads).toEqual(["1"]);
  });

  it("loads nothing for an experiment that is new", async () => {
    const { index, loads } = indexOf([]);
    index.startEmpty("1");
    index.note("1", "s1", { id: "r1", mark: "m", deleted: false });
    expect(await index.find("1", "s1", signal)).toEqual({ id: "r1", mark: "m", deleted: false });
    expect(await index.find("1", "s2", signal)).toBeUndefined();
    expect(loads).toEqual([]);
  });

  it("believes its own writes over the list", async () => {
    const { index } = indexOf([object("r1", "s1", { mark: "old" })]);
    await index.find("1", "s1", signal);
    index.note("1", "s1", { id: "r1", mark: "new", deleted: false });
    expect((await index.find("1", "s1", signal))?.mark).toBe("new");
  });

  it("knows what changed since, until the object is written again", async () => {
    const { index } = indexOf([object("r1", "s1", { mark: "m" })]);
    index.amend("r1", { deleted: true });
    expect(await index.find("1", "s1", signal)).toEqual({ id: "r1", mark: "m", deleted: true });
    index.note("1", "s1", { id: "r1", mark: "n", deleted: false });
    expect(await index.find("1", "s1", signal)).toEqual({ id: "r1", mark: "n", deleted: false });
  });

  it("asks again for an experiment that is to be forgotten", async () => {
    const { index, loads } = indexOf([]);
    await index.find("1", "s1", signal);
    index.forget("1");
    await index.find("1", "s1", signal);
    expect(loads).toEqual(["1", "1"]);
  });

  it("asks again after a load that failed", async () => {
    const { index } = indexOf([object("r1", "s1")], { failFirst: true });
    await expect(index.find("1", "s1", signal)).rejects.toThrow("no connection");
    expect((await index.find("1", "s1", signal))?.id).toBe("r1");
  });

  it("prefers the whole one of two objects from one source", async () => {
    const { index } = indexOf([
      object("half", "s1"),
      object("whole", "s1", { mark: "m" }),
      object("gone", "s1", { mark: "m", deleted: true }),
    ]);
    expect((await index.find("1", "s1", signal))?.id).toBe("whole");
  });
});
