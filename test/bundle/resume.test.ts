// An unfinished bundle is continued from wherever it was cut off: nothing is lost, nothing half-written is trusted.
import { cp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkBundle } from "../../src/adapters/bundle/check.ts";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import type { Item } from "../contract/item.ts";
import { OPTIONS, contentOf, ferryTo, leaveUnfinished, never, smallRegistry, testFolder } from "./rig.ts";

/** Continues as the engine does: puts what is not found. Gives the keys that were put. */
async function complete(path: string, items: readonly Item[] = smallRegistry()): Promise<string[]> {
  const target = await createBundleTarget(path, OPTIONS);
  const ferry = ferryTo(target);
  const put: string[] = [];
  for (const item of items) {
    if ((await ferry.find(item)) !== undefined) continue;
    await ferry.put(item);
    put.push(item.entity.key);
  }
  await target.finish({ losses: [], notCarried: [] });
  await target.close();
  return put;
}

async function expectWhole(path: string, expected: unknown): Promise<void> {
  for await (const problem of checkBundle(path)) throw new Error(JSON.stringify(problem));
  const source = await openBundleSource(path);
  expect(await contentOf(source)).toEqual(expected);
  await source.close();
}

async function contentAt(path: string): Promise<unknown> {
  const source = await openBundleSource(path);
  const content = await contentOf(source);
  await source.close();
  return content;
}

/** An unfinished bundle to be copied, and what it is to become. */
async function prepared(name: string): Promise<{ folder: string; path: string; expected: unknown; again: () => Promise<void> }> {
  const folder = await testFolder();
  const path = join(folder, name);
  const kept = join(folder, "kept");
  await leaveUnfinished(path);
  await cp(`${path}.partial`, kept, { recursive: true });
  await complete(path);
  const expected = await contentAt(path);
  const again = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true });
    await rm(`${path}.partial`, { recursive: true, force: true });
    await cp(kept, `${path}.partial`, { recursive: true });
  };
  return { folder, path, expected, again };
}

/** Positions before, in and after every header, content and padding of a tar. */
async function tarCuts(path: string): Promise<number[]> {
  const bytes = await readFile(path);
  const cuts = new Set<number>([0]);
  for (let at = 0; at < bytes.length;) {
    const size = parseInt(bytes.subarray(at + 124, at + 135).toString(), 8);
    const next = at + 512 + Math.ceil(size / 512) * 512;
    for (const cut of [at, at + 1, at + 511, at + 512, at + 513, at + 512 + (size >> 1), at + 512 + size, next - 1])
      if (cut <= bytes.length) cuts.add(cut);
    at = next;
  }
  return [...cuts];
}

describe("an unfinished tar", () => {
  it("is completed wherever its tar is cut off", { timeout: 60_000 }, async () => {
    const { path, expected, again } = await prepared("b.tar");
    await again();
    const cuts = await tarCuts(`${path}.partial/bundle.tar`);
    expect(cuts.length).toBeGreaterThan(30);
    for (const cut of cuts) {
      await again();
      await truncate(`${path}.partial/bundle.tar`, cut);
      await complete(path);
      await expectWhole(path, expected);
    }
  });

  it("is completed where the disk kept the length of a blob but not its bytes", async () => {
    const { path, expected, again } = await prepared("b.tar");
    await again();
    const tar = `${path}.partial/bundle.tar`;
    const bytes = await readFile(tar);
    await writeFile(tar, bytes.fill(0, bytes.length - 700));
    expect((await complete(path)).length).toBeGreaterThan(0);
    await expectWhole(path, expected);
  });

  it("is completed after a crash at its very end", async () => {
    const { path, expected, again } = await prepared("b.tar");
    const finished = await readFile(path);
    for (const length of [finished.length, finished.length - 1024, finished.length - 1500, finished.length - 4000]) {
      await again();
      await writeFile(`${path}.partial/bundle.tar`, finished.subarray(0, length));
      expect(await complete(path)).toEqual([]);
      await expectWhole(path, expected);
    }
  });
});

for (const name of ["b.tar", "b"]) {
  describe(`an unfinished bundle (${name})`, () => {
    it("needs nothing again when all of it is there", async () => {
      const { path, expected, again } = await prepared(name);
      await again();
      expect(await complete(path)).toEqual([]);
      await expectWhole(path, expected);
    });

    it("is completed wherever one of its lines is torn", async () => {
      const { path, expected, again } = await prepared(name);
      await again();
      const lines = `${path}.partial/entities`;
      for (const file of await readdir(lines)) {
        await again();
        const { size } = await stat(join(lines, file));
        for (const cut of [0, 1, size >> 1, size - 1]) {
          await again();
          await truncate(join(lines, file), cut);
          expect((await complete(path)).length, `${file} at ${cut}`).toBeGreaterThan(0);
          await expectWhole(path, expected);
        }
      }
    });

    it("keeps files that arrived before the object was whole", async () => {
      const [home, made] = smallRegistry();
      if (home === undefined || made === undefined) throw new Error("the registry is empty");
      const path = join(await testFolder(), name);
      const target = await createBundleTarget(path, OPTIONS);
      const ferry = ferryTo(target);
      await ferry.put(home);
      const cutOff = ferry.put(made, {
        files: async (send) => {
          await send({ path: "model/MLmodel" }, () => chunks("first"));
          throw new Error("cut off");
        },
      });
      await expect(cutOff).rejects.toThrow("cut off");
      await target.close();

      const resumed = await createBundleTarget(path, OPTIONS);
      const other = ferryTo(resumed);
      const half = await other.find(made);
      expect(half).toMatchObject({ ours: true, deleted: false });
      expect(half?.mark).toBeUndefined();
      expect((await half?.files?.())?.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([["model/MLmodel", 5]]);
      await expect(half?.read(never)).rejects.toMatchObject({ code: "INTERNAL" });
      await other.put(made, { files: (send) => send({ path: "notes.txt" }, () => chunks("second")) });
      await resumed.finish({ losses: [], notCarried: [] });
      const files = resumed.artifacts(made.entity as never, new AbortController().signal).list();
      const paths: string[] = [];
      for await (const file of files) paths.push(file.path);
      expect(paths).toEqual(["model/MLmodel", "notes.txt"]);
      await resumed.close();
    });
  });
}

describe("an unfinished folder", () => {
  it("is completed where a blob is torn, missing or has other bytes", async () => {
    const { path, expected, again } = await prepared("b");
    const blobs = "bundle/blobs/sha256";
    await again();
    for (const blob of await readdir(`${path}.partial/${blobs}`)) {
      const file = `${path}.partial/${blobs}/${blob}`;
      for (const harm of [() => rm(file), () => writeFile(file, "other bytes"), () => truncate(file, 0)]) {
        await again();
        if ((await stat(file)).size === 0) continue;
        await harm();
        expect((await complete(path)).length).toBeGreaterThan(0);
        await expectWhole(path, expected);
      }
    }
  });

  it("is completed after a crash before, during and after its sealing", async () => {
    const { path, expected, again } = await prepared("b");
    const finished = `${path}-finished`;
    await cp(path, finished, { recursive: true });
    await again();
    await rm(`${path}.partial/bundle`, { recursive: true });
    await cp(finished, `${path}.partial/bundle`, { recursive: true });
    expect(await complete(path)).toEqual([]);
    await expectWhole(path, expected);
  });
});

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
