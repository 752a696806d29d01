// What hangs on versions and models: it moves with them, in its order, under their new names and numbers.
import { describe, expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import type { Entity } from "../../src/model/entities.ts";
import { entitiesOf } from "../contract/reading.ts";
import { byState, job, runJob, verifyJob } from "./registry.ts";
import { talkative } from "./talkative.ts";

const never = new AbortController().signal;
async function hanging(place: MemoryPlace): Promise<Entity[]> {
  const hosts = new Set(["experiment", "run", "logged-model", "registered-model", "model-version"]);
  return (await entitiesOf(await place.select({ includeDeleted: true }, never))).filter(({ kind }) => !hosts.has(kind));
}

describe("what hangs on versions and models", () => {
  test("arrives whole, and a second run writes nothing", async () => {
    const target = createMemory();
    expect(Object.keys(byState(await runJob(job(talkative(), target))))).toEqual(["done"]);
    expect((await hanging(target)).map(({ kind }) => kind)).toEqual([
      ...["stage-transition", "stage-transition", "comment", "comment", "comment", "transition-request"],
      ...["permission", "permission", "permission", "webhook", "webhook"],
    ]);
    expect(Object.keys(byState(await runJob(job(talkative(), target))))).toEqual(["skipped"]);
    const verified = await verifyJob(job(talkative(), target));
    expect(verified.flatMap(({ findings }) => findings)).toEqual([]);
  });

  test("comes in the order of time, under new names and numbers", async () => {
    const target = createMemory();
    const options = { mapping: { models: [{ from: "churn", to: "lost" }] }, versionNumbers: "compact" as const };
    const outcomes = await runJob(job(talkative(), target, options));
    expect(Object.keys(byState(outcomes))).toEqual(["done"]);
    const there = await hanging(target);
    expect(there.filter(({ kind }) => kind === "stage-transition")).toMatchObject([
      { key: "stage-transition:lost/1/1", model: "lost", version: 1, to: "Staging", needs: ["model-version:lost/1"] },
      { key: "stage-transition:lost/1/2", model: "lost", version: 1, to: "Production", comment: "ship it" },
    ]);
    expect(there.filter(({ kind }) => kind === "permission").map(({ key }) => key)).toContain("permission:registered-model:lost");
    expect(there.find((one) => one.kind === "webhook" && one.model !== undefined)).toMatchObject({ model: "lost", status: "ACTIVE" });
    expect((await verifyJob(job(talkative(), target, options))).flatMap(({ findings }) => findings)).toEqual([]);
  });

  test("a comment that was changed at the source is changed at the target", async () => {
    const target = createMemory();
    await runJob(job(talkative(), target));
    const source = talkative();
    for (const entity of await hanging(source)) {
      if (entity.key === "comment:churn/2/2") source.load({ ...entity, text: "second thoughts" } as Entity);
    }
    const outcomes = byState(await runJob(job(source, target)));
    expect(outcomes["done"]).toEqual(["comment:churn/2/2"]);
  });

  test("a selection brings what hangs on it, and nothing of the registry as a whole", async () => {
    const keys = async (selection: { models?: string[]; experiments?: string[]; versions?: { latest: number } }): Promise<string[]> =>
      (await entitiesOf(await talkative().select({ includeDeleted: false, ...selection }, never))).map(({ key }) => key);
    expect((await keys({ models: ["churn"], versions: { latest: 1 } })).slice(2)).toEqual([
      "comment:churn/3/1",
      "transition-request:churn/3/1",
      "permission:registered-model:churn",
      expect.stringMatching(/^webhook:/),
    ]);
    expect(await keys({ models: ["quiet"] })).toEqual(["registered-model:quiet", "model-version:quiet/1"]);
    expect(await keys({ experiments: ["home"] })).toEqual([
      expect.stringMatching(/^experiment:/),
      expect.stringMatching(/^permission:experiment:/),
    ]);
  });

  test("a comment of late brings its version where only what is new is asked for", async () => {
    const since = { asked: "1d", from: 1_600_000_009_000 };
    const found = await entitiesOf(await talkative().select({ models: ["*"], includeDeleted: false, since }, never));
    expect(found.filter(({ kind }) => kind === "model-version").map(({ key }) => key)).toEqual(["model-version:churn/3"]);
  });
});
