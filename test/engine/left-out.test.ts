// Files that a user asks to leave out: counted, agreed to, and brought by a later job without the filter.
import { describe, expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import type { Outcome } from "../../src/engine/change.ts";
import type { Job } from "../../src/engine/job.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import { createFileFilter } from "../../src/model/file-filter.ts";
import type { FileRules } from "../../src/model/file-filter.ts";
import { byState, experiment, job, model, ORIGIN, run, runJob, verifyJob, version } from "./registry.ts";

function source(): MemoryPlace {
  const place = createMemory({ origin: ORIGIN, newIds: false });
  place.load(experiment("1"));
  place.load(run("a".repeat(32)), { files: { "model/MLmodel": "12", "model/big": "x".repeat(5000), notes: "1" } });
  place.load(run("b".repeat(32)), { files: { "model/MLmodel": "12" } });
  place.load(model("churn"));
  place.load(version("churn", 1), { files: { "model.bin": "own bytes" } });
  return place;
}

function copy(target: MemoryPlace, rules: FileRules, options: Partial<Omit<Job, "mapping">> = {}): Job {
  return job(source(), target, { files: createFileFilter(rules), ...options });
}

function told(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ step, fileLosses }) =>
    fileLosses.map((loss) => `${step.source.kind}: ${loss.reason}${loss.agreed ? "" : "!"}`),
  );
}

const moved = (outcomes: readonly Outcome[]): number => outcomes.reduce((sum, outcome) => sum + outcome.moved.files, 0);

describe("a filter", () => {
  it.each([
    [{ maxFileBytes: 4096 }, 4, ["run: 1 file (5000 bytes) left out by --max-file-size 4KiB"]],
    [
      { artifacts: ["model/*"] },
      3,
      ['run: 1 file (1 bytes) left out by --artifacts "model/*"', 'model-version: 1 file (9 bytes) left out by --artifacts "model/*"'],
    ],
    [
      { artifacts: "none" as const },
      0,
      ["run: files left out by --no-artifacts", "run: files left out by --no-artifacts", "model-version: files left out by --no-artifacts"],
    ],
  ])("%j moves %i files and names the rest, once for each object", async (rules, files, losses) => {
    const outcomes = await runJob(copy(createMemory(), rules));
    expect(moved(outcomes)).toBe(files);
    expect(told(outcomes)).toEqual(losses);
    expect(Object.keys(byState(outcomes))).toEqual(["done"]);
  });

  it("is kept by a second job, which moves nothing and tells again", async () => {
    const target = createMemory();
    const rules = { maxFileBytes: 4096 };
    await runJob(copy(target, rules));
    const again = await runJob(copy(target, rules));
    expect(Object.keys(byState(again))).toEqual(["skipped"]);
    expect(told(again)).toEqual(["run: files left out by --max-file-size 4KiB"]);
  });

  it("gives way to a job with another one, and that to a job without, which send what is missing alone", async () => {
    const target = createMemory();
    const journal = memoryJournal();
    await runJob(copy(target, { artifacts: "none" }, { journal }));
    const wider = await runJob(copy(target, { maxFileBytes: 4096 }, { journal }));
    expect(moved(wider)).toBe(4);
    const whole = await runJob(copy(target, {}, { journal }));
    expect({ files: moved(whole), told: told(whole) }).toEqual({ files: 1, told: [] });
    expect((await verifyJob(copy(target, {}))).flatMap(({ findings }) => findings)).toEqual([]);
  });

  it("leaves objects alone that are whole already", async () => {
    const target = createMemory();
    await runJob(copy(target, {}));
    const outcomes = await runJob(copy(target, { artifacts: "none" }));
    expect({ states: Object.keys(byState(outcomes)), told: told(outcomes) }).toEqual({ states: ["skipped"], told: [] });
  });

  it("is known to verification: what it leaves out is agreed to, other gaps are not", async () => {
    const target = createMemory();
    await runJob(copy(target, { maxFileBytes: 4096 }));
    const findings = async (rules: FileRules): Promise<string[]> =>
      (await verifyJob(copy(target, rules))).flatMap((one) => one.findings.map(({ field, kind, agreed }) => `${field} ${kind} ${agreed}`));
    expect(await findings({ maxFileBytes: 4096 })).toEqual(["files/ left out true"]);
    expect(await findings({})).toEqual(["files/model/big missing false"]);
  });

  it("is the same for the same rules in another order, and another for others", () => {
    const id = (rules: FileRules): string => createFileFilter(rules).id;
    expect(id({ artifacts: ["a", "b"] })).toBe(id({ artifacts: ["b", "a"] }));
    expect(new Set([{}, { artifacts: ["a"] }, { artifacts: "none" as const }, { maxFileBytes: 1 }].map(id)).size).toBe(4);
    expect(id({})).toBe("");
  });

  it("moves a file whose size nobody tells", () => {
    expect(createFileFilter({ maxFileBytes: 1 }).leavesOut({ path: "a" })).toBeUndefined();
  });
});
