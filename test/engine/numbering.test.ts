// Version numbers that are given anew: in order and without gaps, once and for all, with everything that names a version.
import { expect, it } from "vitest";
import { bundleCapabilities } from "../../src/adapters/bundle/capabilities.ts";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { MigrationError } from "../../src/errors.ts";
import type { Job } from "../../src/engine/job.ts";
import type { Entity } from "../../src/model/entities.ts";
import { versionKey } from "../../src/model/keys.ts";
import { byState, collect, job, model, ORIGIN, planJob, runJob, sampleSource, verifyJob, version } from "./registry.ts";

const never = new AbortController().signal;
const serverLike = { versionNumbers: "assigned", creationTimes: "assigned" } as const;
const only = (...numbers: number[]): Pick<Job, "selection"> => ({
  selection: { models: ["churn"], versions: { spans: numbers.map((number) => ({ first: number, last: number })) }, includeDeleted: true },
});

/** Source number by number at the target, and what else names versions there. */
async function numbersAt(place: MemoryPlace): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const { entities } = await place.select({ includeDeleted: true }, never);
  for (const entity of await collect<Entity>(entities(never))) {
    if (entity.kind === "model-version") found[`${entity.model}/${String(entity.version)}`] = entity.provenance.get("source_id") ?? "";
    if (entity.kind === "alias") found[`${entity.model}@${entity.alias}`] = String(entity.version);
    if (entity.kind === "model-version" && entity.files.owner === "version") found["live/1 shares files of"] = entity.files.key;
  }
  return found;
}

const compact = (from: MemoryPlace, to: MemoryPlace, options: Partial<Omit<Job, "mapping">> = {}): Job =>
  job(from, to, { versionNumbers: "compact", ...options });

for (const [name, capabilities] of Object.entries({ "a place that assigns numbers": serverLike, "a place that takes any": {} })) {
  it(`numbers go from 1 without gaps at ${name}, and aliases and promoted versions follow`, async () => {
    const target = createMemory({ capabilities });
    const outcomes = await runJob(compact(sampleSource(), target));
    expect(Object.keys(byState(outcomes))).toEqual(["done"]);
    expect(await numbersAt(target)).toEqual({
      "churn/1": "churn/1",
      "churn/2": "churn/3",
      "churn/3": "churn/4",
      "churn/4": "churn/7",
      "churn@prod": "3",
      "live/1": "live/1",
      "live/1 shares files of": "model-version:churn/3",
    });
  });

  it(`a second run at ${name} writes nothing, whatever the journal knows, and verification finds nothing`, async () => {
    const [from, target] = [sampleSource(), createMemory({ capabilities })];
    await runJob(compact(from, target));
    expect(Object.keys(byState(await runJob(compact(from, target))))).toEqual(["skipped"]);
    const verified = await verifyJob(compact(from, target));
    expect(verified.flatMap(({ findings }) => findings)).toEqual([]);
    const asIs = await verifyJob(job(from, target));
    expect(asIs.flatMap(({ findings }) => findings.map(({ key, field }) => `${key} ${field}`))).toContain("model-version:churn/3 version");
  });
}

it("a version that is selected later gets the next number, and what was placed keeps its own", async () => {
  const [from, target] = [sampleSource(), createMemory({ capabilities: serverLike })];
  await runJob(compact(from, target, only(3, 7)));
  expect(await numbersAt(target)).toEqual({ "churn/1": "churn/3", "churn/2": "churn/7" });
  const outcomes = await runJob(compact(from, target, only(1, 3, 4, 7)));
  expect(await numbersAt(target)).toEqual({
    "churn/1": "churn/3",
    "churn/2": "churn/7",
    "churn/3": "churn/1",
    "churn/4": "churn/4",
    "churn@prod": "4",
  });
  expect(byState(outcomes)["skipped"]).toEqual(expect.arrayContaining(["model-version:churn/3", "model-version:churn/7"]));
  expect((await verifyJob(compact(from, target, only(1, 3, 4, 7)))).flatMap(({ findings }) => findings)).toEqual([]);
});

it("numbers that were preserved before stay when numbers are given anew", async () => {
  const [from, target] = [sampleSource(), createMemory({ capabilities: serverLike })];
  await runJob(job(from, target, only(4)));
  await runJob(compact(from, target, only(4, 7)));
  expect(await numbersAt(target)).toEqual({ "churn/4": "churn/4", "churn/5": "churn/7", "churn@prod": "4" });
});

it("a plan tells every number that changes, and that of aliases", async () => {
  const steps = await planJob(compact(sampleSource(), createMemory({ capabilities: serverLike })));
  const changes = steps.flatMap(({ source, changes: all }) =>
    all.filter(({ rule }) => rule === "--version-numbers compact").map(({ from, to = "" }) => `${source.key} ${from} → ${to}`),
  );
  expect(changes).toEqual([
    "model-version:churn/3 3 → 2",
    "model-version:churn/4 4 → 3",
    "model-version:churn/7 7 → 4",
    "alias:churn/prod 4 → 3",
  ]);
});

const FAILURES = { "by itself": new MigrationError("REQUEST_FAILED", "no"), "with the whole job": new MigrationError("DISK", "full") };
for (const [how, failure] of Object.entries(FAILURES)) {
  it(`a version that failed ${how} keeps its place for the next run: later ones wait for it`, () => checkPlaceKept(failure));
}

async function checkPlaceKept(failure: MigrationError): Promise<void> {
  const from = createMemory({ origin: ORIGIN });
  from.load(model("m"));
  for (const number of [2, 5, 9]) from.load(version("m", number, {}), { files: { "model.bin": String(number) } });
  const target = createMemory();
  const failing: Job["target"] = {
    ...target,
    put: (entity, context) => (entity.key === versionKey("m", 5) ? Promise.reject(failure) : target.put(entity, context)),
  };
  await runJob(compact(from, failing as MemoryPlace)).catch(() => undefined);
  await runJob(compact(from, target));
  expect(await numbersAt(target)).toEqual({ "m/1": "m/2", "m/2": "m/5", "m/3": "m/9" });
}

it("a place that keeps numbers refuses, before anything is selected", async () => {
  const target = createMemory({ capabilities: bundleCapabilities() });
  await expect(planJob(compact(sampleSource(), target))).rejects.toMatchObject({
    code: "NOT_SUPPORTED",
    hint: expect.stringContaining("--version-numbers compact") as unknown,
  });
});
