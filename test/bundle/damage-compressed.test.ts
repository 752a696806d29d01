// A compressed member that is altered, cut, lengthened or made up is refused, with its name, and never gives more than it was said to hold.
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { checkBundle } from "../../src/adapters/bundle/check.ts";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { asMigrationError } from "../../src/errors.ts";
import { kindsIn } from "../../src/adapters/bundle/layout.ts";
import type { MigrationError } from "../../src/errors.ts";
import { contentOf, testFolder, writeBundle } from "./rig.ts";
import { readTar, sealed, writeTar } from "./tar-kit.ts";
import type { Part } from "./tar-kit.ts";

interface Member {
  name: string;
  stored: number;
  size: number;
  frames?: [number, number][];
}

type Change = (bytes: Buffer, member: Member) => Buffer;

const LINES = "entities/run.jsonl.zst";

async function readingError(path: string): Promise<MigrationError | undefined> {
  try {
    const source = await openBundleSource(path);
    await contentOf(source).finally(() => source.close());
    return undefined;
  } catch (error) {
    return asMigrationError(error);
  }
}

async function problemsOf(path: string): Promise<string[]> {
  const problems: string[] = [];
  for await (const { member, problem } of checkBundle(path)) problems.push(`${member}: ${problem}`);
  return problems;
}

/** A bundle of which one compressed member was changed, and the manifest with it, so that only the change itself tells. */
async function changed(pick: (name: string) => boolean, change: Change): Promise<{ path: string; name: string }> {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path);
  const parts = await readTar(path);
  const name = parts.map((part) => part.name).find((each) => each.endsWith(".zst") && pick(each)) ?? "";
  await writeTar(path, withMember(parts, name, change));
  return { path, name };
}

function withMember(parts: readonly Part[], name: string, change: Change): Part[] {
  const manifest = JSON.parse(parts.at(-1)?.bytes.toString() ?? "{}") as { members: Member[] };
  const member = manifest.members.find((each) => each.name === name);
  if (member === undefined) throw new Error(`no member ${name}`);
  const named = parts.map((part) => {
    if (part.name !== name) return part;
    const bytes = change(part.bytes, member);
    member.stored = bytes.length;
    if (member.frames?.length === 1) member.frames = [[bytes.length, member.size]];
    return { ...part, name: member.name, bytes };
  });
  return [...named.slice(0, -1), { name: "manifest.json", bytes: Buffer.from(sealed(JSON.stringify(manifest))) }];
}

const isBlob = (name: string): boolean => name.startsWith("blobs/");
const isLines = (name: string): boolean => name === LINES;

const flippedAt =
  (part: number): Change =>
  (bytes) => {
    const copy = Buffer.from(bytes);
    const at = Math.floor((copy.length - 1) * part);
    copy[at] = (copy[at] ?? 0) ^ 0x10;
    return copy;
  };

const HARM: Readonly<Record<string, Change>> = {
  "one altered bit in its middle": flippedAt(0.5),
  "one altered bit in its last byte": flippedAt(1),
  "an altered beginning": flippedAt(0),
  "its end cut off": (bytes) => bytes.subarray(0, -1),
  "its second half cut off": (bytes) => bytes.subarray(0, bytes.length >> 1),
  "bytes after its end": (bytes) => Buffer.concat([bytes, Buffer.from("more")]),
  "a second frame after its end": (bytes) => Buffer.concat([bytes, zstdCompressSync(Buffer.from("more"))]),
  "a frame that is skipped after its end": (bytes) => Buffer.concat([bytes, Buffer.from("502a4d1804000000", "hex"), Buffer.from("more")]),
  "no bytes": () => Buffer.alloc(0),
  "another content": (_bytes, { size }) => zstdCompressSync(Buffer.alloc(size, 10)),
  "a content that is a byte short": (_bytes, { size }) => zstdCompressSync(Buffer.alloc(size - 1, 10)),
  "a content of a gigabyte": () => zstdCompressSync(Buffer.alloc(2 ** 30, 10)),
};

