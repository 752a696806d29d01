// Servers of versions that nobody knows yet: what they offer is used, and what they lack is translated or named.
import { afterEach, expect, it } from "vitest";
import type { Outcome } from "../../src/engine/change.ts";
import { byState, job, runJob, sampleSource, verifyJob } from "../engine/registry.ts";
import { openFakePlace } from "./place.ts";
import type { FakePlace } from "./place.ts";

let place: FakePlace | undefined;
afterEach(async () => {
  await place?.close();
  place = undefined;
});

const STAGES = "model-versions/transition-stage";

it("a server that calls itself 4.1.0 and offers everything gets everything", async () => {
  place = await openFakePlace({ version: "4.1.0" });
  expect(place.target.capabilities.place).toBe("MLflow 4.1.0");
  const outcomes = await runJob(job(sampleSource(), place.target));
  expect(Object.keys(byState(outcomes))).toEqual(["done"]);
  const verified = await verifyJob(job(sampleSource(), (await place.again()).target), "counts");
  expect(verified.flatMap((item) => item.findings)).toEqual([]);
});

it("a server that calls itself 3.99.0.dev0 and has no logged models gets their files with their versions, and the plan names them", async () => {
  place = await openFakePlace({ version: "3.99.0.dev0", lacks: ["logged-models"] });
  const selection = { models: ["churn"], includeDeleted: true };
  const refused = byState(await runJob(job(sampleSource(), place.target, { selection })));
  expect(refused.refused?.map((key) => key.split(":")[0])).toEqual(["logged-model"]);
  const again = await place.again();
  const outcomes = await runJob(job(sampleSource(), again.target, { selection, onLoss: "drop" }));
  expect(Object.keys(byState(outcomes)).sort()).toEqual(["dropped", "skipped"]);
  expect(lossesIn(outcomes)).toEqual(["the target has no logged models"]);
  const verified = await verifyJob(job(sampleSource(), (await place.again()).target, { selection, onLoss: "drop" }), "counts");
  expect(verified.flatMap((item) => item.findings).filter(({ agreed }) => !agreed)).toEqual([]);
  expect(verified.flatMap((item) => item.findings).map(({ kind, expected }) => [kind, expected])).toEqual([
    ["left out", "the target has no logged models"],
  ]);
});

it("a server that has done away with stages keeps them as aliases and tags", async () => {
  place = await openFakePlace({ version: "4.1.0", lacks: [STAGES] });
  const requests = await place.requestsOf(() => runJob(job(sampleSource(), place?.target ?? never())));
  expect(requests.filter((request) => request.includes(STAGES))).toEqual([]);
  expect(place.fake.store.model("churn").aliases.get("champion")).toBe("4");
});

it("a database that refuses NUL characters and long texts gets what it can hold, and the rest is named", async () => {
  place = await openFakePlace({ refusesNul: true });
  const { capabilities } = place.target;
  expect([capabilities.descriptionChars, capabilities.tags["registered-model"]?.valueChars]).toEqual([5000, 5000]);
  const outcomes = await runJob(job(sampleSource(), place.target));
  expect(Object.keys(byState(outcomes))).toEqual(["done"]);
});

function lossesIn(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ step }) => step.changes.filter((change) => change.class === "lost").map(({ rule }) => rule));
}

function never(): never {
  throw new Error("not reached");
}
