// Contents are compressed where that pays, each by itself, and read back to the byte from wherever a reader begins.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createZstdCompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { spool, storedForm } from "../../src/adapters/bundle/spool.ts";
import { collect } from "../../src/adapters/bundle/store.ts";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import { decompressed } from "../../src/adapters/bundle/zstd.ts";
import { experiment, run, tags } from "../contract/builders.ts";
import type { Item } from "../contract/item.ts";
import { entitiesOf } from "../contract/reading.ts";
import { EVERYTHING, OPTIONS, contentOf, leaveUnfinished, never, smallRegistry, testFolder, writeBundle } from "./rig.ts";
import { readTar, sha256 } from "./tar-kit.ts";

/** Bytes that no compressor makes shorter, the same each time. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

const REPEATING = "a line that is there again and again\n".repeat(20_000);

function registryWith(files: Readonly<Record<string, string | Uint8Array>>): readonly Item[] {
  const home = experiment("home");
  return [home, run("first", home, {}, { files })];
}

async function membersOf(
  path: string,
): Promise<Map<string, { stored: number; size: number; sha256: string; frames?: [number, number][] }>> {
  const manifest = (await readTar(path)).find(({ name }) => name === "manifest.json")?.bytes.toString() ?? "{}";
  const { members } = JSON.parse(manifest) as { members: { name: string; stored: number; size: number; sha256: string }[] };
  return new Map(members.map(({ name, ...member }) => [name, member]));
}

describe("a content", () => {
  it("is compressed where it becomes smaller by a tenth, and stored as it is otherwise", async () => {
    const path = join(await testFolder(), "b.tar");
    const files = {
      long: REPEATING,
      text: REPEATING.slice(0, 5000),
      small: "tiny ".repeat(100),
      noise: noise(400_000),
      short: noise(5000),
    };
    await writeBundle(path, registryWith(files));
    const members = await membersOf(path);
    const forms = Object.values(files).map((file) => [`blobs/sha256/${sha256(Buffer.from(file))}`, Buffer.from(file).length] as const);
    const [long, text, small, random, short] = forms.map(([name, size]) => {
      const [raw, compressed] = [members.get(name), members.get(`${name}.zst`)];
      expect(raw ?? compressed).toMatchObject({ size });
      return raw === undefined ? "compressed" : raw.stored === size && compressed === undefined ? "raw" : "wrong";
    });
    expect({ long, text, small, random, short }).toEqual({
      long: "compressed",
      text: "compressed",
      small: "raw",
      random: "raw",
      short: "raw",
    });
  });

  it("is one frame that any decoder reads, and the manifest has its digest and both sizes", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path);
    const members = await membersOf(path);
    let seen = 0;
    for (const { name, bytes } of await readTar(path)) {
      const member = members.get(name);
      if (!name.endsWith(".zst") || member === undefined) continue;
      const content = zstdDecompressSync(bytes);
      expect({ stored: bytes.length, size: content.length, sha256: sha256(content) }, name).toMatchObject({
        stored: member.stored,
        size: member.size,
        sha256: member.sha256,
      });
      seen++;
    }
    expect(seen).toBe(3);
  });

  it("has the same compressed bytes however it arrives in pieces", async () => {
    const folder = await testFolder();
    const content = Buffer.from(REPEATING);
    const forms: string[] = [];
    for (const size of [1000, 65_536, 262_144, 262_145, content.length]) {
      const spooled = await spool(inOneBuffer(pieces(content, size), size), { folder, compression: "auto" });
      expect(spooled).toMatchObject({ isCompressed: true, sizeBytes: content.length, sha256: sha256(content) });
      forms.push(sha256(await collect(storedForm(spooled))));
    }
    expect(new Set(forms).size).toBe(1);
  });

  it("is read from any offset, compressed or not, in a tar and in a folder", async () => {
    const folder = await testFolder();
    for (const name of ["b.tar", "b"]) {
      await writeBundle(join(folder, name), registryWith({ long: REPEATING, noise: noise(400_000) }));
      const source = await openBundleSource(join(folder, name));
      const [first] = (await entitiesOf(await source.select(EVERYTHING, never))).filter(({ kind }) => kind === "run");
      const reader = source.artifacts(first as never, never);
      for await (const file of reader.list()) {
        const whole = await collect(reader.open(file));
        for (const offset of [0, 1, 300_000, whole.length - 1, whole.length]) {
          expect(Buffer.compare(await collect(reader.open(file, { offset })), whole.subarray(offset)), `${file.path} at ${offset}`).toBe(0);
        }
      }
      await source.close();
    }
  });

  it("is never compressed when that is asked for, and reads the same", async () => {
    const folder = await testFolder();
    const contents: unknown[] = [];
    for (const compression of ["none", "auto"] as const) {
      const path = join(folder, `${compression}.tar`);
      await writeBundle(path, smallRegistry(), { compression });
      expect([...(await membersOf(path)).keys()].some((name) => name.endsWith(".zst"))).toBe(compression === "auto");
      const source = await openBundleSource(path);
      contents.push(await contentOf(source));
      await source.close();
    }
    expect(contents[1]).toEqual(contents[0]);
  });
});

describe("lines", () => {
  const home = experiment("home");
  const many = Array.from({ length: 300 }, (_, index) => run(`run ${index}`, home, { tags: tags({ text: `${index} `.repeat(900) }) }));

  it("are compressed in frames, of which only those in question are read", async () => {
    const folder = await testFolder();
    await writeBundle(join(folder, "b.tar"), [home, ...many]);
    const members = await membersOf(join(folder, "b.tar"));
    const frames = members.get("entities/run.jsonl.zst")?.frames ?? [];
    expect(frames.length).toBeGreaterThan(2);
    expect(Math.max(...frames.map(([, size]) => size))).toBeLessThan(300_000);
    await writeBundle(join(folder, "raw.tar"), [home, ...many], { compression: "none" });
    const [source, raw] = [await openBundleSource(join(folder, "b.tar")), await openBundleSource(join(folder, "raw.tar"))];
    for (const { entity } of [...many].reverse()) expect(await source.find(entity.key)?.read()).toEqual(await raw.find(entity.key)?.read());
    expect(await contentOf(source)).toEqual(await contentOf(raw));
    await source.close();
    await raw.close();
  });

  it("read in parallel share the decompressing", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path, [home, ...many]);
    const source = await openBundleSource(path);
    const read = await Promise.all(many.map(async ({ entity }) => source.find(entity.key)?.read()));
    expect(read.map((entity) => entity?.key)).toEqual(many.map(({ entity }) => entity.key));
    await source.close();
  });
});

describe("a frame", () => {
  it("that asks its reader to keep more than 8 MiB is refused", async () => {
    const frame = createZstdCompress({ params: { 101: 27 } });
    frame.end(Buffer.alloc(20_000_000));
    const bytes = await collect(frame as AsyncIterable<Buffer>);
    const reading = collect(decompressed(pieces(bytes, bytes.length), { stored: bytes.length, size: 20_000_000 }));
    await expect(reading).rejects.toThrow("is not compressed as it is said to be");
  });

  it("that holds more than was said gives no byte more", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(100_000_000));
    let given = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of decompressed(pieces(bomb, 1000), { stored: bomb.length, size: 1_000_000 })) given += chunk.length;
    };
    await expect(reading()).rejects.toThrow("holds more than the 1000000 bytes that it is said to hold");
    expect(given).toBeLessThanOrEqual(1_000_000);
  });

  it("is not taken for damaged where it is the disk that fails", async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield zstdCompressSync(Buffer.alloc(1000)).subarray(0, 5);
      throw Object.assign(new Error("read"), { code: "EIO", syscall: "read" });
    };
    await expect(collect(decompressed(failing(), { stored: 20, size: 1000 }))).rejects.toMatchObject({ code: "EIO" });
  });
});

describe("a bundle of an older format", () => {
  const older = (text: string): string => text.replace('"version": 3', '"version": 2');

  it("is not continued while it is unfinished, and says who can", async () => {
    const path = join(await testFolder(), "b");
    await leaveUnfinished(path);
    const header = `${path}.partial/bundle/header.json`;
    await writeFile(header, older(await readFile(header, "utf8")));
    await expect(createBundleTarget(path, OPTIONS)).rejects.toMatchObject({
      code: "OUTPUT_EXISTS",
      message: `${path}.partial holds an unfinished bundle of format 2, which this mlferry reads and does not continue`,
      hint: expect.stringContaining(OPTIONS.tool) as unknown,
    });
  });
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** As a producer may do: what was given is overwritten when the next is asked for. */
async function* inOneBuffer(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(size);
  for await (const chunk of chunks) {
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.length);
  }
}
