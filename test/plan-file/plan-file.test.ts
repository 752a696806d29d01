// Plans on a real disk: what is written is read back, and what was cut, altered or is something else is refused by name.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryCapabilities } from "../../src/adapters/memory/capabilities.ts";
import { mlflowCapabilities } from "../../src/adapters/mlflow/capabilities.ts";
import type { OriginId } from "../../src/model/entities.ts";
import { keyOf } from "../../src/model/keys.ts";
import { PLAN_VERSION, rulesDigest } from "../../src/plan-file/format.ts";
import type { PlanHeader, PlanLine } from "../../src/plan-file/format.ts";
import { isPlanFile, readPlanFile } from "../../src/plan-file/read.ts";
import { refuseStale } from "../../src/plan-file/stale.ts";
import { createPlanFile } from "../../src/plan-file/write.ts";

const options = { selection: { includeDeleted: false }, onLoss: "refuse" };
const features = { loggedModels: true, stages: true, strictTexts: false };
const capabilities = mlflowCapabilities({ version: "3.17.2", features });
const HEADER: PlanHeader = {
  mlferry_plan: PLAN_VERSION,
  tool: "1.2.3",
  created: "2026-01-02T03:04:05.678Z",
  source: { location: "http://dev:5000", origin: "aa11" },
  target: { location: "http://prod:5000", origin: "bb22", place: capabilities.place },
  options,
  rules: rulesDigest({ tool: "1.2.3", options, capabilities }),
};

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mlferry-plan-"));
  path = join(dir, "a.plan");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const line = (id: string, fields: Partial<PlanLine> = {}): PlanLine => ({
  key: keyOf("run", id),
  action: "create",
  fingerprint: "0".repeat(32),
  ...fields,
});

async function write(lines: readonly PlanLine[]): Promise<void> {
  const writer = await createPlanFile(path, HEADER);
  for (const one of lines) await writer.add(one);
  await writer.finish();
}

describe("a plan", () => {
  it("is read back as it was written, whatever stands in its keys", async () => {
    const lines = [line("a"), line('quote" \n \u2028 é 模', { action: "skip" }), line("b", { action: "refuse" }), line("c", { lost: 2 })];
    await write(lines);
    const { header, steps } = await readPlanFile(path);
    expect(header).toEqual(HEADER);
    expect([...steps.values()]).toEqual(lines);
    expect(await isPlanFile(path)).toBe(true);
  });

  it("is read back when it is longer than what is written and read at once", async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => line(`run ${String(i)} é`));
    await write(lines);
    expect([...(await readPlanFile(path)).steps.keys()]).toEqual(lines.map(({ key }) => key));
  });

  it("may have no step", async () => {
    await write([]);
    expect((await readPlanFile(path)).steps.size).toBe(0);
  });

  it("is its owner's alone, and replaces an earlier one only when it is whole", async () => {
    await write([line("a")]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const writer = await createPlanFile(path, HEADER);
    await writer.add(line("b"));
    expect([...(await readPlanFile(path)).steps.keys()]).toEqual(["run:a"]);
    await writer.discard();
    expect(readdirSync(dir)).toEqual(["a.plan"]);
    expect([...(await readPlanFile(path)).steps.keys()]).toEqual(["run:a"]);
  });
});

