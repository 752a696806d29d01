// What a bundle looks like from outside: names, modes, bytes, and who may write it.
import { chmod, lstat, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { extract } from "tar";
import { describe, expect, it } from "vitest";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import { provenanceDigest } from "../../src/model/keys.ts";
import type { OriginId } from "../../src/model/entities.ts";
import { EVERYTHING, OPTIONS, ORIGIN, contentOf, ferryTo, leaveUnfinished, never, smallRegistry, testFolder, writeBundle } from "./rig.ts";
import { readTar } from "./tar-kit.ts";

describe("a written bundle", () => {
  it("has the same bytes when the same is written again", async () => {
    const folder = await testFolder();
    await writeBundle(join(folder, "one.tar"));
    await writeBundle(join(folder, "two.tar"));
    expect(Buffer.compare(await readFile(join(folder, "one.tar")), await readFile(join(folder, "two.tar")))).toBe(0);
  });

  it("is the same as tar, as folder, and as a tar that was unpacked", async () => {
    const folder = await testFolder();
    await writeBundle(join(folder, "b.tar"));
    await writeBundle(join(folder, "b"));
    await mkdir(join(folder, "unpacked"));
    await extract({ file: join(folder, "b.tar"), cwd: join(folder, "unpacked") });
    const contents: unknown[] = [];
    for (const name of ["b.tar", "b", "unpacked"]) {
      const source = await openBundleSource(join(folder, name));
      contents.push(await contentOf(source));
      await source.close();
    }
    expect(contents[1]).toEqual(contents[0]);
    expect(contents[2]).toEqual(contents[0]);
    for (const { name, bytes } of await readTar(join(folder, "b.tar"))) {
      if (name !== "manifest.json") expect(Buffer.compare(await readFile(join(folder, "b", name)), bytes), name).toBe(0);
    }
  });

  it("can be read by its owner only, and says nothing of when or where it was written", async () => {
    const folder = await testFolder();
    await writeBundle(join(folder, "b.tar"));
    await writeBundle(join(folder, "b"));
    for (const name of await readdir(join(folder, "b"), { recursive: true })) {
      const { mode } = await lstat(join(folder, "b", name));
      expect((mode & 0o777).toString(8), name).toBe((await stat(join(folder, "b", name))).isDirectory() ? "700" : "600");
    }
    expect(((await lstat(join(folder, "b.tar"))).mode & 0o777).toString(8)).toBe("600");
    const bytes = await readFile(join(folder, "b.tar"));
    expect(bytes.subarray(100, 108).toString("latin1")).toBe("000600 \0");
    expect(parseInt(bytes.subarray(136, 147).toString(), 8)).toBe(0);
  });

  it("stores equal contents once", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path, smallRegistry(), { compression: "none" });
    const names = (await readTar(path)).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const records =
      (await readTar(path))
        .find(({ name }) => name === "entities/run.jsonl")
        ?.bytes.toString()
        .trim()
        .split("\n") ?? [];
    const digests = records.flatMap((line) => (JSON.parse(line) as { files: { path: string; sha256: string }[] }).files);
    const of = (path: string): string | undefined => digests.find((file) => file.path === path)?.sha256;
    expect(of("copy.txt")).toBe(of("notes.txt"));
  });

  it("is named after the registry that it holds, so that provenance is the same as for a straight copy", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path);
    const source = await openBundleSource(path);
    expect(source.origin).toBe(ORIGIN);
    const [first] = (await source.select(EVERYTHING, never)).experiments;
    const [home] = smallRegistry();
    if (first === undefined || home === undefined) throw new Error("no experiment");
    expect(provenanceDigest(source.origin, first.key, "home")).toBe(provenanceDigest(ORIGIN, home.entity.key, "home"));
    await source.close();
  });

  it("tells again what was lost when it was written, for what is selected", async () => {
    const path = join(await testFolder(), "b.tar");
    const items = smallRegistry();
    const [home, made] = items;
    const model = items.find(({ entity }) => entity.kind === "registered-model");
    if (home === undefined || made === undefined || model === undefined) throw new Error("the registry is empty");
    const target = await createBundleTarget(path, OPTIONS);
    await ferryTo(target).putAll(items);
    const losses = [made.entity.key, model.entity.key, "run:never came"].map((key) => ({ key, field: "files/a", reason: "unreadable" }));
    const notCarried = [{ what: "traces", count: 3, where: "home" }];
    await target.finish({ losses, notCarried });
    await target.close();
    const source = await openBundleSource(path);
    const all = await source.select(EVERYTHING, never);
    expect(all.losses).toEqual(losses);
    expect(all.notCarried).toEqual(notCarried);
    const some = await source.select({ experiments: ["home"], includeDeleted: true }, never);
    expect(some.losses).toEqual([losses[0], losses[2]]);
    await source.close();
  });

  it("has no credentials in its header", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path, [], { source: { uri: "https://ada:secret@example.org/mlflow", origin: ORIGIN } });
    expect((await readFile(path)).includes("secret")).toBe(false);
  });

  it("keeps a file that could not be read as such, and the rest of the run", async () => {
    const path = join(await testFolder(), "b.tar");
    const [home, made] = smallRegistry();
    if (home === undefined || made === undefined) throw new Error("the registry is empty");
    const target = await createBundleTarget(path, { ...OPTIONS, compression: "none" });
    const ferry = ferryTo(target);
    await ferry.put(home);
    await ferry.put(made, {
      files: async (send) => {
        await send({ path: "good" }, () => chunks("good"));
        await expect(send({ path: "short", sizeBytes: 10 }, () => chunks("short"))).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
        await expect(send({ path: "../up" }, () => chunks("up"))).rejects.toMatchObject({ code: "NAME_ILLEGAL" });
      },
    });
    await target.finish({ losses: [], notCarried: [] });
    await target.close();
    const line = (await readTar(path)).find(({ name }) => name === "entities/run.jsonl")?.bytes.toString() ?? "";
    expect(JSON.parse(line)).toMatchObject({ files: [{ path: "good" }], unreadable: [{ path: "short", code: "ARTIFACT_CORRUPT" }] });
  });
});

