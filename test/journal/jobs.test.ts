// Looking up the jobs of a state folder.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openJournal } from "../../src/journal/journal.ts";
import { findJob, latestEntries, listJobs } from "../../src/journal/jobs.ts";
import type { OriginId } from "../../src/model/entities.ts";
import { keyOf, placed } from "../../src/model/keys.ts";
import type { JournalEntry } from "../../src/ports/journal.ts";
import { entry, jobOptions, source, target } from "./sample.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mlferry-jobs-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

it("finds no job in an empty folder, and leaves it empty", async () => {
  expect(await findJob(dir, { source, target })).toBeUndefined();
  expect(await listJobs(dir)).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

it("finds the newest job of a pair, with the options it was started with", async () => {
  const times = [1000, 5000, 3000];
  for (const [i, time] of times.entries()) {
    const options = jobOptions(dir, { identity: { options: String(i) }, now: () => time });
    const journal = await openJournal({ ...options, info: { ...options.info, options: { selection: i } } });
    await journal.end("partial");
    await journal.close();
  }
  expect(await findJob(dir, { source, target })).toMatchObject({
    state: "partial",
    options: { selection: 1 },
    command: "mlferry copy a b",
    started: 5000,
  });
  expect((await listJobs(dir)).map((job) => job.started)).toEqual([5000, 3000, 1000]);
});

it("does not mix up the direction of a pair", async () => {
  await (await openJournal(jobOptions(dir))).close();
  expect(await findJob(dir, { source: target, target: source })).toBeUndefined();
  expect(await findJob(dir, { source, target: "other" as OriginId })).toBeUndefined();
});

it("keeps the time of the first start", async () => {
  await (await openJournal(jobOptions(dir, { now: () => 10 }))).close();
  await (await openJournal(jobOptions(dir, { now: () => 20 }))).close();
  expect(await findJob(dir, { source, target })).toMatchObject({ started: 10, updated: 20 });
});

it("gives every entry of a job once, across pages, while the job is at work", async () => {
  const journal = await openJournal(jobOptions(dir));
  const keys = Array.from({ length: 2500 }, (_, i) => keyOf("run", `r${String(i)}`));
  await Promise.all(keys.map((key) => journal.append(entry({ key }))));
  await journal.append(entry({ placed: placed(keyOf("run", "new")) }));

  const job = await findJob(dir, { source, target });
  const found: JournalEntry[] = [];
  if (job !== undefined) for await (const one of latestEntries(job)) found.push(one);
  expect(new Set(found.map((one) => one.key))).toEqual(new Set(keys));
  expect(found).toHaveLength(2500);
  expect(found.find((one) => one.placed !== undefined)?.placed).toBe("run:new");
  await journal.close();
});
