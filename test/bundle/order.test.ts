// The order of lines: dependencies first, ascending versions, the same however the entries come.
import { describe, expect, it } from "vitest";
import { inOrder } from "../../src/adapters/bundle/order.ts";
import type { IndexEntry } from "../../src/adapters/bundle/record-index.ts";
import { KINDS } from "../../src/model/entities.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import { keyOf, kindOf, versionKey } from "../../src/model/keys.ts";

function entry(key: EntityKey, fields: Partial<IndexEntry> = {}): IndexEntry {
  return { key, kind: kindOf(key), position: 0, sizeBytes: 0, pulls: [], deleted: false, after: [], ...fields };
}

function versionEntry(model: string, version: number, after: EntityKey[] = []): IndexEntry {
  return entry(versionKey(model, version), { version, container: keyOf("registered-model", model), after });
}

const runEntry = (id: string, time?: bigint, after: EntityKey[] = []): IndexEntry =>
  entry(keyOf("run", id), { after, ...(time === undefined ? {} : { time }) });

function check(entries: readonly IndexEntry[], expected: readonly string[]): void {
  for (const given of [entries, [...entries].reverse()]) {
    expect(inOrder(given).map(({ key }) => key)).toEqual(expected);
  }
}

describe("entries", () => {
  it("come by kind, in the order in which kinds depend on each other", () => {
    const found = inOrder([...KINDS].reverse().map((kind) => entry(keyOf(kind, "x")))).map(({ kind }) => kind);
    expect(found).toEqual(KINDS);
  });
});

describe("what hangs on versions", () => {
  it("comes by version and time, then by number", () => {
    const said = (id: string, time: bigint): IndexEntry => entry(keyOf("comment", id), { time });
    check(
      [said("m/10/1", 1n), said("m/2/10", 5n), said("m/2/9", 5n), said("m/2/11", 4n), said("a/b/3/1", 9n)],
      ["comment:a/b/3/1", "comment:m/2/11", "comment:m/2/9", "comment:m/2/10", "comment:m/10/1"],
    );
  });
});

describe("runs", () => {
  it("come by start time and key, those without a time first", () => {
    check([runEntry("b", 2n), runEntry("a", 2n), runEntry("c", 1n), runEntry("d")], ["run:d", "run:c", "run:a", "run:b"]);
  });

  it("come after their parents, however late those started", () => {
    check(
      [runEntry("leaf", 1n, [keyOf("run", "mid")]), runEntry("mid", 2n, [keyOf("run", "top")]), runEntry("top", 3n)],
      ["run:top", "run:mid", "run:leaf"],
    );
  });

  it("come once where they name each other in a circle, or someone who is not there", () => {
    check([runEntry("a", 1n, [keyOf("run", "b")]), runEntry("b", 2n, [keyOf("run", "a"), keyOf("run", "gone")])], ["run:b", "run:a"]);
  });

  it("may form a chain as long as there are runs", () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => runEntry(String(i), BigInt(i), [keyOf("run", String(i + 1))]));
    const ordered = inOrder(chain);
    expect(ordered[0]?.key).toBe("run:19999");
    expect(new Set(ordered).size).toBe(20_000);
  });
});

describe("versions", () => {
  it("ascend by number in each model", () => {
    const numbers = [10, 9, 2, 1, 11];
    check(
      numbers.map((number) => versionEntry("m", number)),
      [1, 2, 9, 10, 11].map((number) => versionKey("m", number)),
    );
  });

  it("that were promoted come after what they point to", () => {
    check(
      [versionEntry("a", 1, [versionKey("z", 2)]), versionEntry("a", 2), versionEntry("z", 1), versionEntry("z", 2)],
      [versionKey("z", 1), versionKey("z", 2), versionKey("a", 1), versionKey("a", 2)],
    );
  });

  it("wait for no more than they point to", () => {
    check(
      [versionEntry("a", 1, [versionKey("z", 2)]), ...[1, 2, 3].map((number) => versionEntry("z", number)), versionEntry("b", 1)],
      [versionKey("z", 1), versionKey("z", 2), versionKey("a", 1), versionKey("b", 1), versionKey("z", 3)],
    );
  });

  it("ascend even where models wait for each other", () => {
    const found = inOrder([
      versionEntry("a", 1, [versionKey("b", 2)]),
      versionEntry("a", 2),
      versionEntry("b", 1, [versionKey("a", 2)]),
      versionEntry("b", 2),
    ]).map(({ key }) => key);
    expect(found).toHaveLength(4);
    for (const model of ["a", "b"]) expect(found.indexOf(versionKey(model, 1))).toBeLessThan(found.indexOf(versionKey(model, 2)));
  });
});