describe("a file that is not a whole plan", () => {
  const damage: readonly (readonly [string, (text: string) => string, RegExp])[] = [
    ["cut within its last line", (text) => text.slice(0, -10), /is damaged: its last line is cut off/],
    ["cut after a step", (text) => text.slice(0, text.indexOf('{"steps"')), /is damaged: it ends after 3 steps, without its last line/],
    ["without a step", (text) => text.replace(/\{"key":"run:b".*\n/, ""), /is damaged: it was altered after it was written/],
    ["with another action", (text) => text.replace('"skip"', '"create"'), /is damaged: it was altered/],
    ["with another mapping", (text) => text.replace('"refuse"', '"drop"'), /is damaged: it was altered/],
    ["with a step twice", (text) => text.replace("run:b", "run:a"), /is damaged: line 3 has run:a for the second time/],
    ["with a line that is none", (text) => text.replace('{"key":"run:b"', '{"kex":"run:b"'), /is damaged: line 3 is no step/],
    ["with an unknown kind", (text) => text.replace("run:b", "prompt:b"), /is damaged: line 3 is no step/],
    ["with something after its end", (text) => `${text}{}\n`, /is damaged: there is more after its end/],
    [
      "with a header that lacks something",
      (text) => text.replace('"rules"', '"rulez"'),
      /is damaged: its first line is not that of a plan/,
    ],
    ["without anything", () => "", /is no plan/],
    ["of another kind", () => "# notes\n", /is no plan/],
    ["of binary content", () => "\u0000\u0001\u0002".repeat(1000), /is no plan/],
    ["of other JSON", () => '{"mlferry_json":1}\n', /is no plan/],
  ];

  it.each(damage)("%s is refused", async (_what, change, message) => {
    await write([line("a"), line("b", { action: "skip" }), line("c")]);
    writeFileSync(path, change(readFileSync(path, "utf8")));
    await expect(readPlanFile(path)).rejects.toMatchObject({ code: "PLAN_INVALID", message: expect.stringMatching(message) as string });
  });

  it("is told from one of a newer format", async () => {
    writeFileSync(path, `{"mlferry_plan":99,"unknown":true}\n`);
    await expect(readPlanFile(path)).rejects.toMatchObject({
      code: "STALE_PLAN",
      message: `${path} is of plan format 99, and this mlferry knows 1`,
    });
  });

  it("may be a folder, or not be there at all", async () => {
    await expect(readPlanFile(dir)).rejects.toMatchObject({ code: "PLAN_INVALID", message: `${dir} is no plan: it is a folder` });
    await expect(readPlanFile(path)).rejects.toMatchObject({ code: "NOT_FOUND", message: `there is no plan ${path}` });
  });
});

describe("a plan is stale", () => {
  const ground = {
    tool: "1.2.3",
    source: { uri: "http://dev:5000", origin: "aa11" as OriginId },
    target: { uri: "http://prod:5000", origin: "bb22" as OriginId, capabilities },
  };
  const check = (now: Partial<typeof ground>): void => refuseStale({ header: HEADER, path: "a.plan" }, { ...ground, ...now });

  it("not while everything is as it was", () => check({}));

  it.each([
    ["for another mlferry", { tool: "1.2.4" }, "mlferry 1.2.3 made it, and this is mlferry 1.2.4"],
    [
      "when another registry is the source",
      { source: { ...ground.source, origin: "cc33" as OriginId } },
      "another registry is at http://dev:5000 now",
    ],
    [
      "when another registry is the target",
      { target: { ...ground.target, origin: "cc33" as OriginId } },
      "another registry is at http://prod:5000 now",
    ],
    [
      "when the target's server is of another version",
      { target: { ...ground.target, capabilities: mlflowCapabilities({ version: "3.18.0", features }) } },
      "http://prod:5000 is MLflow 3.18.0 now, and was MLflow 3.17.2",
    ],
    [
      "when the target has other limits",
      { target: { ...ground.target, capabilities: { ...capabilities, paramValueChars: 500 } } },
      "http://prod:5000 can hold something else than when the plan was made",
    ],
  ])("%s", (_when, now, why) => {
    expect(() => check(now)).toThrow(expect.objectContaining({ code: "STALE_PLAN", message: `the plan a.plan is stale: ${why}` }));
  });

  it("by a digest that every part of options and limits changes, and the order of keys does not", () => {
    const of = (part: object): string => rulesDigest({ tool: "1", options: { a: 1, b: [1, 2] }, capabilities, ...part });
    expect(of({ options: { b: [1, 2], a: 1 } })).toBe(of({}));
    const others = [{ tool: "2" }, { options: { a: 1, b: [2, 1] } }, { capabilities: memoryCapabilities }];
    expect(new Set([of({}), ...others.map(of)]).size).toBe(4);
    const names = { ...capabilities.names, alias: { pattern: /^x$/, wording: capabilities.names.alias?.wording ?? "" } };
    expect(of({ capabilities: { ...capabilities, names } })).not.toBe(of({}));
    expect(of({ capabilities: { ...capabilities, kinds: new Set(["run"]) } })).not.toBe(of({}));
  });
});
