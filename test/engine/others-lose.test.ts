// Ways in which other tools are known to lose or scramble registries; docs/what-others-lose.md is the list.
import { expect, test } from "vitest";
import { createMemory, type MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { MigrationError } from "../../src/errors.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { Entity, EntityKey } from "../../src/model/entities.ts";
import type { Target } from "../../src/ports/target.ts";
import { alias, byState, collect, experiment, job, loggedModel, model, ORIGIN, run, runJob, verifyJob, version } from "./registry.ts";

const signal = new AbortController().signal;
const mlflowLike = { versionNumbers: "assigned", creationTimes: "assigned" } as const;

function source(): MemoryPlace {
  const place = createMemory({ origin: ORIGIN, newIds: false });
  place.load(experiment("1"));
  return place;
}

async function entitiesOf(target: MemoryPlace): Promise<Entity[]> {
  const catalogue = await target.select({ includeDeleted: true }, signal);
  return collect(catalogue.entities(signal));
}

function failingFor(target: MemoryPlace, key: EntityKey): Target {
  return {
    ...target,
    put: async (entity, context) => {
      if (entity.key === key) throw new MigrationError("REQUEST_FAILED", "the server refused it");
      return target.put(entity, context);
    },
  };
}

test("version 10 comes after version 9, and an alias stays with its version", async () => {
  const place = source();
  place.load(model("m"));
  for (const number of [1, 2, 3, 5, 8, 9, 10, 11, 12])
    place.load(version("m", number, { description: `the ${number}` }), { files: { f: `${number}` } });
  place.load(alias("m", "best", 10));
  const target = createMemory({ capabilities: mlflowLike });
  await runJob(job(place, target));
  const seen = (await entitiesOf(target)).flatMap((entity) =>
    entity.kind === "model-version" ? [`${entity.version}: ${entity.description ?? ""}`] : [],
  );
  expect(seen).toEqual([1, 2, 3, 5, 8, 9, 10, 11, 12].map((number) => `${number}: the ${number}`));
  expect((await entitiesOf(target)).at(-1)).toMatchObject({ kind: "alias", alias: "best", version: 10 });
});

test("a run whose parent is gone moves all the same, with what needs it", async () => {
  const place = source();
  const orphan = run("a".repeat(32), {
    tags: new Map([["mlflow.parentRunId", "f".repeat(32)]]),
    mayReference: [`run:${"f".repeat(32)}` as EntityKey],
  });
  place.load(orphan, { files: { "model/MLmodel": "x" } });
  place.load(model("m"));
  place.load(version("m", 1, { run: orphan.key, files: { owner: "run", key: orphan.key, path: "model" } }));
  const target = createMemory();
  expect(Object.keys(byState(await runJob(job(place, target))))).toEqual(["done"]);
  const moved = (await entitiesOf(target)).find((entity) => entity.kind === "run");
  expect(moved?.tags.get("mlflow.parentRunId")).toBe("f".repeat(32));
});

test("a child that began before its parent is linked to it in the end", async () => {
  const place = source();
  const parent = run("b".repeat(32), { startTime: 2000n });
  place.load(
    run("a".repeat(32), { startTime: 1000n, tags: new Map([["mlflow.parentRunId", "b".repeat(32)]]), mayReference: [parent.key] }),
  );
  place.load(parent);
  const target = createMemory();
  await runJob(job(place, target));
  expect((await verifyJob(job(place, target))).flatMap((item) => item.findings)).toEqual([]);
});

test("start and end times stay, and a running run gets no end time", async () => {
  const place = source();
  const { endTime: _none, ...running } = run("a".repeat(32), { status: "RUNNING", startTime: 1_577_836_800_000n });
  place.load(running);
  place.load(run("b".repeat(32), { startTime: 1_577_836_800_000n, endTime: 1_577_836_800_500n }));
  const target = createMemory({ capabilities: mlflowLike });
  await runJob(job(place, target));
  const runs = (await entitiesOf(target)).flatMap((entity) =>
    entity.kind === "run" ? [[entity.status, entity.startTime, entity.endTime]] : [],
  );
  expect(runs).toEqual([
    ["RUNNING", 1_577_836_800_000n, undefined],
    ["FINISHED", 1_577_836_800_000n, 1_577_836_800_500n],
  ]);
});

test("of several logged models in one run each version keeps its own", async () => {
  const place = source();
  const maker = run("a".repeat(32));
  place.load(maker);
  const models = ["b", "c"].map((letter) =>
    loggedModel(`m-${letter.repeat(32)}`, {
      needs: [maker.experiment, maker.key],
      sourceRun: maker.key,
      outputOf: [{ run: maker.key, step: 0n }],
      name: letter,
    }),
  );
  for (const made of models) place.load(made, { files: { MLmodel: made.name } });
  place.load(model("m"));
  models.forEach((made, index) => place.load(version("m", index + 1, { files: { owner: "logged-model", key: made.key, path: "" } })));
  const target = createMemory();
  await runJob(job(place, target));
  const placed = await entitiesOf(target);
  const names = placed.flatMap((entity) => {
    if (entity.kind !== "model-version" || entity.files.owner !== "logged-model") return [];
    const { key } = entity.files;
    const made = placed.find((other) => other.key === key);
    return made?.kind === "logged-model" ? [`${entity.version} ${made.name}`] : [];
  });
  expect(names).toEqual(["1 b", "2 c"]);
});

test("one bad run costs nothing but itself, is told, and is moved by the same command later", async () => {
  const place = source();
  const bad = run("b".repeat(32));
  for (const id of ["a", "c", "d"]) place.load(run(id.repeat(32)));
  place.load(bad);
  const target = createMemory({ newIds: false });
  const journal = memoryJournal({ resuming: true });
  const states = byState(await runJob(job(place, failingFor(target, bad.key), { journal })));
  expect(states.failed).toEqual([bad.key]);
  expect(states.done).toHaveLength(4);
  expect(byState(await runJob(job(place, target, { journal }))).done).toEqual([bad.key]);
});

test("two deleted experiments and what is in them arrive deleted", async () => {
  const place = createMemory({ origin: ORIGIN, newIds: false });
  const gone = experiment("7", { name: "gone", deleted: true });
  place.load(gone);
  place.load(run("a".repeat(32), { experiment: gone.key, deleted: true }), { files: { f: "x" } });
  const target = createMemory();
  await runJob(job(place, target));
  expect((await entitiesOf(target)).map((entity) => "deleted" in entity && entity.deleted)).toEqual([true, true]);
  expect(Object.keys(byState(await runJob(job(place, target))))).toEqual(["skipped"]);
});

test("what could not be read is in the target's own record", async () => {
  const place = source();
  place.load(run("a".repeat(32)), { files: { "100%.txt": "x", "fine.txt": "y" } });
  const refuses = { pattern: /%/, wording: "names with a percent sign" };
  const target = createMemory({ capabilities: { filePathRefuses: refuses } });
  const recorded: string[] = [];
  const recording: Target = {
    ...target,
    finish: async (summary) => void recorded.push(...summary.losses.map((loss) => `${loss.field}: ${loss.reason}`)),
  };
  const outcomes = await runJob(job(place, recording));
  expect(recorded).toEqual(["files/100%.txt: names with a percent sign"]);
  expect(outcomes.at(-1)).toMatchObject({ state: "done", moved: { files: 1 } });
});

test("where numbers are assigned, a version that failed keeps its number for the next attempt", async () => {
  const place = source();
  place.load(model("m"));
  for (const number of [1, 2, 3]) place.load(version("m", number), { files: { f: `${number}` } });
  place.load(alias("m", "best", 3));
  const target = createMemory({ capabilities: mlflowLike });
  const states = byState(await runJob(job(place, failingFor(target, version("m", 2).key))));
  expect(states).toMatchObject({ failed: ["model-version:m/2"], blocked: ["alias:m/best", "model-version:m/3"] });
  expect(byState(await runJob(job(place, target))).done).toEqual(["alias:m/best", "model-version:m/2", "model-version:m/3"]);
  expect((await verifyJob(job(place, target))).flatMap((item) => item.findings)).toEqual([]);
});

test("an experiment whose name is another one's id is not taken for it", async () => {
  const place = createMemory({ origin: ORIGIN, newIds: false });
  place.load(experiment("1", { name: "first" }));
  place.load(experiment("2", { name: "1" }));
  place.load(run("a".repeat(32), { experiment: experiment("1").key }));
  const target = createMemory();
  const only = (glob: string) => ({ selection: { experiments: [glob], includeDeleted: false } });
  const named = byState(await runJob(job(place, target, only("1"))));
  expect(named).toEqual({ done: ["experiment:2"] });
  expect(byState(await runJob(job(place, target, only("first")))).done).toEqual(["experiment:1", `run:${"a".repeat(32)}`]);
});
