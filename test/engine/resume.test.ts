import { describe, expect, test } from "vitest";
import { createMemory, type MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { crashing, type Crash } from "../fakes/crashing.ts";
import { byState, collect, job, runJob, sampleSource, verifyJob } from "./registry.ts";

const targets = {
  "an MLflow-like target": {
    make: () => createMemory({ capabilities: { versionNumbers: "assigned", creationTimes: "assigned" } }),
    mapping: {},
  },
  "a Unity-Catalog-like target": {
    make: () => createMemory({ capabilities: unityCatalogCapabilities }),
    mapping: { models: [{ from: "*", to: "main.ml.*" }] },
  },
};

async function contents(target: MemoryPlace): Promise<string[]> {
  const signal = new AbortController().signal;
  const catalogue = await target.select({ includeDeleted: true }, signal);
  const entities = await collect(catalogue.entities(signal));
  return entities
    .map((entity) => `${entity.kind} ${entity.provenance.get("source_id") ?? entity.key} ${entity.provenance.get("done") ?? ""}`)
    .sort();
}

/** Dies at the given write, runs again with the given journal, and compares with a copy that was never cut off. */
async function checkResume(kind: keyof typeof targets, crash: Crash, after: (journal: Journal) => Journal): Promise<void> {
  const { make, mapping } = targets[kind];
  const options = { mapping, onLoss: "drop" as const, inFlight: 1 };
  const [whole, target] = [make(), make()];
  await runJob(job(sampleSource(), whole, options));
  const journal = memoryJournal({ resuming: true });
  await expect(runJob(job(sampleSource(), crashing(target, crash).target, { ...options, journal }))).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
  const outcomes = await runJob(job(sampleSource(), target, { ...options, journal: after(journal) }));
  expect(Object.keys(byState(outcomes)).filter((state) => state !== "done" && state !== "skipped")).toEqual([]);
  expect(await contents(target)).toEqual(await contents(whole));
  const verified = await verifyJob(job(sampleSource(), target, options));
  expect(verified.flatMap((item) => item.findings)).toEqual([]);
}

describe.each(Object.keys(targets) as (keyof typeof targets)[])("%s, killed at any write", (kind) => {
  const points = Array.from({ length: 16 }, (_, index) => index + 1);
  for (const when of ["before", "during", "after"] as const) {
    test.each(points)(`ends the same when resumed after dying ${when} write %i`, async (at) => {
      await checkResume(kind, { at, when }, (journal) => journal);
    });
    test.each(points)(`ends the same without a journal after dying ${when} write %i`, async (at) => {
      await checkResume(kind, { at, when }, () => memoryJournal());
    });
  }
});

test("what the journal calls done is not asked for again", async () => {
  const target = createMemory();
  const journal = memoryJournal({ resuming: true });
  await runJob(job(sampleSource(), target, { journal }));
  let finds = 0;
  const counting = { ...target, find: (...args: Parameters<typeof target.find>) => ((finds += 1), target.find(...args)) };
  const outcomes = await runJob(job(sampleSource(), counting, { journal }));
  expect(Object.keys(byState(outcomes))).toEqual(["skipped"]);
  expect(finds).toBe(0);
});

test("files are sent again to an object that had to be made anew, whatever the journal notes", async () => {
  const journal = memoryJournal();
  await runJob(job(sampleSource(), createMemory(), { journal }));
  const emptied = createMemory();
  await runJob(job(sampleSource(), emptied, { journal }));
  const verified = await verifyJob(job(sampleSource(), emptied));
  expect(verified.flatMap((item) => item.findings)).toEqual([]);
});

test("files that arrived before a kill are not sent again", async () => {
  const target = createMemory();
  const journal = memoryJournal({ resuming: true });
  const options = { inFlight: 1, journal };
  await expect(runJob(job(sampleSource(), crashing(target, { at: 3, when: "during" }).target, options))).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
  const sent: string[] = [];
  await runJob(
    job(sampleSource(), target, {
      ...options,
      onEvent: (event) => {
        if (event.type === "file") sent.push(`${event.key} ${event.path}`);
      },
    }),
  );
  expect(sent).not.toContain(`run:${"a".repeat(32)} model/MLmodel`);
  expect(sent).toContain(`run:${"b".repeat(32)} notes ü.md`);
});
