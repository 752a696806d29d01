// Models and versions into an open-source Unity Catalog and out of it, with files in a folder that a rule of the user's opens.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { decodeComment, encodeComment } from "../../src/adapters/unity-catalog-oss/comments.ts";
import { openUnityCatalogOss } from "../../src/adapters/unity-catalog-oss/unity-catalog-oss.ts";
import { createHttpClient } from "../../src/http/client.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Target } from "../../src/ports/target.ts";
import { createStores } from "../../src/stores/open.ts";
import { byState, job, runJob, sampleSource, verifyJob } from "../engine/registry.ts";
import { startFakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";
import type { FakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";

const never = new AbortController().signal;
const DROP = { mapping: { models: [{ from: "*", to: "main.ml.*" }] }, onLoss: "drop" as const };

interface Place extends AsyncDisposable {
  readonly fake: FakeUnityCatalog;
  /** Another process on the same server; without the rule nothing of this machine is touched. */
  open(rule?: "with a rule" | "without a rule"): Promise<Target>;
}

async function start(): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), "mlferry-uc-"));
  const fake = await startFakeUnityCatalog({ storage: { root: `file://${root}` }, schemas: ["main.ml"] });
  const opened: Target[] = [];
  return {
    fake,
    async open(rule = "with a rule") {
      const options = { baseUrl: fake.url, pacer: createPacer({ inFlight: 8 }), userAgent: "mlferry-test", maxAttempts: 3 };
      const http = createHttpClient({ ...options, clock: { now: () => 0, wait: () => Promise.resolve() } });
      const rules = rule === "with a rule" ? [{ from: `file://${root}`, to: root }] : [];
      const target = await openUnityCatalogOss({ http, stores: createStores({ settings: {}, rules }), settings: {} }, never);
      opened.push(target);
      return target;
    },
    async [Symbol.asyncDispose]() {
      for (const target of opened) await target.close();
      await fake.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

it("models arrive with versions, numbers, descriptions and files; what has no place is named; a second time nothing is written", async () => {
  await using place = await start();
  const outcomes = await runJob(job(sampleSource(), await place.open(), DROP));
  expect(
    outcomes.filter(({ state }) => state !== "done" && state !== "dropped").map(({ step, error }) => [step.source.key, error]),
  ).toEqual([]);
  expect(byState(outcomes)["done"]).toEqual(expect.arrayContaining(["registered-model:churn", "model-version:churn/7"]));
  const losses = outcomes.flatMap(({ step }) => step.changes.filter((change) => change.class === "lost").map(({ field }) => field));
  expect(losses).toEqual(expect.arrayContaining(["stage", "run"]));
  const target = await place.open();
  const findings = (await verifyJob(job(sampleSource(), target, DROP))).flatMap((verified) => verified.findings);
  expect(findings.filter(({ agreed }) => !agreed)).toEqual([]);
  const before = place.fake.requests.length;
  expect(byState(await runJob(job(sampleSource(), await place.open(), DROP)))["done"]).toBeUndefined();
  expect(place.fake.requests.slice(before).filter((route) => /^(POST|PATCH|DELETE)/.test(route))).toEqual([]);
  const memory = createMemory();
  expect(Object.keys(byState(await runJob(job(target, memory))))).toEqual(["done"]);
  expect((await verifyJob(job(target, memory))).flatMap((verified) => verified.findings)).toEqual([]);
});

it.each([/POST .*\/models$/, /POST .*\/models\/versions$/, /PATCH .*\/finalize$/, /PATCH .*\/versions\/\d+$/, /DELETE /])(
  "when the answer to %s is lost, everything is there once",
  async (route) => {
    for (const when of ["before", "after"] as const) {
      await using place = await start();
      place.fake.lose(route, when, when);
      const outcomes = await runJob(job(sampleSource(), await place.open(), DROP));
      expect(byState(outcomes)).not.toHaveProperty("failed");
      const versions = [...(place.fake.state.models.get("main.ml.churn")?.versions.values() ?? [])];
      expect(versions.map(({ version, status }) => `${String(version)} ${status}`)).toEqual(["1 READY", "3 READY", "4 READY", "7 READY"]);
      const findings = (await verifyJob(job(sampleSource(), await place.open(), DROP))).flatMap((verified) => verified.findings);
      expect(findings.filter(({ agreed }) => !agreed)).toEqual([]);
    }
  },
);

it("files on the server's own machine are touched by a rule of the user's alone", async () => {
  await using place = await start();
  const outcomes = await runJob(job(sampleSource(), await place.open("without a rule"), DROP));
  const failed = outcomes.find(({ step }) => step.source.key === "model-version:churn/1");
  expect(failed?.error).toMatchObject({ code: "NOT_SUPPORTED", hint: expect.stringContaining("--target-artifact-root") as string });
});

it("a schema that is missing stops a copy before anything is written", async () => {
  await using place = await start();
  const mapping = { models: [{ from: "*", to: "main.other.*" }] };
  await expect(runJob(job(sampleSource(), await place.open(), { mapping, onLoss: "drop" }))).rejects.toMatchObject({
    hint: "make it with CREATE SCHEMA main.other, or map the models to another one",
  });
  expect(place.fake.state.models.size).toBe(0);
});

it("a comment keeps description and tags apart, whatever they hold, and one that was changed is a description", () => {
  const comment = { description: "a --> b\n\n<!-- mlferry {} -->x", tags: new Map([["mlferry_source_id", "<!-- a --> \u2028"]]) };
  expect(decodeComment(encodeComment(comment))).toEqual(comment);
  for (const text of ["", "plain", "a\n\n<!-- mlferry {broken -->", 'a\n\n<!-- mlferry {"k":"v"} --> and more']) {
    expect(decodeComment(text)).toEqual({ description: text, tags: new Map() });
  }
});