describe("a compressed blob", () => {
  for (const [what, harm] of Object.entries(HARM)) {
    it(`with ${what} is one file that cannot be read`, async () => {
      const { path, name } = await changed(isBlob, harm);
      expect(await readingError(path)).toMatchObject({ code: "ARTIFACT_CORRUPT", message: expect.stringContaining(name) as unknown });
      expect(await problemsOf(path)).toEqual([expect.stringContaining(name)]);
    });
  }

  it("whose size the manifest gives otherwise than its line is told", async () => {
    const { path, name } = await changed(isBlob, (bytes, member) => {
      member.size++;
      return bytes;
    });
    expect(await problemsOf(path)).toEqual([
      expect.stringMatching(new RegExp(`^${name}: has \\d+ bytes instead of the \\d+ that a line says`)),
    ]);
  });

  it("that is there uncompressed too is refused", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path);
    const parts = await readTar(path);
    const at = parts.findIndex(({ name }) => isBlob(name) && name.endsWith(".zst"));
    const twin = { name: parts[at]?.name.slice(0, -4) ?? "", bytes: Buffer.from("twin") };
    const manifest = JSON.parse(parts.at(-1)?.bytes.toString() ?? "{}") as { members: (Member & { sha256: string })[] };
    manifest.members.push({ name: twin.name, stored: 4, size: 4, sha256: twin.name.slice(-64) });
    const told = { name: "manifest.json", bytes: Buffer.from(sealed(JSON.stringify(manifest))) };
    await writeTar(path, [...parts.slice(0, at), twin, ...parts.slice(at, -1), told]);
    expect(await readingError(path)).toMatchObject({ code: "BUNDLE_DAMAGED", message: expect.stringContaining("twice") as unknown });
    expect((await problemsOf(path)).join()).toContain("twice");
  });
});

describe("compressed lines", () => {
  for (const [what, harm] of Object.entries(HARM)) {
    if (what === "no bytes") continue;
    it(`with ${what} are refused at opening`, async () => {
      const { path } = await changed(isLines, harm);
      expect(await readingError(path)).toMatchObject({ code: "BUNDLE_DAMAGED", message: expect.stringContaining(LINES) as unknown });
      expect((await problemsOf(path)).some((problem) => problem.startsWith(LINES))).toBe(true);
    });
  }

  const lies: Readonly<Record<string, (member: Member) => void>> = {
    "that do not add up": (member) => (member.frames = [[member.stored, member.size - 1]]),
    "that are missing": (member) => delete member.frames,
    "that are larger than any reader takes": (member) => {
      member.size = 2 ** 33;
      member.frames = [[member.stored, 2 ** 33]];
    },
  };
  for (const [what, lie] of Object.entries(lies)) {
    it(`of which the manifest names frames ${what} are refused`, async () => {
      const path = join(await testFolder(), "b.tar");
      await writeBundle(path);
      const parts = await readTar(path);
      const manifest = JSON.parse(parts.at(-1)?.bytes.toString() ?? "{}") as { members: Member[] };
      const member = manifest.members.find(({ name }) => name === LINES);
      if (member === undefined) throw new Error("the lines are not compressed");
      lie(member);
      await writeTar(path, [...parts.slice(0, -1), { name: "manifest.json", bytes: Buffer.from(sealed(JSON.stringify(manifest))) }]);
      expect(await readingError(path)).toMatchObject({ code: "BUNDLE_DAMAGED", message: expect.stringContaining("frame") as unknown });
      expect(await problemsOf(path)).toEqual([expect.stringContaining("frame")]);
    });
  }

  it("with a frame that ends within a line are refused", async () => {
    const { path } = await changed(isLines, (_bytes, { size }) => zstdCompressSync(Buffer.alloc(size, 32)));
    expect((await readingError(path))?.message).toContain("a frame that ends within a line");
  });
});

it("nothing else may be compressed", async () => {
  for (const name of ["header.json.zst", "manifest.json.zst", "blobs/sha256.zst"]) {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path);
    const parts = await readTar(path);
    await writeTar(path, [...parts.slice(0, 1), { name, bytes: zstdCompressSync(Buffer.from("{}")) }, ...parts.slice(1)]);
    expect(await readingError(path), name).toMatchObject({ code: "BUNDLE_DAMAGED" });
  }
});

it("a bundle of version 1 may have no compressed member", async () => {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path);
  const older = (await readTar(path)).map((part) =>
    part.name === "header.json" ? { ...part, bytes: Buffer.from(part.bytes.toString().replace('"version": 3', '"version": 1')) } : part,
  );
  const manifest = JSON.parse(older.at(-1)?.bytes.toString() ?? "{}") as {
    members: { name: string; size: number; sha256: string }[];
    counts: Record<string, number>;
  };
  const counts = Object.fromEntries(kindsIn(1).map((kind) => [kind, manifest.counts[kind]]));
  const members = manifest.members.map(({ name, sha256 }) => ({
    name,
    size: older.find((part) => part.name === name)?.bytes.length ?? 0,
    sha256,
  }));
  const text = sealed(JSON.stringify({ ...manifest, version: 1, counts, members, sha256: "" }));
  await writeTar(path, [...older.slice(0, -1), { name: "manifest.json", bytes: Buffer.from(text) }]);
  const expected = {
    code: "BUNDLE_DAMAGED",
    message: expect.stringMatching(/manifest\.json: names ".*\.zst", which no bundle holds/) as unknown,
  };
  expect(await readingError(path)).toMatchObject(expected);
});
