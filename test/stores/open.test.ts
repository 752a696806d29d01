// Which store a URI means, rules that lead elsewhere, folders of this machine, and packages that are not there.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStores, parseRootRule } from "../../src/stores/open.ts";
import { loadSdk } from "../../src/stores/sdk.ts";
import { partSizeFor } from "../../src/stores/settings.ts";

const signal = new AbortController().signal;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mlferry-stores-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("the store of a URI", () => {
  const stores = createStores({ settings: {} });

  it.each([
    ["s3://bucket/a/b/", "s3://bucket/a/b"],
    ["S3://bucket", "s3://bucket"],
    ["gs://bucket/a", "gs://bucket/a"],
    ["wasbs://box@account.blob.core.windows.net/a", "https://account.blob.core.windows.net/box/a"],
    ["abfss://box@account.dfs.core.usgovcloudapi.net/a", "https://account.blob.core.usgovcloudapi.net/box/a"],
  ])("of %s is %s", (uri, shown) => expect(stores.at(uri)?.uri).toBe(shown));

  it.each(["mlflow-artifacts:/1", "/tmp", "file:///tmp", "dbfs:/x", "hdfs://h/x", "relative", "wasbs://no-container/x", "s3://"])(
    "of %s is none: not even a path that happens to exist here",
    (uri) => expect(stores.at(uri)).toBeUndefined(),
  );
});

describe("a rule", () => {
  it("leads from a location to another, by whole parts of the path", () => {
    const stores = createStores({ settings: {}, rules: [parseRootRule("s3://old/path=gs://new", "--artifact-root")] });
    expect(stores.at("s3://old/path/1/run")?.uri).toBe("gs://new/1/run");
    expect(stores.at("s3://old/pathology/1")?.uri).toBe("s3://old/pathology/1");
  });

  it("leads from a server's path or file: URI to a folder, and never out of it", () => {
    const stores = createStores({ settings: {}, rules: [{ from: "/srv/mlruns", to: dir }] });
    expect(stores.at("/srv/mlruns/1/a")?.uri).toBe(`${dir}/1/a`);
    expect(stores.at("file:///srv/mlruns/1/a")?.uri).toBe(`${dir}/1/a`);
    expect(stores.at("/srv/mlruns/../../etc")).toBeUndefined();
  });

  it.each(["s3://a", "=b", "a=", "s3://a=hdfs://b", "s3://a=s3://", "s3://a=wasbs://no-container/x", "s3://a=file://other-host/x"])(
    "is not %s",
    (rule) => expect(() => parseRootRule(rule, "--artifact-root")).toThrow(/--artifact-root/),
  );
});

describe("a folder of this machine", () => {
  it("is written whole or not at all, and read as it is, links to files included", async () => {
    const root = join(dir, "local");
    await mkdir(root);
    const store = createStores({ settings: {}, rules: [{ from: "/srv", to: root }] }).at("/srv/run");
    const half = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new RangeError("broken");
    };
    await store?.write(
      "a/b#c",
      {
        open: async function* () {
          yield Buffer.from("12");
        },
      },
      signal,
    );
    await expect(store?.write("a/d", { open: half }, signal)).rejects.toThrow(RangeError);
    expect(await readdir(join(root, "run/a"))).toEqual(["b#c"]);
    expect(await readFile(join(root, "run/a/b#c"), "utf8")).toBe("12");
    await writeFile(join(root, "outside"), "345");
    await symlink(join(root, "outside"), join(root, "run/link"));
    await symlink(root, join(root, "run/loop"));
    const found = [];
    for await (const file of store?.list(signal) ?? []) found.push([file.path, file.sizeBytes, file.unreadable !== undefined]);
    expect(found).toEqual([
      ["a/b#c", 2, false],
      ["link", 3, false],
      ["loop", 0, true],
    ]);
  });

  it("that is not there is told, not taken for empty", async () => {
    const store = createStores({ settings: {}, rules: [{ from: "/srv", to: join(dir, "unmounted") }] }).at("/srv/run");
    await expect(store?.list(signal)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a package that is not installed", () => {
  it("is told with the line that installs it", async () => {
    const missing = Object.assign(new Error("Cannot find package 'x'"), { code: "ERR_MODULE_NOT_FOUND" });
    await expect(loadSdk("reading x", ["x", "y"], () => Promise.reject(missing))).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      hint: expect.stringContaining("npm install x y") as string,
    });
  });

  it("is not blamed for a defect in it", async () => {
    await expect(loadSdk("reading x", ["x"], () => Promise.reject(new SyntaxError("bad")))).rejects.toThrow(SyntaxError);
  });
});

it("parts grow with the file, so that there are never more than a store takes", () => {
  expect(partSizeFor(undefined, {})).toBe(8 * 1024 * 1024);
  expect(partSizeFor(1, { partBytes: 100 })).toBe(256 * 1024);
  const huge = 5 * 1024 ** 4;
  expect(huge / partSizeFor(huge, {})).toBeLessThanOrEqual(9000);
});
