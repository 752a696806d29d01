// An export that ended with failures, or was cut off, is continued by the same job: what arrived is not read again.
import { readFile, readdir, rename, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkBundle } from "../../src/adapters/bundle/check.ts";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import type { BundleTargetOptions } from "../../src/adapters/bundle/target.ts";
import { MigrationError } from "../../src/errors.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { OriginId } from "../../src/model/entities.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Target } from "../../src/ports/target.ts";
import { crashing } from "../fakes/crashing.ts";
import { unreadable } from "../fakes/unreadable.ts";
import { byState, experiment, job, run, runJob, sampleSource } from "../engine/registry.ts";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { OPTIONS, contentOf, testFolder } from "./rig.ts";
import { readTar } from "./tar-kit.ts";

const SAMPLE = sampleSource();
const PARENT = `run:${"a".repeat(32)}`;
const MISSING = `${PARENT} model/MLmodel`;

function open(path: string, options: Partial<BundleTargetOptions> = {}): Promise<Target> {
  return createBundleTarget(path, { ...OPTIONS, source: { uri: SAMPLE.uri, origin: SAMPLE.origin }, ...options });
}

/** One run of a job, which ends with a bundle of the name. */
async function exportTo(path: string, source: Source, options: Partial<BundleTargetOptions> = {}): Promise<Record<string, string[]>> {
  const target = await open(path, options);
  try {
    return byState(await runJob(job(source, target)));
  } finally {
    await target.close();
  }
}

async function contentAt(path: string): Promise<unknown> {
  for await (const problem of checkBundle(path)) throw new Error(JSON.stringify(problem));
  const source = await openBundleSource(path);
  const content = await contentOf(source);
  await source.close();
  return content;
}

async function lossesAt(path: string): Promise<unknown> {
  const source = await openBundleSource(path);
  await source.close();
  return source.manifest.losses;
}

for (const name of ["b.tar", "b"]) {
  describe(`a bundle that lacks a file (${name})`, () => {
    it("gets what was missing, and nothing that arrived is read again", async () => {
      const folder = await testFolder();
      const path = join(folder, name);
      const first = await exportTo(path, unreadable(SAMPLE, [MISSING]).source);
      expect(first["partial"]).toEqual([PARENT]);
      expect(await lossesAt(path)).toEqual([{ key: PARENT, field: "files/model/MLmodel", reason: "model/MLmodel is not there" }]);

      const { source, asked } = unreadable(SAMPLE);
      const second = await exportTo(path, source, { reopen: true });
      expect(second["done"]).toEqual([PARENT]);
      expect(Object.keys(second).sort()).toEqual(["done", "skipped"]);
      expect(asked).toEqual({ points: [PARENT], listed: [PARENT], opened: [MISSING] });
      expect(await lossesAt(path)).toEqual([]);
      expect(await readdir(folder)).toEqual([name]);

      const straight = join(folder, `straight-${name}`);
      await exportTo(straight, SAMPLE);
      expect(await contentAt(path)).toEqual(await contentAt(straight));
    });

    it("stays in its place and readable until the new one is whole", async () => {
      const path = join(await testFolder(), name);
      await exportTo(path, unreadable(SAMPLE, [MISSING]).source);
      const before = await contentAt(path);
      const target = await open(path, { reopen: true });
      await expect(runJob(job(SAMPLE, crashing(target, { at: 1, when: "after" }).target))).rejects.toMatchObject({ code: "INTERRUPTED" });
      await target.close();
      expect(await contentAt(path)).toEqual(before);
      expect(await readdir(join(path, ".."))).toEqual([name, `${name}.partial`]);
      const { source, asked } = unreadable(SAMPLE);
      expect(Object.keys(await exportTo(path, source, { reopen: true }))).toEqual(["skipped"]);
      expect(asked).toEqual({ points: [], listed: [], opened: [] });
      expect(await lossesAt(path)).toEqual([]);
      expect(await readdir(join(path, ".."))).toEqual([name]);
    });

    it("is continued where the laying out of the unfinished one was cut off", async () => {
      const path = join(await testFolder(), name);
      await exportTo(path, unreadable(SAMPLE, [MISSING]).source);
      const target = await open(path, { reopen: true });
      await expect(runJob(job(SAMPLE, crashing(target, { at: 1, when: "after" }).target))).rejects.toMatchObject({ code: "INTERRUPTED" });
      await target.close();
      const bundle = `${path}.partial/${name === "b" ? "bundle" : "bundle.tar"}`;
      await rename(bundle, `${path}.partial/spool/reopened`);
      await truncate(`${path}.partial/entities/run.jsonl`, 10);
      const { source, asked } = unreadable(SAMPLE);
      expect((await exportTo(path, source, { reopen: true }))["done"]).toEqual([PARENT]);
      expect(asked.opened).toEqual([MISSING]);
      await contentAt(path);
    });

    it("tells the same losses again while nothing has changed", async () => {
      const path = join(await testFolder(), name);
      const { source } = unreadable(SAMPLE, [MISSING]);
      await exportTo(path, source);
      const [losses, content] = [await lossesAt(path), await contentAt(path)];
      expect((await exportTo(path, source, { reopen: true }))["partial"]).toEqual([PARENT]);
      expect(await lossesAt(path)).toEqual(losses);
      expect(await contentAt(path)).toEqual(content);
    });

    it("reads files again where their object has changed since", async () => {
      const path = join(await testFolder(), name);
      await exportTo(path, unreadable(SAMPLE, [MISSING]).source);
      const changed = sampleSource();
      const params = new Map([["lr", "0.2"]]);
      changed.load(run("a".repeat(32), { params }), { files: { "model/MLmodel": "flavors: {}", "empty.txt": "no more" } });
      const { source, asked } = unreadable(changed);
      await exportTo(path, source, { reopen: true });
      expect(asked.opened.sort()).toEqual([`${PARENT} empty.txt`, MISSING]);
    });

    it("is not opened again unless that is asked for, nor for another registry or selection", async () => {
      const path = join(await testFolder(), name);
      await exportTo(path, SAMPLE);
      const taken = { code: "OUTPUT_EXISTS" };
      await expect(open(path)).rejects.toMatchObject({ ...taken, message: `${path} is there already` });
      const other = { uri: "memory:other", origin: "00ff" as OriginId };
      await expect(open(path, { reopen: true, source: other })).rejects.toMatchObject({
        ...taken,
        message: `${path} holds a bundle of another registry`,
        hint: "give another name, or replace it with --force",
      });
      await expect(open(path, { reopen: true, selection: {} })).rejects.toMatchObject({
        ...taken,
        message: `${path} holds a bundle of another selection`,
      });
      expect(await readdir(join(path, ".."))).toEqual([name]);
    });

    it("is left as it is where nothing is written and nothing else is missing", async () => {
      const path = join(await testFolder(), name);
      await exportTo(path, SAMPLE);
      const { ino } = await stat(path);
      expect(Object.keys(await exportTo(path, SAMPLE, { reopen: true }))).toEqual(["skipped"]);
      expect((await stat(path)).ino).toBe(ino);
      expect(await readdir(join(path, ".."))).toEqual([name]);
    });
  });
}

