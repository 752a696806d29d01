// The order in which versions are moved.
import { describe, expect, it } from "vitest";
import type { EntityKey, ModelVersion } from "../../src/model/entities.ts";
import { orderVersions } from "../../src/model/order.ts";
import { registeredModel, runKey, version } from "../contract/builders.ts";

/** `b/2` or, promoted from another, `b/2 < a/1`. */
function versions(...texts: readonly string[]): ModelVersion[] {
  return texts.map((text) => {
    const [, name = "", number = "", from] = /^(\w+)\/(\d+)(?: < (.+))?$/.exec(text) ?? [];
    const files =
      from === undefined
        ? ({ owner: "run", key: runKey("made"), path: "" } as const)
        : ({ owner: "version", key: `model-version:${from}` as EntityKey } as const);
    return version(Number(number), registeredModel(name), { files }).entity;
  });
}

const ordered = (...texts: readonly string[]): string[] =>
  orderVersions(versions(...texts)).map((one) => `${one.model}/${String(one.version)}`);

describe("versions", () => {
  it("ascend in each model by number, not by text", () => {
    expect(ordered("b/10", "b/9", "a/2", "b/1", "a/1")).toEqual(["a/1", "a/2", "b/1", "b/9", "b/10"]);
  });

  it("come after what they were promoted from", () => {
    expect(ordered("a/1 < b/2", "b/1", "b/2", "b/3")).toEqual(["b/1", "b/2", "a/1", "b/3"]);
  });

  it("do not wait for versions that are not among them", () => {
    expect(ordered("a/1 < z/1", "b/1 < a/1")).toEqual(["a/1", "b/1"]);
  });

  it("ascend also where models wait for each other in a circle", () => {
    const circle = ["a/1 < b/2", "a/2", "b/1 < a/2", "b/2"];
    for (const texts of [circle, circle.toReversed()]) {
      const order = ordered(...texts);
      expect(order.filter((one) => one.startsWith("a"))).toEqual(["a/1", "a/2"]);
      expect(order.filter((one) => one.startsWith("b"))).toEqual(["b/1", "b/2"]);
    }
  });
});
