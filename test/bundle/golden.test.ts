// A bundle of format version 1 that was written once and is read for ever. Neither file is ever written again: when this test
// fails, the reader has changed what existing backups mean.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { checkBundle } from "../../src/adapters/bundle/check.ts";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { contentOf } from "./rig.ts";

const BUNDLE = fileURLToPath(new URL("../golden/bundle-v1.tar", import.meta.url));
const CONTENT = new URL("../golden/bundle-v1.json", import.meta.url);

it("the bundle of version 1 is the one that was written", async () => {
  expect(sha256(await readFile(BUNDLE))).toBe("bc5c447f8fb25ca0e002c72ec686fa531512d346c306b3b70a3ff18891c54ee6");
});

it("the bundle of version 1 reads as it did when it was written", async () => {
  const source = await openBundleSource(BUNDLE);
  const content = JSON.parse(JSON.stringify(await contentOf(source), readable)) as unknown;
  await source.close();
  expect(content).toEqual(JSON.parse(await readFile(CONTENT, "utf8")));
});

it("the bundle of version 1 has nothing wrong", async () => {
  const check = checkBundle(BUNDLE);
  for await (const problem of check) throw new Error(JSON.stringify(problem));
  expect(check.counts.entities).toEqual({ experiment: 3, run: 5, "logged-model": 1, "registered-model": 2, "model-version": 4, alias: 2 });
  expect(check.counts.losses).toBe(1);
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
