// What a workspace is sent: never twice what it would keep twice, never faster than it takes.
import { describe, expect, it } from "vitest";
import { DATABRICKS_RATES, rateGroupOf } from "../../src/adapters/databricks/rates.ts";
import { createVersionCreation } from "../../src/adapters/databricks/version-creation.ts";
import { createCalls } from "../../src/adapters/mlflow/target-calls.ts";
import type { Calls } from "../../src/adapters/mlflow/target-calls.ts";
import type { HttpClient } from "../../src/http/client.ts";
import { createPacer } from "../../src/http/pace.ts";
import { experiment, point, run } from "../contract/builders.ts";
import { pointTexts, readPoints } from "../contract/reading.ts";
import { job, runJob, sampleSource } from "../engine/registry.ts";
import { never, openWorkspace } from "./place.ts";

const POINTS = Array.from({ length: 1500 }, (_, step) => point("loss", step === 7 ? Number.NaN : step / 2, step));

describe("points of a run", () => {
  for (const [when, losses] of Object.entries({
    "after it took effect": ["after"],
    "before it took effect": ["before"],
    "twice, once each way": ["before", "after"],
  } as const)) {
    it(`are there once when the answer to a batch was lost ${when}`, async () => {
      await using workspace = await openWorkspace();
      const { fake, ferry, target } = workspace;
      const home = experiment("points");
      const made = run("points", home, {}, { points: POINTS });
      fake.lose(/log-batch$/, ...losses);
      await ferry.put(home);
      await ferry.put(made);
      const [there] = [...fake.state.runs.values()];
      expect(there?.metrics).toHaveLength(POINTS.length);
      const key = ferry.placedKey(made.entity.key) ?? made.entity.key;
      const read = await readPoints(target, [{ ...ferry.expected(made.entity), key }]);
      expect(read.get(key)).toEqual(pointTexts(POINTS));
    });
  }

  it("that a run has already are not sent again when it is completed", async () => {
    await using workspace = await openWorkspace();
    const { fake, ferry } = workspace;
    const home = experiment("half");
    const made = run("half", home, {}, { points: POINTS });
    await ferry.put(home);
    await ferry.put(made);
    const existing = await ferry.find(made);
    await ferry.put(made, existing === undefined ? {} : { existing });
    expect([...fake.state.runs.values()][0]?.metrics).toHaveLength(POINTS.length);
  });
});

describe("long tags of a run", () => {
  it("go by themselves, and the mark of the run comes after them", async () => {
    await using workspace = await openWorkspace();
    const { fake, ferry } = workspace;
    const home = experiment("long");
    const made = run("long", home, { tags: new Map([["note", "n".repeat(300)]]) });
    await ferry.put(home);
    await ferry.put(made);
    expect([...fake.state.runs.values()][0]?.tags.get("note")).toHaveLength(300);
    expect(fake.requests.at(-1)).toMatch(/log-batch$/);
  });
});

describe("a workspace that limits requests", () => {
  for (const retryAfter of [1, undefined]) {
    it(`gets everything all the same, ${retryAfter === undefined ? "without" : "with"} a Retry-After`, async () => {
      let now = 0;
      const clock = { now: () => now, wait: (ms: number) => Promise.resolve(void (now += ms)) };
      const rules = { ratePerSecond: { search: 2, write: 2, other: 20 }, ...(retryAfter === undefined ? { retryAfter } : { retryAfter }) };
      const pacer = createPacer({ inFlight: 4, clock });
      await using workspace = await openWorkspace({ rules, now: () => now }, { clock, pacer, maxAttempts: 20 });
      const mapping = { experiments: [{ from: "*", to: "/Shared/migrated/*" }] };
      const outcomes = await runJob(job(sampleSource(), workspace.target, { mapping, onLoss: "drop" }));
      expect(outcomes.filter(({ state }) => state === "failed")).toEqual([]);
      expect(now).toBeGreaterThan(0);
    });
  }

  it("is asked no faster than each group of its routes allows", async () => {
    let now = 0;
    const clock = { now: () => now, wait: (ms: number) => Promise.resolve(void (now += ms)) };
    const pacer = createPacer({ inFlight: 4, clock, groups: DATABRICKS_RATES });
    const at = (path: string): Promise<void> => pacer.enter("request", never, rateGroupOf({ path })).then((place) => place.leave());
    for (let count = 0; count < 15; count += 1) await at("/api/2.0/mlflow/runs/search");
    expect(now).toBeGreaterThanOrEqual(1900);
    const searched = now;
    for (let count = 0; count < 80; count += 1) await at("/api/2.0/mlflow/runs/get");
    for (let count = 0; count < 1000; count += 1) await at("/store/behind/a/signed/url");
    expect(now).toBe(searched);
  });
});

describe("creating versions", () => {
  it("is waited for until the registry has copied the files", async () => {
    await using workspace = await openWorkspace({ rules: { pendingReads: 3 } });
    const mapping = { experiments: [{ from: "*", to: "/Shared/migrated/*" }] };
    const outcomes = await runJob(job(sampleSource(), workspace.target, { mapping, onLoss: "drop" }));
    expect(outcomes.filter(({ state }) => state === "failed")).toEqual([]);
    const statuses = [...workspace.fake.state.models.values()].flatMap(({ versions }) =>
      [...versions.values()].map(({ status }) => status),
    );
    expect(new Set(statuses)).toEqual(new Set(["READY"]));
  });

  const clock = { now: () => 0, wait: () => Promise.resolve() };
  const answer = (status: string, more: object = {}): object => ({ model_version: { name: "m", version: "1", status, ...more } });
  const callsWith = (get: () => unknown): Calls => ({
    ...createCalls({} as HttpClient),
    get: async () => get(),
    create: async () => answer("PENDING_REGISTRATION"),
  });

  it("never has more than five under way", async () => {
    let [open, most] = [0, 0];
    const base = callsWith(() => answer("READY"));
    const counting: Calls = {
      ...base,
      async create(...args) {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        return base.create(...args);
      },
      async get() {
        open -= 1;
        return answer("READY");
      },
    };
    const { calls } = createVersionCreation(counting, clock);
    await Promise.all(Array.from({ length: 12 }, () => calls.create("model-versions/create", {}, never)));
    expect([most, open]).toEqual([5, 0]);
  });

  it("fails with the registry's reason where the files could not be copied", async () => {
    const { calls } = createVersionCreation(
      callsWith(() => answer("FAILED_REGISTRATION", { status_message: "no access to the bucket" })),
      clock,
    );
    await expect(calls.create("model-versions/create", {}, never)).rejects.toThrow("no access to the bucket");
  });
});
