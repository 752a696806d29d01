import { describe, expect, test } from "vitest";
import { advance, liveLines, percentOf, plainLine, startProgress } from "../../src/cli/progress.ts";
import type { ProgressEvent, ProgressState } from "../../src/cli/progress.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import type { Catalogue } from "../../src/ports/source.ts";
import { widthOf } from "../../src/report/table.ts";
import { run } from "../engine/registry.ts";
import { outcome, step } from "../report/steps.ts";

const START = 1_700_000_000_000;

/** The state after events, each with the second at which it comes. */
function after(...events: readonly (readonly [number, ProgressEvent])[]): ProgressState {
  return events.reduce((state, [second, event]) => advance(state, event, START + second * 1000), startProgress("moving", START));
}

const selected = (expected: Catalogue["expected"]): ProgressEvent => ({ type: "selected", catalogue: { expected } as Catalogue });
const key = (id: string): EntityKey => `run:${id}` as EntityKey;
const ended = (id: string, state: "done" | "failed" = "done"): ProgressEvent => ({
  type: "outcome",
  outcome: outcome(step(run(id)), { state }),
});
const live = (state: ProgressState, second: number, columns = 100): string[] => liveLines(state, { now: START + second * 1000, columns });

const busy = (): ProgressState =>
  after(
    [0, selected({ experiment: 1, run: 400, alias: 0 })],
    [1, { type: "checked", key: "experiment:1" as EntityKey, kind: "experiment" }],
    ...Array.from({ length: 100 }, (_, i) => [1 + i / 10, ended(String(i), i === 7 ? "failed" : "done")] as const),
    [10, { type: "points", points: 88_000 }],
    ...["w", "x", "y", "z", "last"].map((id) => [10, { type: "started", key: key(id) }] as const),
    [10, { type: "file", key: key("w"), path: "model/weights\u001b.bin" }],
    [11, { type: "bytes", bytes: 350 * 1024 ** 2 }],
    [11, { type: "retry" }],
    [11, { type: "wait", reason: "dev:5000: server asked to wait: 429", ms: 12_000 }],
  );

describe("the live block", () => {
  test("shows counts, amounts, rate, time left, waits and what is under way", async () => {
    await expect(`${live(busy(), 11).join("\n")}\n`).toMatchFileSnapshot("../golden/cli/progress-live.txt");
  });

  test("never exceeds the terminal's width", () => {
    for (const columns of [20, 40, 79]) for (const line of live(busy(), 11, columns)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });

  test("shows a wait until it is over, and what ended no longer", () => {
    expect(live(busy(), 22).filter((line) => line.startsWith("waiting"))).toEqual(["waiting 1 s: dev:5000: server asked to wait: 429"]);
    expect(live(busy(), 23).filter((line) => line.startsWith("waiting"))).toEqual([]);
    const done = advance(busy(), ended("w"), START + 12_000);
    expect(live(done, 12).some((line) => line.includes("run:w"))).toBe(false);
  });

  test("begins with nothing but what goes on", () => expect(live(startProgress("opening", START), 3)).toEqual(["opening  3.0 s"]));
});

describe("a line of progress", () => {
  test("tells the same on one line, without escapes", async () => {
    await expect(`${plainLine(busy(), START + 11_000)}\n`).toMatchFileSnapshot("../golden/cli/progress-line.txt");
  });

  test("tells no time left before a tenth is done, nor at the end", () => {
    const few = after([0, selected({ run: 100 })], [5, ended("a")]);
    expect(plainLine(few, START + 6000)).toBe("moving: 1 %, runs 1/100");
    const all = after([0, selected({ run: 1 })], [5, ended("a")]);
    expect(plainLine(all, START + 6000)).toBe("moving: 100 %, runs 1/1");
  });

  test("takes the rate from the last half minute", () => {
    const paused = after([0, selected({ run: 100 })], ...Array.from({ length: 50 }, (_, i) => [i / 10, ended(String(i))] as const), [
      100,
      ended("x"),
    ]);
    expect(plainLine(paused, START + 101_000)).toBe("moving: 51 %, runs 51/100");
  });
});

test("percent is unknown until it is known how much there is, and never above 100", () => {
  expect(percentOf(startProgress("opening", START))).toBeUndefined();
  expect(percentOf(after([0, selected({ run: 1 })], [1, ended("a")], [1, ended("b")]))).toBe(100);
});