it("does not go on with a finished bundle that is damaged, and leaves it alone", async () => {
  const path = join(await testFolder(), "b.tar");
  await exportTo(path, SAMPLE);
  await truncate(path, 5000);
  await expect(open(path, { reopen: true })).rejects.toMatchObject({ code: "BUNDLE_DAMAGED" });
  await writeFile(path, "someone's file");
  await expect(open(path, { reopen: true })).rejects.toMatchObject({ code: "BUNDLE_DAMAGED" });
  expect(await readFile(path, "utf8")).toBe("someone's file");
});

it("tells that a finished bundle has a damaged blob, and reads again what it had when the job is repeated", async () => {
  const path = join(await testFolder(), "b.tar");
  await exportTo(path, unreadable(SAMPLE, [MISSING]).source);
  const parts = await readTar(path);
  const last = parts.filter(({ name }) => name.startsWith("blobs/")).at(-1);
  const bytes = await readFile(path);
  bytes[bytes.indexOf(last?.name ?? "") + 512] = 0;
  await writeFile(path, bytes);
  await expect(exportTo(path, SAMPLE, { reopen: true })).rejects.toMatchObject({ code: "DISK" });
  const { source, asked } = unreadable(SAMPLE);
  await exportTo(path, source, { reopen: true });
  expect(asked.opened).toHaveLength(2);
  const straight = join(path, "..", "straight.tar");
  await exportTo(straight, SAMPLE);
  expect(await contentAt(path)).toEqual(await contentAt(straight));
});

describe("an export that is killed in the middle of a run", () => {
  const FILES = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`part-${index}.bin`, `content ${index}`]));
  const only = createMemory({ origin: SAMPLE.origin, uri: SAMPLE.uri, newIds: false });
  only.load(experiment("1"));
  only.load(run("a".repeat(32)), { files: FILES });

  /** Dies when a file is opened after `at` of them were. */
  const dying = (source: Source, at: number): Source => ({
    ...source,
    artifacts: (owner, signal) => {
      const reader = source.artifacts(owner, signal);
      let opened = 0;
      return {
        list: () => reader.list(),
        open: (file, range) => {
          if (++opened > at) throw new MigrationError("INTERRUPTED", "killed");
          return reader.open(file, range);
        },
      };
    },
  });

  for (const name of ["b.tar", "b"]) {
    it(`does not open files again that arrived (${name}), with the journal or without`, async () => {
      for (const journal of [memoryJournal({ resuming: false }), undefined]) {
        const path = join(await testFolder(), name);
        const target = await open(path);
        const options = { inFlight: 1, ...(journal === undefined ? {} : { journal }) };
        await expect(runJob(job(dying(only, 4), target, options))).rejects.toMatchObject({ code: "INTERRUPTED" });
        await target.close();
        const { source, asked } = unreadable(only);
        const again = await open(path);
        expect(byState(await runJob(job(source, again, options)))).toMatchObject({ done: [PARENT] });
        await again.close();
        expect(asked.opened).toHaveLength(2);
        const straight = join(path, "..", `straight-${name}`);
        await exportTo(straight, only);
        expect(await contentAt(path)).toEqual(await contentAt(straight));
      }
    });

    it(`reads all files again where the unfinished bundle is gone, whatever the journal notes (${name})`, async () => {
      const folder = await testFolder();
      const journal = memoryJournal();
      const first = await open(join(folder, name));
      await expect(runJob(job(dying(only, 4), first, { inFlight: 1, journal }))).rejects.toMatchObject({ code: "INTERRUPTED" });
      await first.close();
      const other = await open(join(folder, `other-${name}`));
      await expect(runJob(job(dying(only, 1), other, { inFlight: 1, journal }))).rejects.toMatchObject({ code: "INTERRUPTED" });
      await other.close();
      const { source, asked } = unreadable(only);
      const again = await open(join(folder, `other-${name}`));
      await runJob(job(source, again, { inFlight: 1, journal }));
      await again.close();
      expect(asked.opened).toHaveLength(5);
    });
  }
});
