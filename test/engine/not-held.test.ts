// What a target cannot hold: whole kinds of objects, long descriptions, and characters that its database refuses.
import { expect, test } from "vitest";
import { memoryCapabilities } from "../../src/adapters/memory/capabilities.ts";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { Outcome } from "../../src/engine/change.ts";
import { KINDS } from "../../src/model/entities.ts";
import type { Capabilities } from "../../src/ports/capabilities.ts";
import { foldOutcomes, isIncomplete } from "../../src/report/outcome-totals.ts";
import { byState, experiment, job, model, ORIGIN, run, runJob, sampleSource, verifyJob, version } from "./registry.ts";

const MADE = `logged-model:m-${"d".repeat(32)}`;

/** A target without logged models, as MLflow servers before 3.0 are. */
function before3(versionFiles: Capabilities["versionFiles"]): Partial<Capabilities> {
  return { kinds: new Set(KINDS.filter((kind) => kind !== "logged-model")), versionFiles };
}

function place(capabilities: Partial<Capabilities>): ReturnType<typeof createMemory> {
  return createMemory({ capabilities: { ...memoryCapabilities, ...capabilities } });
}

test("an object of a kind that the target does not have is refused, and nothing else with it", async () => {
  const target = place(before3("any"));
  const outcomes = await runJob(job(sampleSource(), target));
  expect(byState(outcomes)).toMatchObject({ refused: [MADE] });
  expect(Object.keys(byState(outcomes)).sort()).toEqual(["done", "refused"]);
  expect(outcomes.find(({ state }) => state === "refused")?.error).toMatchObject({
    code: "LOSS_REFUSED",
    message: `${MADE} is left out: the target has no logged models`,
    hint: expect.stringContaining("--on-loss drop") as string,
  });
});

test("with --on-loss drop it is left behind, named as an agreed loss, and never looked at again", async () => {
  const target = place(before3("any"));
  const outcomes = await runJob(job(sampleSource(), target, { onLoss: "drop" }));
  expect(byState(outcomes)).toMatchObject({ dropped: [MADE] });
  const totals = totalsOf(outcomes);
  expect(totals.lost).toEqual([{ key: MADE, field: "", reason: "the target has no logged models", agreed: true }]);
  expect(isIncomplete(totals, { onLoss: "drop", notCarried: [], losses: [] })).toBe(false);
  const again = await runJob(job(sampleSource(), target, { onLoss: "drop" }));
  expect(Object.keys(byState(again)).sort()).toEqual(["dropped", "skipped"]);
  const findings = (await verifyJob(job(sampleSource(), target, { onLoss: "drop" }))).flatMap((item) => item.findings);
  expect(findings).toEqual([{ key: MADE, field: "", kind: "left out", expected: "the target has no logged models", agreed: true }]);
});

test("versions whose files a logged model has get these files as their own", async () => {
  const target = place(before3("any"));
  const outcomes = await runJob(job(sampleSource(), target, { onLoss: "drop" }));
  const churn4 = outcomes.find(({ step }) => step.source.key === "model-version:churn/4");
  expect(churn4).toMatchObject({ state: "done", moved: { files: 1, bytes: 6 } });
  expect(churn4?.step.changes).toContainEqual(
    expect.objectContaining({ field: "files", class: "translated", from: `${MADE}#`, to: "own" }),
  );
});

test.each([
  { versionFiles: "by-reference", kept: undefined, tag: "a".repeat(32) },
  { versionFiles: "by-free-reference", kept: `run:${"a".repeat(32)}`, tag: undefined },
] as const)("such a version's own run is kept where runs go $versionFiles as that allows", async ({ versionFiles, kept, tag }) => {
  const source = createMemory({ origin: ORIGIN, newIds: false });
  source.load(experiment("1"));
  const made = run("a".repeat(32));
  source.load(made);
  source.load(model("m"));
  source.load(version("m", 1, { run: made.key, files: { owner: "own" } }), { files: { a: "1" } });
  const outcomes = await runJob(job(source, place({ versionFiles })));
  const entity = outcomes.find(({ step }) => step.entity.kind === "model-version")?.step.entity;
  if (entity?.kind !== "model-version") throw new Error("no version");
  expect([entity.run, entity.tags.get("source_run")]).toEqual([kept, tag]);
});

