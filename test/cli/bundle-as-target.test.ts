// A finished bundle as the place to compare with.
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import type { BundleSource } from "../../src/adapters/bundle/source.ts";
import { bundleAsTarget } from "../../src/cli/bundle-as-target.ts";
import type { Entity } from "../../src/model/entities.ts";
import { experiment } from "../contract/builders.ts";

const { signal } = new AbortController();
const context = { provenance: new Map<string, string>(), signal };
let bundle: BundleSource;
beforeEach(async () => {
  bundle = await openBundleSource(fileURLToPath(new URL("../golden/bundle-v1.tar", import.meta.url)));
});
afterEach(() => bundle.close());

async function entities(): Promise<Entity[]> {
  const all: Entity[] = [];
  for await (const entity of (await bundle.select({ includeDeleted: true }, signal)).entities(signal)) all.push(entity);
  return all;
}

test("finds every object under its own key, with its deleted state", async () => {
  const target = bundleAsTarget(bundle);
  const all = await entities();
  expect(all).toHaveLength(17);
  for (const entity of all) {
    const found = await target.find(entity, context);
    expect(found).toMatchObject({ key: entity.key, ours: true, deleted: "deleted" in entity && entity.deleted });
    expect(await found?.read(signal)).toEqual(entity);
  }
  expect(all.filter((entity) => "deleted" in entity && entity.deleted)).not.toEqual([]);
  expect(await target.find(experiment("nowhere").entity, context)).toBeUndefined();
});

test("reads no object before it is asked for", async () => {
  const [first] = await entities();
  if (first === undefined) throw new Error("the bundle is empty");
  const read: string[] = [];
  const counted: BundleSource = {
    ...bundle,
    select: () => Promise.reject(new Error("selected as a whole")),
    find(key) {
      const object = bundle.find(key);
      return object && { ...object, read: () => (read.push(key), object.read()) };
    },
  };
  const found = await bundleAsTarget(counted).find(first, context);
  expect(read).toEqual([]);
  await found?.read(signal);
  expect(read).toEqual([first.key]);
});

test("refuses to be written, with a hint", async () => {
  const [first] = await entities();
  if (first?.kind !== "experiment") throw new Error("the bundle does not begin with an experiment");
  const { key } = (await bundleAsTarget(bundle).find(first, context)) ?? {};
  if (key === undefined) throw new Error("not found");
  await expect(bundleAsTarget(bundle).remove(first, key, signal)).rejects.toMatchObject({
    code: "NOT_SUPPORTED",
    hint: expect.stringContaining("export into a new one") as string,
  });
});
