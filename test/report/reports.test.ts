import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Verified } from "../../src/engine/finding.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import { aliasKey, versionKey } from "../../src/model/keys.ts";
import { jobText } from "../../src/report/job-text.ts";
import type { JobContext } from "../../src/report/job-text.ts";
import { jobJson, jobSchema, planJson, planSchema, verifyJson, verifySchema } from "../../src/report/json.ts";
import { foldOutcomes, isIncomplete } from "../../src/report/outcome-totals.ts";
import type { JobTotals } from "../../src/report/outcome-totals.ts";
import { planText } from "../../src/report/plan-text.ts";
import { foldSteps } from "../../src/report/plan-totals.ts";
import type { PlanTotals } from "../../src/report/plan-totals.ts";
import { foldVerified } from "../../src/report/verify-totals.ts";
import type { VerifyTotals } from "../../src/report/verify-totals.ts";
import { verifyText } from "../../src/report/verify-text.ts";
import type { Outcome, Step } from "../../src/engine/change.ts";
import { run, version } from "../engine/registry.ts";
import { outcome, sampleOutcomes, sampleSteps, step } from "./steps.ts";

const WIDE = { columns: 120, colour: false, verbose: false };
const NARROW = { ...WIDE, columns: 72 };

const CONTEXT: JobContext = {
  source: "http://dev:5000",
  target: "http://prod:5000",
  notCarried: [{ what: "traces", count: 12, atLeast: true, where: "training" }],
  pulledIn: [
    { kind: "experiment", count: 1, because: "experiments of runs" },
    { kind: "run", count: 1009, because: "runs of versions" },
    { kind: "run", count: 2, because: "parents of runs" },
  ],
  leftOut: [aliasKey("churn", "old")],
  losses: [{ key: "run:old", field: "files/a", reason: "unreadable then" }],
  points: 12_345,
  durationMs: 83_000,
  requests: new Map([
    ["dev:5000", 1204],
    ["prod:5000", 87],
  ]),
  pace: new Map([
    ["dev:5000", { level: { last: 8, lowest: 4, highest: 8 }, slowed: new Map(), pausedMs: 0 }],
    [
      "prod:5000",
      {
        level: { last: 5, lowest: 3, highest: 6 },
        slowed: new Map([
          ["the server answered 429", 2],
          ["more in flight did not bring more answers", 1],
        ]),
        pausedMs: 4000,
      },
    ],
  ]),
};

const plan = (steps: readonly Step[] = sampleSteps()): PlanTotals => {
  const fold = foldSteps();
  for (const one of steps) fold.add(one);
  return fold.totals();
};

const totals = (outcomes: readonly Outcome[] = sampleOutcomes()): JobTotals => {
  const fold = foldOutcomes();
  for (const one of outcomes) fold.add(one);
  return fold.totals();
};

const verified = (): VerifyTotals => {
  const fold = foldVerified();
  const key = "run:a" as EntityKey;
  const compared = { facts: 10, points: 1000, files: 2, bytes: 4096 };
  const findings: Verified["findings"] = [
    { key, field: "files/a#b", kind: "left out", expected: "no # in paths", agreed: true },
    { key, field: "params.lr", kind: "different", expected: "0.1", found: "0.2", agreed: false },
  ];
  fold.add({ key, compared, findings });
  fold.add({ key: "registered-model:m" as EntityKey, compared: { facts: 3, points: 0, files: 0, bytes: 0 }, findings: [] });
  return fold.totals();
};

async function checkGolden(lines: readonly string[], name: string): Promise<void> {
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`../golden/report/${name}.txt`);
}

describe("a plan", () => {
  test("tells refusals and losses first, groups what the target assigns, and counts facts", () =>
    checkGolden(planText(plan(), CONTEXT, WIDE), "plan"));
  test("fits a narrow terminal", async () => {
    const lines = planText(plan(), CONTEXT, NARROW);
    await checkGolden(lines, "plan-narrow");
    expect(lines.slice(0, -2).filter((line) => line.length > 72)).toEqual([]);
  });
  test("has every row when it is verbose", () =>
    checkGolden(planText(plan(), CONTEXT, { ...WIDE, verbose: true, columns: undefined }), "plan-verbose"));
  test("says that there is nothing to do", () => {
    const lines = planText(plan([step(run("a"), { action: "skip" })]), { ...CONTEXT, notCarried: [], losses: [] }, WIDE);
    expect(lines.at(-1)).toBe("nothing to do: the target already holds everything (1 object checked)");
    expect(planText(plan([]), { ...CONTEXT, notCarried: [], losses: [] }, WIDE)).toEqual([
      "nothing to do: the source holds nothing that is selected",
    ]);
  });
  test("has a JSON form that keeps to its schema and gives values whole", () => {
    const json = planSchema.parse(planJson(plan(), CONTEXT, 3));
    expect(json.steps[1]?.changes[0]).toMatchObject({ from: "x".repeat(200), agreed: true });
    expect(json.steps.at(-1)?.refusal).toMatchObject({ code: "NAME_ILLEGAL" });
    expect(json.totals.facts_by_kind).toHaveProperty("run");
  });
});

