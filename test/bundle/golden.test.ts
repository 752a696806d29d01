// Bundles of every format version that were written once and are read for ever. None of these files is ever written again: when this
// test fails, the reader has changed what existing backups mean.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkBundle } from "../../src/adapters/bundle/check.ts";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { KINDS } from "../../src/model/entities.ts";
import { contentOf } from "./rig.ts";

const GOLDEN = [
  {
    version: 1,
    sha256: "bc5c447f8fb25ca0e002c72ec686fa531512d346c306b3b70a3ff18891c54ee6",
    entities: { experiment: 3, run: 5, "logged-model": 1, "registered-model": 2, "model-version": 4, alias: 2 },
  },
  {
    version: 2,
    sha256: "2e30a9966cd8c5f5db4de8128cf099b07223939667f6049f41a00dfc322d97a3",
    entities: { experiment: 2, run: 42, "logged-model": 1, "registered-model": 1, "model-version": 2, alias: 1 },
  },
  {
    version: 3,
    sha256: "dd73fc896f706417460fb3433f78e027d0539aa5fa342af816eb6f0273ea8214",
    entities: {
      experiment: 1,
      run: 2,
      "logged-model": 1,
      "registered-model": 2,
      "model-version": 3,
      "stage-transition": 2,
      comment: 21,
      "transition-request": 1,
      alias: 1,
      permission: 2,
      webhook: 2,
    },
  },
] as const;

describe.each(GOLDEN)("the bundle of version $version", ({ version, sha256: digest, entities }) => {
  const bundle = fileURLToPath(new URL(`../golden/bundle-v${version}.tar`, import.meta.url));

  it("is the one that was written", async () => {
    expect(sha256(await readFile(bundle))).toBe(digest);
  });

  it("reads as it did when it was written", async () => {
    const source = await openBundleSource(bundle);
    const content = JSON.parse(JSON.stringify(await contentOf(source), readable)) as unknown;
    await source.close();
    expect(content).toEqual(JSON.parse(await readFile(new URL(`../golden/bundle-v${version}.json`, import.meta.url), "utf8")));
  });

  it("has nothing wrong", async () => {
    const check = checkBundle(bundle);
    for await (const problem of check) throw new Error(JSON.stringify(problem));
    expect(check.counts.entities).toEqual({ ...Object.fromEntries(KINDS.map((kind) => [kind, 0])), ...entities });
    expect(check.counts.losses).toBe(1);
  });
});

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Values that JSON does not have, as text, and long texts shortened. */
function readable(this: unknown, _key: string, value: unknown): unknown {
  if (typeof value === "string" && value.length > 1000) return `${value.length} characters, sha256 ${sha256(value)}`;
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) return Object.is(value, -0) ? "-0" : String(value);
  return value;
}