describe("the place of a bundle", () => {
  for (const name of ["b.tar", "b"]) {
    it(`is not taken twice (${name}), unless it is forced, and the old one stays until then`, async () => {
      const path = join(await testFolder(), name);
      await writeBundle(path, smallRegistry().slice(0, 1));
      await expect(createBundleTarget(path, OPTIONS)).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
      const target = await createBundleTarget(path, { ...OPTIONS, force: true });
      await ferryTo(target).putAll(smallRegistry());
      const before = await openBundleSource(path);
      expect((await before.select(EVERYTHING, never)).expected).toEqual({ experiment: 1 });
      await before.close();
      await target.finish({ losses: [], notCarried: [] });
      await target.close();
      const after = await openBundleSource(path);
      expect((await after.select(EVERYTHING, never)).expected).toMatchObject({ experiment: 1, run: 2 });
      await after.close();
      expect(await readdir(join(path, ".."))).toEqual([name]);
    });

    it(`is not written by two at once (${name})`, async () => {
      const path = join(await testFolder(), name);
      const first = await createBundleTarget(path, OPTIONS);
      const late = await createBundleTarget(path, OPTIONS);
      await ferryTo(first).putAll(smallRegistry().slice(0, 1));
      const taken = { code: "OUTPUT_EXISTS", message: expect.stringContaining(`process ${process.pid}`) as unknown };
      await expect(createBundleTarget(path, OPTIONS)).rejects.toMatchObject(taken);
      await expect(ferryTo(late).putAll(smallRegistry().slice(0, 1))).rejects.toMatchObject(taken);
      await late.close();
      await first.close();
      await (await createBundleTarget(path, OPTIONS)).close();
    });
  }

  for (const name of ["b.tar", "b"]) {
    it(`is untouched until something is written (${name})`, async () => {
      const folder = await testFolder();
      const target = await createBundleTarget(join(folder, "new", name), OPTIONS);
      const [home] = smallRegistry();
      if (home === undefined) throw new Error("the registry is empty");
      expect(await ferryTo(target).find(home)).toBeUndefined();
      expect((await target.select(EVERYTHING, never)).expected).toEqual({});
      await target.close();
      expect(await readdir(folder)).toEqual([]);
    });

    it(`is not taken from one who finished in the meantime (${name})`, async () => {
      const path = join(await testFolder(), name);
      const late = await createBundleTarget(path, OPTIONS);
      await writeBundle(path);
      await expect(ferryTo(late).putAll(smallRegistry())).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
      await expect(late.finish({ losses: [], notCarried: [] })).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
      await late.close();
      expect(await readdir(join(path, ".."))).toEqual([name]);
    });

    it(`may be finished without an object (${name})`, async () => {
      const path = join(await testFolder(), name);
      await writeBundle(path, []);
      expect(await readdir(join(path, ".."))).toEqual([name]);
    });
  }

  it("is taken over from a process that is gone, not from one on another machine", async () => {
    const path = join(await testFolder(), "b.tar");
    await leaveUnfinished(path);
    const lock = (holder: object): Promise<void> => writeFile(`${path}.partial/lock`, JSON.stringify(holder));
    await lock({ pid: 2 ** 22 + 1, host: hostname(), started: 1 });
    await (await createBundleTarget(path, OPTIONS)).close();
    await lock({ pid: process.pid, host: hostname(), started: 1 });
    await (await createBundleTarget(path, OPTIONS)).close();
    await lock({ pid: 1, host: `not ${hostname()}`, started: 1 });
    await expect(createBundleTarget(path, OPTIONS)).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
  });

  it("is not given to another registry or selection while it is unfinished", async () => {
    const path = join(await testFolder(), "b.tar");
    await leaveUnfinished(path);
    const others = [{ selection: { models: ["x"] } }, { source: { uri: "http://other", origin: "00ff" as OriginId } }];
    for (const other of others) {
      await expect(createBundleTarget(path, { ...OPTIONS, ...other })).rejects.toMatchObject({
        code: "OUTPUT_EXISTS",
        hint: expect.stringContaining(`${path}.partial`) as unknown,
      });
    }
    await (await createBundleTarget(path, { ...OPTIONS, tool: "mlferry/99" })).close();
  });

  it("is never a folder that is no bundle, even when forced", async () => {
    const folder = await testFolder();
    await mkdir(join(folder, "precious"));
    await writeFile(join(folder, "precious", "thesis.tex"), "years of work");
    await expect(createBundleTarget(join(folder, "precious"), { ...OPTIONS, force: true })).rejects.toMatchObject({
      code: "OUTPUT_EXISTS",
    });
    await mkdir(join(folder, "x.tar.partial"));
    await writeFile(join(folder, "x.tar.partial", "thesis.tex"), "years of work");
    await expect(createBundleTarget(join(folder, "x.tar"), OPTIONS)).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
    expect(await readFile(join(folder, "x.tar.partial", "thesis.tex"), "utf8")).toBe("years of work");
  });

  it("may be an empty folder, and one that is not there yet", async () => {
    const folder = await testFolder();
    await mkdir(join(folder, "empty"));
    await writeBundle(join(folder, "empty"));
    await writeBundle(join(folder, "new", "deep", "b.tar"));
    expect(await readdir(join(folder, "new", "deep"))).toEqual(["b.tar"]);
  });

  it("has to be writable", async () => {
    const folder = await testFolder();
    await writeFile(join(folder, "file"), "");
    await chmod(join(folder, "file"), 0o600);
    await expect(createBundleTarget(join(folder, "file", "b.tar"), OPTIONS)).rejects.toMatchObject({ code: "DISK" });
  });
});

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