describe("a job's report", () => {
  test("tells what did not move first, then what changed, then totals", () => checkGolden(jobText(totals(), CONTEXT, WIDE), "job"));
  test("of a whole job is short", () => {
    const done = [outcome(step(run("a")), { moved: { files: 2, bytes: 2048 } }), outcome(step(run("b")), { state: "skipped" })];
    const context = { ...CONTEXT, notCarried: [], losses: [], bundle: { path: "/backup/b.tar", sizeBytes: 5_000_000 } };
    return checkGolden(jobText(totals(done), context, WIDE), "job-whole");
  });
  test("says that there was nothing to do", () => {
    const context = { ...CONTEXT, notCarried: [], losses: [] };
    const skipped = totals([outcome(step(run("a")), { state: "skipped" })]);
    expect(jobText(skipped, context, WIDE)).toEqual(["nothing to do: the target already holds everything (1 object checked)"]);
    expect(jobText(totals([]), context, WIDE)).toEqual(["nothing to do: the source holds nothing that is selected"]);
  });
  test("has the table of versions that got another number, in text and in JSON", () => {
    const [moved, kept] = [version("churn", 5), version("churn", 1)].map((source) => step(source));
    const all = totals([
      outcome(moved ?? step(run("a")), { placed: versionKey("ml.churn", 2) }),
      outcome(kept ?? step(run("a")), { placed: versionKey("ml.churn", 1) }),
    ]);
    const lines = jobText(all, CONTEXT, WIDE);
    const at = lines.indexOf("versions under another number");
    expect(lines.slice(at, at + 4)).toEqual(["versions under another number", "  source   target", "  churn/5  ml.churn/2", ""]);
    expect(jobJson(all, CONTEXT, 0).renumbered).toEqual([{ source: "model-version:churn/5", target: "model-version:ml.churn/2" }]);
  });
  test("shortens long lists, and says how much is left out", () => {
    const failed = Array.from({ length: 60 }, (_, i) => outcome(step(run(String(i))), { state: "failed" }));
    const short = jobText(totals(failed), CONTEXT, WIDE);
    expect(short).toContain("  and 20 more (--verbose or --json has them all)");
    expect(jobText(totals(failed), CONTEXT, { ...WIDE, verbose: true }).filter((line) => line.includes("failed for an"))).toHaveLength(0);
    expect(jobText(totals(failed), CONTEXT, { ...WIDE, verbose: true }).filter((line) => /^ {2}run:\d/.test(line))).toHaveLength(60);
  });
  test("has colours that change nothing but the looks", () => {
    const coloured = jobText(totals(), CONTEXT, { ...WIDE, colour: true });
    expect(coloured.join("\n")).toContain("\u001b[31mnot moved, and why");
    expect(coloured.map(stripVTControlCharacters)).toEqual(jobText(totals(), CONTEXT, WIDE));
  });
  test("has a JSON form that keeps to its schema and names old and new keys", () => {
    const json = jobSchema.parse(jobJson(totals(), CONTEXT, 3));
    expect(json.placed).toContainEqual({ source: "experiment:1", target: "experiment:1-there" });
    expect(json.outcomes.map(({ key, state }) => [key, state])).toEqual([
      [`run:${"a".repeat(32)}`, "partial"],
      ["model-version:churn/1", "failed"],
      ["alias:churn/prod", "refused"],
    ]);
    expect(json.totals.requests).toEqual({ "dev:5000": 1204, "prod:5000": 87 });
    expect(json.totals.pace?.["prod:5000"]).toEqual({
      level: { last: 5, lowest: 3, highest: 6 },
      slowed: { "the server answered 429": 2, "more in flight did not bring more answers": 1 },
      paused_ms: 4000,
    });
  });
  test("counts an object whose late link failed once, as failed", () => {
    const one = step(run("a"));
    const failed = totals([outcome(one), outcome(one, { state: "failed" })]);
    expect(failed).toMatchObject({ objects: 1, states: { done: 0, failed: 1 }, actions: { create: 1 } });
  });
});

describe("whether a job is complete", () => {
  const known = { onLoss: "refuse", notCarried: [], losses: [] } as const;
  const whole = totals([outcome(step(run("a")))]);
  const leftOut = { path: "a#b", code: "NAME_ILLEGAL", reason: "no # in paths", permanent: true } as const;

  test("it is when everything arrived", () => expect(isIncomplete(whole, known)).toBe(false));
  test("it is not while an object is missing, whatever was agreed", () => {
    expect(isIncomplete(totals([outcome(step(run("a")), { state: "blocked" })]), { ...known, onLoss: "drop" })).toBe(true);
  });
  test("kinds that are not carried and earlier losses count unless losses are agreed to", () => {
    const missing = { ...known, notCarried: [{ what: "traces", count: 1 }] };
    expect([isIncomplete(whole, missing), isIncomplete(whole, { ...missing, onLoss: "drop" })]).toEqual([true, false]);
    const earlier = { ...known, losses: CONTEXT.losses };
    expect([isIncomplete(whole, earlier), isIncomplete(whole, { ...earlier, onLoss: "drop" })]).toEqual([true, false]);
  });
  test("a file that did not move counts unless its loss is agreed to", () => {
    const losing = (agreed: boolean): Outcome => outcome(step(run("a")), { fileLosses: [{ ...leftOut, agreed }] });
    expect([isIncomplete(totals([losing(false)]), known), isIncomplete(totals([losing(true)]), known)]).toEqual([true, false]);
  });
});

describe("a verification's report", () => {
  const context = { source: "a.tar", target: "http://prod:5000", level: "bytes", notCarried: [], durationMs: 2000 } as const;
  test("tells differences, agreed losses, and what was compared", () => checkGolden(verifyText(verified(), context, WIDE), "verify"));
  test("has a JSON form that keeps to its schema", () => {
    const json = verifySchema.parse(verifyJson(verified(), context, 4));
    expect(json.compared).toMatchObject({ objects: 2, by_kind: { run: 1, "registered-model": 1 }, differences: 1 });
    expect(json.findings.map(({ agreed }) => agreed)).toEqual([false, true]);
  });
});
