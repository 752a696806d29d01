// What is cut short, altered or made up is refused, with the name of the member.
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HeaderData } from "tar";
import { describe, expect, it } from "vitest";
import { checkBundle } from "../../src/adapters/bundle/check.ts";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { KINDS } from "../../src/model/entities.ts";
import { asMigrationError } from "../../src/errors.ts";
import type { MigrationError } from "../../src/errors.ts";
import { contentOf, smallRegistry, testFolder, writeBundle } from "./rig.ts";
import { readTar, replaced, sealed, withTrueManifest, writeTar } from "./tar-kit.ts";
import type { Part } from "./tar-kit.ts";

const ENTITIES = KINDS.map((kind) => `entities/${kind}.jsonl`);

/** Opens and reads everything; gives the error that ended it. */
async function readingError(path: string): Promise<MigrationError | undefined> {
  try {
    const source = await openBundleSource(path);
    try {
      await contentOf(source);
    } finally {
      await source.close();
    }
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

/** A bundle without compression whose parts went through `change`. */
async function changed(change: (parts: Part[]) => readonly Part[]): Promise<string> {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path, smallRegistry(), { compression: "none" });
  await writeTar(path, change(await readTar(path)));
  return path;
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x01;
  return copy;
};

it("reads a bundle that was only taken apart and put together", async () => {
  const path = await changed((parts) => parts);
  expect(await readingError(path)).toBeUndefined();
  expect(await problemsOf(path)).toEqual([]);
});

describe("one altered byte", () => {
  for (const name of ["header.json", "manifest.json", ...ENTITIES]) {
    it(`in ${name} is noticed at opening`, async () => {
      const path = await changed((parts) => replaced(parts, name, (bytes) => flipped(bytes, bytes.length >> 1)));
      const error = await readingError(path);
      expect(error).toMatchObject({ code: "BUNDLE_DAMAGED" });
      expect(error?.message).toContain(name);
      expect((await problemsOf(path)).some((problem) => problem.startsWith(name))).toBe(true);
    });
  }

  it("in any blob is noticed when it is read, and names the blob", async () => {
    const folder = await testFolder();
    const path = join(folder, "b.tar");
    await writeBundle(path);
    const parts = await readTar(path);
    const blobs = parts.filter(({ name, bytes }) => name.startsWith("blobs/") && bytes.length > 0);
    expect(blobs.length).toBeGreaterThan(4);
    for (const { name } of blobs) {
      await writeTar(
        path,
        replaced(parts, name, (bytes) => flipped(bytes, bytes.length - 1)),
      );
      const error = await readingError(path);
      expect(error?.code).toBe("ARTIFACT_CORRUPT");
      expect(error?.message).toContain(name);
      expect(await problemsOf(path)).toEqual([expect.stringContaining(name)]);
    }
  });

  it("in any tar header is noticed at opening", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path);
    const whole = await readFile(path);
    const parts = await readTar(path);
    let header = 0;
    for (const { name, bytes } of parts) {
      // Of the fields that a header has here: the name, the size, the checksum and the type.
      for (const at of [0, 130, 150, 156]) {
        await writeFile(path, flipped(whole, header + at));
        expect((await readingError(path))?.code, `byte ${at} of the header of ${name}`).toBe("BUNDLE_DAMAGED");
      }
      header += 512 + Math.ceil(bytes.length / 512) * 512;
    }
  });
});

it("refuses a tar that is cut at any length", async () => {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path);
  const whole = await readFile(path);
  const lengths = [
    0,
    1,
    511,
    512,
    513,
    1024,
    5000,
    whole.length >> 1,
    whole.length - 2048,
    whole.length - 1025,
    whole.length - 1024,
    whole.length - 512,
    whole.length - 1,
  ];
  for (const length of lengths) {
    await writeFile(path, whole.subarray(0, length));
    expect((await readingError(path))?.code, `${length} of ${whole.length} bytes`).toBe("BUNDLE_DAMAGED");
  }
});