test("long descriptions and refused characters are losses of their field alone", async () => {
  const source = createMemory({ origin: ORIGIN, newIds: false });
  source.load(experiment("1", { tags: new Map([["bad", "a\0b"]]) }));
  source.load(
    run("a".repeat(32), {
      params: new Map([
        ["bad", "\0"],
        ["good", "g"],
      ]),
    }),
  );
  source.load(model("m", { description: "d".repeat(11), tags: new Map([["good", "g"]]) }));
  source.load(model("n", { description: "d".repeat(10) }));
  const limits = { descriptionChars: 10, textRefuses: { pattern: /\0/, wording: "a NUL character" } };
  const refused = byState(await runJob(job(source, place(limits))));
  expect(refused).toMatchObject({ refused: ["experiment:1", "registered-model:m", `run:${"a".repeat(32)}`] });
  const outcomes = await runJob(job(source, place(limits), { onLoss: "drop" }));
  expect(Object.keys(byState(outcomes))).toEqual(["done"]);
  expect(totalsOf(outcomes).lost.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([
    "tags.bad: a NUL character",
    "params.bad: a NUL character",
    "description: a value longer than 10 characters",
  ]);
});

function totalsOf(outcomes: readonly Outcome[]): ReturnType<ReturnType<typeof foldOutcomes>["totals"]> {
  const fold = foldOutcomes();
  for (const outcome of outcomes) fold.add(outcome);
  return fold.totals();
}

/** A registry of models alone, as the open-source Unity Catalog is. */
const MODELS_ONLY: Partial<Capabilities> = {
  kinds: new Set(["registered-model", "model-version"]),
  stages: false,
  runLinks: false,
  versionFiles: "own-copy",
  tags: { "registered-model": { count: 0 }, "model-version": { count: 0 } },
};

test("a place that holds models alone gets them with their files, and everything else is a loss with its name", async () => {
  const source = createMemory({ origin: ORIGIN, newIds: false });
  source.load(experiment("1"));
  const made = run("a".repeat(32));
  source.load(made, { files: { "model/MLmodel": "m" } });
  source.load(model("m", { tags: new Map([["team", "a"]]) }));
  const files = { owner: "run", key: made.key, path: "model" } as const;
  source.load(version("m", 1, { run: made.key, files, stage: "Production", runLink: "https://old/1", tags: new Map([["t", "v"]]) }));
  const target = place(MODELS_ONLY);

  const refused = await runJob(job(source, target));
  expect(byState(refused)["refused"]).toContain("model-version:m/1");
  const outcomes = await runJob(job(source, target, { onLoss: "drop" }));
  expect(byState(outcomes)).toEqual({
    dropped: ["experiment:1", made.key],
    done: ["model-version:m/1", "registered-model:m"],
  });
  expect(totalsOf(outcomes).lost.map(({ key, field, reason }) => [key, field, reason])).toEqual([
    ["experiment:1", "", "the target has no experiments"],
    [made.key, "", "the target has no runs"],
    ["registered-model:m", "tags.team", "the target has no tags"],
    ["model-version:m/1", "stage", "the target has no tags and no stages"],
    ["model-version:m/1", "run", "the target has no runs"],
    ["model-version:m/1", "runLink", "a version has no run link at the target"],
    ["model-version:m/1", "tags.t", "the target has no tags"],
  ]);
  const moved = outcomes.find(({ step }) => step.source.kind === "model-version")?.moved;
  expect(moved).toEqual({ files: 1, bytes: 1 });
  const again = await runJob(job(source, target, { onLoss: "drop" }));
  expect(Object.keys(byState(again)).sort()).toEqual(["dropped", "skipped"]);
});
