// A plan that was saved is carried out as it is: not a step more, not another one, and as one that was never cut off.
import { describe, expect, test } from "vitest";
import { createMemory, type MemoryPlace } from "../../src/adapters/memory/memory.ts";
import type { Outcome } from "../../src/engine/change.ts";
import { execute } from "../../src/engine/execute.ts";
import type { Job } from "../../src/engine/job.ts";
import { planSteps } from "../../src/engine/plan.ts";
import { prepare } from "../../src/engine/preflight.ts";
import { followPlan, stepFingerprint, type SavedPlan, type SavedStep } from "../../src/engine/saved-plan.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { Entity, EntityKey } from "../../src/model/entities.ts";
import { keyOf } from "../../src/model/keys.ts";
import type { Target } from "../../src/ports/target.ts";
import { crashing, type Crash } from "../fakes/crashing.ts";
import { alias, byState, collect, experiment, job, model, planJob, run, runJob, sampleSource, verifyJob, version } from "./registry.ts";

type Saved = readonly SavedStep[];

async function save(one: Job): Promise<Saved> {
  return (await planJob(one)).map((step) => ({ key: step.source.key, action: step.action, fingerprint: stepFingerprint(step) }));
}

async function apply(one: Job, saved: Saved): Promise<{ outcomes: Outcome[]; plan: SavedPlan }> {
  const plan = followPlan(new Map(saved.map((step) => [step.key, step])));
  const prepared = await prepare({ ...one, source: plan.only(one.source) });
  return { outcomes: await collect(execute(prepared, plan.steps(planSteps(prepared), prepared))), plan };
}

const mlflowLike = (): MemoryPlace => createMemory({ capabilities: { versionNumbers: "assigned", creationTimes: "assigned" } });

const RUN = keyOf("run", "a".repeat(32));

/** An experiment with a run, and a model with two versions of which the second needs the run; `change` replaces objects. */
function source(...changes: readonly Entity[]): MemoryPlace {
  const place = createMemory({ uri: "memory:source", newIds: false, origin: sampleSource().origin });
  const held: Entity[] = [
    experiment("1", { name: "training" }),
    run("a".repeat(32)),
    model("churn"),
    version("churn", 1),
    version("churn", 2, { run: RUN, files: { owner: "run", key: RUN, path: "model" } }),
    alias("churn", "prod", 1),
  ];
  const changed = new Map(changes.map((entity) => [entity.key, entity]));
  for (const entity of held) place.load(changed.get(entity.key) ?? entity);
  for (const entity of changes) if (!held.some(({ key }) => key === entity.key)) place.load(entity);
  return place;
}

/** The place, of which one object is not seen. */
function without(place: MemoryPlace, key: string): Job["source"] {
  return {
    ...place,
    async select(selection, signal) {
      const catalogue = await place.select(selection, signal);
      return {
        ...catalogue,
        async *entities(current) {
          for await (const entity of catalogue.entities(current)) if (entity.key !== key) yield entity;
        },
      };
    },
  };
}

/** The outcomes that are not the plan's, as `key: what is told`. */
function told(outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ state }) => state !== "done" && state !== "skipped")
    .map(({ step, state, error }) =>
      `${step.source.key} ${state} ${error?.code ?? ""} ${/plan was made: (.*)/.exec(error?.message ?? "")?.[1] ?? ""}`.trim(),
    );
}

