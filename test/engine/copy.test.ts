import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import { byState, experiment, job, model, planJob, run, runJob, sampleSource, verifyJob, version } from "./registry.ts";

const UC = { models: [{ from: "*", to: "main.ml.*" }] };

test("copies a whole registry, and verification finds every field, point and byte", async () => {
  const target = createMemory();
  const outcomes = await runJob(job(sampleSource(), target));
  expect(Object.keys(byState(outcomes))).toEqual(["done"]);
  const verified = await verifyJob(job(sampleSource(), target));
  expect(verified.flatMap((item) => item.findings)).toEqual([]);
  expect(verified.reduce((sum, item) => sum + item.compared.points, 0)).toBe(3);
});

test("a second copy writes nothing, with the journal and without it", async () => {
  const target = createMemory();
  const journal = memoryJournal();
  await runJob(job(sampleSource(), target, { journal }));
  for (const again of [journal, memoryJournal()]) {
    const outcomes = await runJob(job(sampleSource(), target, { journal: again }));
    expect(Object.keys(byState(outcomes))).toEqual(["skipped"]);
  }
});

test("stages become aliases where the target has none: the newest version wins, every stage stays as a tag", async () => {
  const target = createMemory({ capabilities: unityCatalogCapabilities });
  const outcomes = await runJob(job(sampleSource(), target, { mapping: UC, onLoss: "drop" }));
  expect(byState(outcomes).done).toContain("alias:churn/champion");
  const catalogue = await target.select({ includeDeleted: true }, new AbortController().signal);
  const seen: string[] = [];
  for await (const entity of catalogue.entities(new AbortController().signal)) {
    if (entity.kind === "alias") seen.push(`${entity.model}@${entity.alias}=${entity.version}`);
    if (entity.kind === "model-version") seen.push(`${entity.model}/${entity.version} ${entity.tags.get("source_stage") ?? "-"}`);
  }
  expect(seen.sort()).toEqual([
    "main.ml.churn/1 Production",
    "main.ml.churn/3 Archived",
    "main.ml.churn/4 Production",
    "main.ml.churn/7 None",
    "main.ml.churn@champion=4",
    "main.ml.churn@prod=4",
    "main.ml.live/1 Staging",
    "main.ml.live@challenger=1",
  ]);
  const verified = await verifyJob(job(sampleSource(), target, { mapping: UC, onLoss: "drop" }));
  expect(verified.flatMap((item) => item.findings)).toEqual([]);
});

test("two names mapped onto one are refused before anything is written", async () => {
  const target = createMemory();
  const mapping = { models: [{ from: "*", to: "one" }] };
  await expect(runJob(job(sampleSource(), target, { mapping }))).rejects.toMatchObject({ code: "MAPPING_COLLISION" });
  expect((await target.select({ includeDeleted: true }, new AbortController().signal)).experiments).toEqual([]);
});

test("a registered model of that name which came from elsewhere is refused before anything is written", async () => {
  const target = createMemory();
  target.load(model("churn"));
  await expect(runJob(job(sampleSource(), target))).rejects.toMatchObject({ code: "NAME_TAKEN", side: "target" });
  expect((await target.select({ includeDeleted: true }, new AbortController().signal)).experiments).toEqual([]);
});

test("an illegal name is refused with the rule that says what is legal", async () => {
  const target = createMemory({ capabilities: unityCatalogCapabilities });
  await expect(planJob(job(sampleSource(), target))).rejects.toMatchObject({ code: "NAME_ILLEGAL" });
});

test("an experiment that the target has already takes up the runs and keeps its own tags", async () => {
  const target = createMemory();
  target.load(experiment("77", { name: "training", tags: new Map([["team", "fraud"]]) }));
  const outcomes = await runJob(job(sampleSource(), target));
  const adopted = outcomes.find((outcome) => outcome.step.source.key === "experiment:1");
  expect(adopted?.step.changes).toContainEqual(expect.objectContaining({ field: "tags.team", class: "lost", agreed: true }));
  expect(Object.keys(byState(await runJob(job(sampleSource(), target))))).toEqual(["skipped"]);
});

test("a dry run writes nothing and tells what would be created", async () => {
  const target = createMemory();
  const steps = await planJob(job(sampleSource(), target));
  expect(new Set(steps.map((step) => step.action))).toEqual(new Set(["create"]));
  expect((await target.select({ includeDeleted: true }, new AbortController().signal)).experiments).toEqual([]);
});

test("a changed run is brought up to date, and nothing else is touched", async () => {
  const target = createMemory();
  await runJob(job(sampleSource(), target));
  const changed = sampleSource();
  changed.load(run("b".repeat(32), { tags: new Map([["note", "late"]]) }), { files: { "notes ü.md": "hello" } });
  const states = byState(await runJob(job(changed, target)));
  expect(states.done).toEqual([`run:${"b".repeat(32)}`]);
});

test("what needs something that failed is blocked, and everything else still moves", async () => {
  const source = sampleSource();
  source.load(run("e".repeat(32), { params: new Map([["p", "x".repeat(7000)]]) }), { files: { "model/MLmodel": "x" } });
  source.load(
    version("live", 2, {
      run: `run:${"e".repeat(32)}` as never,
      files: { owner: "run", key: `run:${"e".repeat(32)}` as never, path: "model" },
    }),
  );
  const target = createMemory({ capabilities: { paramValueChars: 6000 } });
  const states = byState(await runJob(job(source, target)));
  expect(states.refused).toEqual([`run:${"e".repeat(32)}`]);
  expect(states.blocked).toEqual(["model-version:live/2"]);
  expect(states.done?.length).toBeGreaterThan(10);
});
