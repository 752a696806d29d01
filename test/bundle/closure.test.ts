// What a selection comes to.
import { expect, it } from "vitest";
import { closeSelection } from "../../src/model/closure.ts";
import type { Selectable } from "../../src/model/closure.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import { keyOf, kindOf } from "../../src/model/keys.ts";

const key = (text: string): EntityKey => text as EntityKey;

function registry(): ReadonlyMap<EntityKey, Selectable> {
  const objects: Selectable[] = [];
  const add = (text: string, fields: Partial<Selectable> = {}): void => {
    const pulls = fields.container === undefined ? [] : [fields.container];
    objects.push({ key: key(text), kind: kindOf(key(text)), deleted: false, ...fields, pulls: [...pulls, ...(fields.pulls ?? [])] });
  };
  for (const name of ["a", "b", "c"]) add(`experiment:${name}`, { name });
  add("experiment:gone", { name: "gone", deleted: true });
  add("run:a1", { container: key("experiment:a") });
  add("run:a2", { container: key("experiment:a"), deleted: true });
  add("run:b1", { container: key("experiment:b"), pulls: [key("run:c1")] });
  add("run:b2", { container: key("experiment:b") });
  add("run:c1", { container: key("experiment:c"), deleted: true });
  add("run:g1", { container: key("experiment:gone") });
  add("logged-model:b", { container: key("experiment:b") });
  for (const name of ["churn", "fraud"]) add(`registered-model:${name}`, { name });
  add("model-version:churn/1", { container: key("registered-model:churn"), pulls: [key("run:b1"), key("run:purged")] });
  add("model-version:fraud/1", { container: key("registered-model:fraud"), pulls: [key("model-version:churn/1")] });
  add("alias:churn/x", { container: key("model-version:churn/1") });
  add("alias:fraud/x", { container: key("model-version:fraud/1") });
  return new Map(objects.map((object) => [object.key, object]));
}

function check(selection: { experiments?: string[]; models?: string[]; includeDeleted?: boolean }, expected: readonly string[]): void {
  expect([...closeSelection(registry(), { includeDeleted: false, ...selection }).keys].sort()).toEqual([...expected].sort());
}

const B1 = ["run:b1", "experiment:b", "run:c1", "experiment:c"];
const CHURN = ["registered-model:churn", "model-version:churn/1"];

it("an experiment comes with what it holds, and no deleted run", () => {
  check({ experiments: ["a"] }, ["experiment:a", "run:a1"]);
  check({ experiments: ["a"], includeDeleted: true }, ["experiment:a", "run:a1", "run:a2"]);
});

it("a run brings its ancestors and their experiments, deleted ones too, but nothing else of those experiments", () => {
  check({ experiments: ["b"] }, [...B1, "run:b2", "logged-model:b"]);
});

it("a model brings its versions, aliases and their runs", () => {
  check({ models: ["ch*"] }, [...CHURN, "alias:churn/x", ...B1]);
});

it("a promoted version brings what it points to, but not the aliases there", () => {
  check({ models: ["fraud"] }, ["registered-model:fraud", "model-version:fraud/1", "alias:fraud/x", ...CHURN, ...B1]);
});

it("no pattern is everything that is not deleted", () => {
  const all = [...registry().keys()];
  check(
    {},
    all.filter((one) => !["run:a2", "experiment:gone", "run:g1"].includes(one)),
  );
  check({ includeDeleted: true }, all);
});

it("a pattern that matches nothing, or deleted experiments only, is named with what there is", () => {
  for (const glob of ["nope*", "gone"]) {
    expect(() => closeSelection(registry(), { experiments: ["a", glob], includeDeleted: false })).toThrow(
      expect.objectContaining({
        code: "NOTHING_SELECTED",
        message: `no experiment matches "${glob}"`,
        hint: expect.stringContaining('"a", "b", "c"') as unknown,
      }),
    );
  }
  expect(() => closeSelection(new Map(), { models: ["x"], includeDeleted: false })).toThrow(
    expect.objectContaining({ code: "NOTHING_SELECTED" }),
  );
  expect(
    closeSelection(
      new Map([
        [keyOf("experiment", "gone"), { key: keyOf("experiment", "gone"), kind: "experiment", name: "gone", pulls: [], deleted: true }],
      ]),
      { experiments: ["gone"], includeDeleted: true },
    ).keys.size,
  ).toBe(1);
});