describe("a saved plan", () => {
  test("does what a copy does, and nothing when it is applied again", async () => {
    const [copied, target] = [mlflowLike(), mlflowLike()];
    await runJob(job(sampleSource(), copied));
    const saved = await save(job(sampleSource(), target));
    const first = await apply(job(sampleSource(), target), saved);
    expect(told(first.outcomes)).toEqual([]);
    expect((await verifyJob(job(sampleSource(), target))).flatMap(({ findings }) => findings)).toEqual([]);
    const again = await apply(job(sampleSource(), target), saved);
    expect(Object.keys(byState(again.outcomes))).toEqual(["skipped"]);
    expect([again.plan.leftOut.size, again.plan.gone()]).toEqual([0, []]);
  });

  test("leaves out what is new at the source, whatever it is called", async () => {
    const target = mlflowLike();
    const saved = await save(job(source(), target));
    const more = source(run("b".repeat(32)), experiment("2", { name: "taken" }), model("other"), version("churn", 3));
    target.load(model("other"));
    const { outcomes, plan } = await apply(job(more, target), saved);
    expect(told(outcomes)).toEqual([]);
    expect(outcomes).toHaveLength(saved.length);
    expect([...plan.leftOut].sort()).toEqual(["experiment:2", "model-version:churn/3", "registered-model:other", `run:${"b".repeat(32)}`]);
  });

  test("refuses an object that has changed at the source, and blocks what needs it", async () => {
    const target = mlflowLike();
    const saved = await save(job(source(), target));
    const { outcomes } = await apply(job(source(run("a".repeat(32), { tags: new Map([["late", "1"]]) })), target), saved);
    expect(told(outcomes)).toEqual([
      `${RUN} refused STALE_PLAN it has changed at the source`,
      "model-version:churn/2 blocked NEEDS_FAILED",
    ]);
    expect(byState(outcomes)["done"]).toEqual(["alias:churn/prod", "experiment:1", "model-version:churn/1", "registered-model:churn"]);
  });

  test("refuses an object of which something else would be lost than was planned", async () => {
    const target = (): MemoryPlace => createMemory({ capabilities: { paramValueChars: 3 } });
    const losing = (value: string): MemoryPlace => source(run("a".repeat(32), { params: new Map([["query", value]]) }));
    const saved = await save(job(losing("long"), target(), { onLoss: "drop" }));
    const { outcomes } = await apply(job(losing("longer"), target(), { onLoss: "drop" }), saved);
    expect(told(outcomes)[0]).toBe(`${RUN} refused STALE_PLAN it has changed at the source`);
  });

  test("knows what is gone from the source", async () => {
    const saved = await save(job(source(run("b".repeat(32))), mlflowLike()));
    const { outcomes, plan } = await apply(job(source(), mlflowLike()), saved);
    expect(told(outcomes)).toEqual([]);
    expect(plan.gone()).toEqual([expect.objectContaining({ key: `run:${"b".repeat(32)}`, action: "create" })]);
  });

  test("keeps an alias that a stage became as it was planned, although a newer version would take it now", async () => {
    const make = (): MemoryPlace => createMemory({ capabilities: { stages: false } });
    const staged = (...more: Entity[]): MemoryPlace => source(version("churn", 1, { stage: "Production" }), ...more);
    const target = make();
    const saved = await save(job(staged(), target));
    const { outcomes, plan } = await apply(job(staged(version("churn", 3, { stage: "Production" })), target), saved);
    expect(told(outcomes)).toEqual([]);
    expect([...plan.leftOut]).toEqual(["model-version:churn/3"]);
    const champion = outcomes.find(({ step }) => step.source.key === "alias:churn/champion")?.step.entity;
    expect(champion).toMatchObject({ version: 1 });
  });
});