it("reads a tar that another tool padded to its record size", async () => {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path);
  await writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(9 * 512)]));
  expect(await readingError(path)).toBeUndefined();
});

describe("a made-up tar", () => {
  const evil = Buffer.from("evil");
  const inserted: Readonly<Record<string, { name: string; header?: Partial<HeaderData> }>> = {
    "an absolute path": { name: "/etc/passwd" },
    "a path that leaves the folder": { name: "blobs/../../evil" },
    "an unknown name": { name: "README.md" },
    "a blob whose name is no digest": { name: `blobs/sha256/${"A".repeat(64)}` },
    "a symbolic link": { name: `blobs/sha256/${"a".repeat(64)}`, header: { type: "SymbolicLink", linkpath: "/etc/passwd", size: 0 } },
    "a hard link": { name: `blobs/sha256/${"a".repeat(64)}`, header: { type: "Link", linkpath: "header.json", size: 0 } },
    "a folder": { name: "blobs/", header: { type: "Directory", size: 0 } },
    "an extended header": { name: "PaxHeader/x", header: { type: "ExtendedHeader" } },
    "a device": { name: `blobs/sha256/${"a".repeat(64)}`, header: { type: "CharacterDevice", size: 0 } },
  };
  for (const [what, { name, header }] of Object.entries(inserted)) {
    it(`with ${what} is refused`, async () => {
      const bytes = header?.size === 0 ? Buffer.alloc(0) : evil;
      const path = await changed((parts) => [
        ...parts.slice(0, 1),
        { name, bytes, ...(header === undefined ? {} : { header }) },
        ...parts.slice(1),
      ]);
      expect(await readingError(path)).toMatchObject({ code: "BUNDLE_DAMAGED" });
      expect(await problemsOf(path)).not.toEqual([]);
    });
  }

  it("with a member that is there twice is refused", async () => {
    for (const twice of ["header.json", "entities/run.jsonl", "blobs"]) {
      const path = await changed((parts) => [
        ...parts.slice(0, -1),
        ...parts.filter(({ name }) => name.startsWith(twice)).slice(0, 1),
        ...parts.slice(-1),
      ]);
      expect((await readingError(path))?.message).toContain("twice");
    }
  });

  it("whose header claims a huge size is refused without reading it", async () => {
    const path = await changed((parts) =>
      parts.map((part) => (part.name === "entities/run.jsonl" ? { ...part, header: { size: 2 ** 50 } } : part)),
    );
    expect(await readingError(path)).toMatchObject({
      code: "BUNDLE_DAMAGED",
      message: expect.stringContaining("entities/run.jsonl") as unknown,
    });
  });

  it("with counts that are not true is refused", async () => {
    const path = await changed((parts) =>
      replaced(parts, "manifest.json", (bytes) => sealed(bytes.toString().replace('"run": 2', '"run": 1'))),
    );
    expect((await readingError(path))?.message).toContain("has 2 lines instead of 1");
  });

  it("with a member that the manifest does not name is refused", async () => {
    const blob = `blobs/sha256/${"a".repeat(64)}`;
    const path = await changed((parts) => [...parts.slice(0, 1), { name: blob, bytes: evil }, ...parts.slice(1)]);
    expect((await readingError(path))?.message).toContain(`${blob}: is not in the manifest`);
  });

  it("with something after its manifest is refused", async () => {
    const path = await changed((parts) => [...parts, { name: `blobs/sha256/${"a".repeat(64)}`, bytes: evil }]);
    expect((await readingError(path))?.message).toContain("manifest.json");
  });

  it("with the header elsewhere than first is refused", async () => {
    const path = await changed(([header, ...rest]) => [...rest.slice(0, 1), ...(header === undefined ? [] : [header]), ...rest.slice(1)]);
    expect((await readingError(path))?.message).toContain("is not the first member");
  });

  it("whose records are not what the schema says is refused, and says which line", async () => {
    const changes: Readonly<Record<string, (line: string) => string>> = {
      "an unknown field": (line) => line.replace('"entity":{', '"entity":{"surprise":1,'),
      "a key of another kind": (line) => line.replace('"key":"run:', '"key":"alias:'),
      "a file path that leaves the folder": (line) => line.replace('"path":"copy.txt"', '"path":"../copy.txt"'),
      "a number that is none": (line) => line.replace(/"startTime":"\d+"/, '"startTime":"1e9"'),
      "a file that is there twice": (line) => line.replace('"path":"empty"', '"path":"copy.txt"'),
      "a tag that is there twice": (line) => line.replace('"params":[', '"params":[["a","1"],["a","2"]'),
      "no JSON": () => "{",
    };
    for (const [what, change] of Object.entries(changes)) {
      const path = await changed((parts) =>
        withTrueManifest(
          replaced(parts, "entities/run.jsonl", (bytes) => {
            const [first = "", second = ""] = bytes.toString().split("\n");
            expect(change(second), what).not.toBe(second);
            return `${first}\n${change(second)}\n`;
          }),
        ),
      );
      expect((await readingError(path))?.message, what).toContain("entities/run.jsonl: line 2");
    }
  });

  it("with a line that never ends is refused", async () => {
    const path = await changed((parts) => withTrueManifest(replaced(parts, "entities/run.jsonl", (bytes) => bytes.subarray(0, -1))));
    expect((await readingError(path))?.message).toContain("the last line has no end");
  });

  it("with a file of another size than its blob is one unreadable file", async () => {
    const path = await changed((parts) =>
      withTrueManifest(
        replaced(parts, "entities/run.jsonl", (bytes) => bytes.toString().replace('"copy.txt","size":5', '"copy.txt","size":6')),
      ),
    );
    expect((await readingError(path))?.code).toBe("ARTIFACT_CORRUPT");
  });
});

