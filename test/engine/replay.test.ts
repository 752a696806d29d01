// Places that carry transitions out: versions reach their stage the way they did at the source, once, and nothing moves twice.
import { describe, expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { MigrationError } from "../../src/errors.ts";
import { ENTRY_KINDS } from "../../src/model/entities.ts";
import type { Entity } from "../../src/model/entities.ts";
import type { Journal } from "../../src/ports/journal.ts";
import type { Target } from "../../src/ports/target.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import { registeredModel, transition, version } from "../contract/builders.ts";
import { byState, job, ORIGIN, runJob, verifyJob } from "./registry.ts";
import { talkative } from "./talkative.ts";

/** A workspace that carries transitions out, and what was done to its versions, in order. */
function workspace(): { target: Target; moves: string[] } {
  const place = createMemory({ capabilities: { replaysTransitions: true, versionNumbers: "assigned" } });
  const moves: string[] = [];
  const target: Target = {
    ...place,
    put(entity, context) {
      if (entity.kind === "model-version") moves.push(`put ${String(entity.version)} as ${entity.stage}`);
      if (entity.kind === "stage-transition") moves.push(`${context.isPast === true ? "told" : "moved"} to ${entity.to}`);
      return place.put(entity, context);
    },
    async settle(one, key, signal) {
      moves.push(`settled ${String(one.version)} as ${one.stage}`);
      await place.settle?.(one, key, signal);
    },
  };
  return { target, moves };
}

function past(...stages: ("Staging" | "Production" | "Archived")[]): MemoryPlace {
  const source = createMemory({ origin: ORIGIN, newIds: false });
  const model = registeredModel("m");
  const one = version(1, model, { files: { owner: "own" }, stage: "Production" }, { MLmodel: "x" });
  const steps = stages.map((to, index) => transition(index + 1, one, { from: stages[index - 1] ?? "None", to }));
  for (const { entity, files } of [model, one, ...steps]) source.load(entity, files === undefined ? {} : { files });
  return source;
}

describe("where transitions are carried out", () => {
  test("a version begins without a stage and gets it by its transitions", async () => {
    const { target, moves } = workspace();
    const source = past("Staging", "Archived", "Production");
    expect(Object.keys(byState(await runJob(job(source, target))))).toEqual(["done"]);
    expect(moves).toEqual(["put 1 as None", "moved to Staging", "moved to Archived", "moved to Production"]);
    expect((await verifyJob(job(source, target))).flatMap(({ findings }) => findings)).toEqual([]);
    moves.length = 0;
    expect(Object.keys(byState(await runJob(job(source, target))))).toEqual(["skipped"]);
    expect(moves).toEqual([]);
  });

  test("a version whose known past does not lead to its stage gets it at the end", async () => {
    const { target, moves } = workspace();
    await runJob(job(past("Staging"), target));
    expect(moves).toEqual(["put 1 as None", "moved to Staging", "settled 1 as Production"]);
  });

  test("a job that was cut off goes on from the stage that was reached", async () => {
    const { target, moves } = workspace();
    const source = past("Staging", "Production");
    const stop = new AbortController();
    const cut: Target = {
      ...target,
      put(entity, context) {
        if (entity.key.endsWith("/2")) stop.abort();
        return target.put(entity, { ...context, signal: stop.signal });
      },
    };
    await expect(runJob(job(source, cut))).rejects.toMatchObject({ code: "INTERRUPTED" });
    moves.length = 0;
    await runJob(job(source, target));
    expect(moves).toEqual(["put 1 as Staging", "moved to Production"]);
  });

  test("what is learned later of a version that is where it belongs is told, and moves nothing", async () => {
    const { target, moves } = workspace();
    await runJob(job(past(), target));
    expect(moves).toEqual(["put 1 as None", "settled 1 as Production"]);
    moves.length = 0;
    await runJob(job(past("Staging", "Production"), target));
    expect(moves).toEqual(["told to Staging", "told to Production"]);
  });
});

describe("a write that nothing recognises afterwards", () => {
  /** Comments arrive, and the answer to the first does not; nothing tells which are there. */
  function forgetful(answers: "lost" | "refused" | "killed"): { target: Target; sent: string[] } {
    const place = createMemory({ capabilities: { unrecognised: new Set(["comment"]) } });
    const sent: string[] = [];
    const isComment = (entity: Entity): boolean => entity.kind === "comment";
    const target: Target = {
      ...place,
      find: (entity, context) =>
        isComment(entity) && !sent.includes(`whole ${entity.key}`) ? Promise.resolve(undefined) : place.find(entity, context),
      async put(entity, context) {
        if (!isComment(entity)) return place.put(entity, context);
        sent.push(entity.key);
        if (sent.length > 1) {
          sent.push(`whole ${entity.key}`);
          return place.put(entity, context);
        }
        if (answers === "refused") throw new MigrationError("REQUEST_FAILED", "no");
        if (answers === "killed") throw new MigrationError("INTERRUPTED", "killed");
        throw new MigrationError("OUTCOME_UNKNOWN", "no answer came");
      },
    };
    return { target, sent };
  }
  const one = (journal: Journal, target: Target, options = {}) => job(talkative(), target, { journal, inFlight: 1, ...options });

  test.each(["lost", "killed"] as const)("is not repeated by itself when its answer was %s", async (answers) => {
    const journal = memoryJournal();
    const { target, sent } = forgetful(answers);
    const first = await runJob(one(journal, target)).catch((thrown: unknown) => thrown);
    if (answers === "lost") expect(first).toContainEqual(expect.objectContaining({ state: "failed" }));
    const [key = ""] = sent;
    const again = await runJob(one(journal, target));
    expect(byState(again)["refused"]).toEqual([key]);
    expect(again.find(({ state }) => state === "refused")?.error).toMatchObject({
      code: "OUTCOME_UNKNOWN",
      hint: expect.stringContaining("--repeat-unknown") as unknown,
    });
    expect(sent.filter((each) => each === key)).toHaveLength(1);
    await runJob(one(journal, target, { repeatUnknown: true }));
    expect(sent.filter((each) => each === key)).toHaveLength(2);
    expect(byState(await runJob(one(journal, target)))["refused"]).toBeUndefined();
  });

  test("is repeated when it was refused, since that had no effect", async () => {
    const journal = memoryJournal();
    const { target, sent } = forgetful("refused");
    await runJob(one(journal, target));
    expect(byState(await runJob(one(journal, target)))["done"]).toEqual([sent[0]]);
  });

  test("is told by the place that has one, not by the kind", () => {
    expect(ENTRY_KINDS.filter((kind) => createMemory().capabilities.unrecognised?.has(kind))).toEqual([]);
  });
});