describe("a target that has changed since the plan was made", () => {
  /** Plans, lets `change` happen, applies; `before` is copied beforehand. */
  async function changed(change: (target: MemoryPlace) => void | Promise<void>, before?: MemoryPlace): Promise<string[]> {
    const target = mlflowLike();
    if (before !== undefined) await runJob(job(before, target));
    const saved = await save(job(source(), target));
    await change(target);
    return told((await apply(job(source(), target), saved)).outcomes);
  }
  const signal = new AbortController().signal;
  const edit = async (target: MemoryPlace, key: EntityKey, fields: Partial<Entity>): Promise<void> => {
    for await (const entity of (await target.select({ includeDeleted: true }, signal)).entities(signal)) {
      if (entity.key === key) target.load({ ...entity, ...fields } as Entity);
    }
  };

  test("by an experiment of a planned name: it is not taken up", async () => {
    const outcomes = await changed((target) => void target.load(experiment("9", { name: "training" })));
    expect(outcomes[0]).toBe("experiment:1 refused STALE_PLAN the target has an object of this name, which others made");
  });

  test("by an alias that was moved, or made", async () => {
    const elsewhere = (target: MemoryPlace): void => void target.load(alias("churn", "prod", 2));
    expect(await changed(elsewhere, source())).toEqual(["alias:churn/prod refused STALE_PLAN it has changed at the target"]);
    const target = mlflowLike();
    await runJob({ ...job(source(), target), source: without(source(), "alias:churn/prod") });
    const saved = await save(job(source(), target));
    expect(saved.find(({ key }) => key === "alias:churn/prod")?.action).toBe("create");
    elsewhere(target);
    // Also where an earlier apply was cut off: an alias is made in one request, so this one is no half of ours.
    for (const journal of [memoryJournal(), memoryJournal({ resuming: true })]) {
      const { outcomes } = await apply(job(source(), target, { journal }), saved);
      expect(told(outcomes)).toEqual(["alias:churn/prod refused STALE_PLAN the target has an object of this name, which others made"]);
    }
  });

  test("by an edit of an object that was there already", async () => {
    const edited = (target: MemoryPlace): Promise<void> => edit(target, keyOf("registered-model", "churn"), { description: "mine" });
    expect(await changed(edited, source())).toEqual(["registered-model:churn refused STALE_PLAN it has changed at the target"]);
  });

  test("by an edit of an object that the plan had created: a second apply does not take it back", async () => {
    const target = mlflowLike();
    const journal = memoryJournal();
    const saved = await save(job(source(), target));
    await apply(job(source(), target, { journal }), saved);
    await edit(target, keyOf("registered-model", "churn"), { description: "mine" });
    const { outcomes } = await apply(job(source(), target, { journal }), saved);
    expect(told(outcomes)).toEqual(["registered-model:churn refused STALE_PLAN it has changed at the target"]);
    expect((await save(job(source(), target))).filter(({ action }) => action !== "skip").map(({ key }) => key)).toEqual([
      "registered-model:churn",
    ]);
  });

  test("by a version that others made, where numbers are given anew: none gets another number than was planned", async () => {
    const target = mlflowLike();
    const options = { versionNumbers: "compact" as const };
    await runJob({ ...job(source(), target, options), source: without(source(version("churn", 7)), "model-version:churn/7") });
    const with7 = (): MemoryPlace => source(version("churn", 7));
    const saved = await save(job(with7(), target, options));
    expect(saved.find(({ key }) => key === "model-version:churn/7")?.action).toBe("create");
    const other = createMemory({ capabilities: { versionNumbers: "assigned", creationTimes: "assigned" } });
    await runJob({ ...job(source(), other, options), source: without(with7(), "model-version:churn/7") });
    expect(told((await apply(job(with7(), other, options), saved)).outcomes)).toEqual([]);
    expect(told((await apply(job(with7(), other, options), saved)).outcomes)).toEqual([]);
    target.load(version("churn", 3));
    expect(told((await apply(job(with7(), target, options), saved)).outcomes)).toEqual([
      "model-version:churn/7 refused STALE_PLAN it has changed at the source, or would get another number at the target",
    ]);
  });

  test("by a run that was purged: what needs it waits for it, and is not told as changed itself", async () => {
    const target = mlflowLike();
    await runJob(job(source(), target));
    const saved = await save(job(source(), target));
    const purged: Target = {
      ...target,
      find: async (entity, context) => (entity.kind === "run" ? undefined : target.find(entity, context)),
    };
    expect(told((await apply(job(source(), purged), saved)).outcomes)).toEqual([
      `${RUN} refused STALE_PLAN it is gone from the target`,
      "model-version:churn/2 blocked NEEDS_FAILED",
    ]);
  });

  test("by the deletion of a run that was there already", async () => {
    const target = mlflowLike();
    await runJob(job(source(), target));
    const saved = await save(job(source(), target));
    const there = await found(target, RUN);
    await target.remove(run("a".repeat(32)), there as never, signal);
    const [outcome = ""] = told((await apply(job(source(), target), saved)).outcomes);
    expect(outcome).toMatch(/^run:a+ refused STALE_PLAN it would be refused now \(run:a+ was moved before, and was deleted at the target/);
  });

  async function found(target: Target, key: EntityKey): Promise<EntityKey | undefined> {
    const step = (await planJob(job(source(), target))).find((one) => one.source.key === key);
    return step?.found?.key;
  }
});

describe("a saved plan that was killed at any write", () => {
  const points = Array.from({ length: 16 }, (_, index) => index + 1);

  async function check(crash: Crash, keepsJournal: boolean): Promise<void> {
    const target = mlflowLike();
    const options = { onLoss: "drop" as const, inFlight: 1 };
    const saved = await save(job(sampleSource(), target, options));
    const journal = memoryJournal({ resuming: true });
    await expect(apply(job(sampleSource(), crashing(target, crash).target, { ...options, journal }), saved)).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    const again = { ...options, journal: keepsJournal ? journal : memoryJournal() };
    const { outcomes } = await apply(job(sampleSource(), target, again), saved);
    expect(told(outcomes)).toEqual([]);
    expect((await verifyJob(job(sampleSource(), target, options))).flatMap(({ findings }) => findings)).toEqual([]);
    expect(new Set((await save(job(sampleSource(), target, options))).map(({ action }) => action))).toEqual(new Set(["skip"]));
  }

  for (const when of ["before", "during", "after"] as const) {
    test.each(points)(`ends the same when applied again after dying ${when} write %i`, (at) => check({ at, when }, true));
    test.each(points)(`ends the same without a journal after dying ${when} write %i`, (at) => check({ at, when }, false));
  }
});

test("what was half written when it was cut off is completed, and what others half made is not", async () => {
  const target = mlflowLike();
  const saved = await save(job(source(), target));
  // Of a model only the name and the provenance, as after a kill between two requests.
  await runJob(job(source(model("churn", { description: "half" })), target));
  const cutOff = await apply(job(source(), target, { journal: memoryJournal({ resuming: true }) }), saved);
  expect(told(cutOff.outcomes)).toEqual([]);
  await runJob(job(source(model("churn", { description: "half" })), target));
  const notCutOff = await apply(job(source(), target), saved);
  expect(told(notCutOff.outcomes)).toEqual(["registered-model:churn refused STALE_PLAN it has changed at the target"]);
});

test("a step's fingerprint tells objects, rules and places apart, and not what a target assigns", async () => {
  const of = async (one: Job): Promise<string | undefined> => (await save(one)).find(({ key }) => key === RUN)?.fingerprint;
  const plain = await of(job(source(), mlflowLike()));
  expect(await of(job(source(), mlflowLike()))).toBe(plain);
  expect(await of(job(source(), createMemory({ origin: sampleSource().origin })))).toBe(plain);
  expect(await of(job(source(), mlflowLike(), { mapping: { experiments: [{ from: "*", to: "x/*" }] } }))).not.toBe(plain);
  expect(await of(job(source(run("a".repeat(32), { user: "bob" })), mlflowLike()))).not.toBe(plain);
});