describe("a newer bundle", () => {
  it("is refused, and says what reads it", async () => {
    const path = await changed((parts) =>
      replaced(parts, "header.json", () => JSON.stringify({ format: "mlferry-bundle", version: 4, tool: "mlferry/9.1.0", news: true })),
    );
    const error = await readingError(path);
    expect(error).toMatchObject({ code: "BUNDLE_TOO_NEW", hint: expect.stringContaining("mlferry/9.1.0") as unknown });
    await expect(problemsOf(path)).rejects.toMatchObject({ code: "BUNDLE_TOO_NEW" });
  });
});

describe("what is no bundle", () => {
  it("is said to be none", async () => {
    const folder = await testFolder();
    const path = join(folder, "x.tar");
    await writeFile(path, "just text ".repeat(200));
    await mkdir(join(folder, "empty"));
    await writeTar(join(folder, "other.tar"), [{ name: "README.md", bytes: Buffer.from("hello") }]);
    for (const other of [path, join(folder, "empty"), join(folder, "other.tar")]) {
      expect(await readingError(other), other).toMatchObject({
        code: "BUNDLE_DAMAGED",
        message: expect.stringContaining("is not a bundle") as unknown,
      });
    }
    expect(await readingError(join(folder, "nothing"))).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a folder", () => {
  it("with a link, a stranger or a missing blob is refused", async () => {
    const changes: Readonly<Record<string, (path: string) => Promise<void>>> = {
      "a link": (path) => symlink("/etc/passwd", join(path, "blobs/sha256", "a".repeat(64))),
      "a stranger": (path) => writeFile(join(path, "notes.txt"), "x"),
      "a longer member": (path) => writeFile(join(path, "entities/alias.jsonl"), "\n", { flag: "a" }),
    };
    for (const [what, change] of Object.entries(changes)) {
      const path = join(await testFolder(), "b");
      await writeBundle(path);
      await change(path);
      expect((await readingError(path))?.code, what).toBe("BUNDLE_DAMAGED");
      expect(await problemsOf(path), what).not.toEqual([]);
    }
  });
});
