// A folder in a bucket, whichever cloud's: names, sizes, cut connections.
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createFolderStore } from "../../src/stores/folder.ts";
import type { Store, StoredFile } from "../../src/stores/store.ts";
import { createFakeBucket, sdkError } from "./fake-bucket.ts";
import type { Faults } from "./fake-bucket.ts";

const signal = new AbortController().signal;

function open(
  files: Readonly<Record<string, string>>,
  faults: Faults = {},
  path = "root",
): { store: Store; reads: number[]; objects: Map<string, Buffer> } {
  const bucket = createFakeBucket(files, faults);
  return { store: createFolderStore(bucket, path, { timeoutMs: 1000 }), reads: bucket.reads, objects: bucket.objects };
}

async function listed(store: Store): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for await (const file of store.list(signal)) found.push(file);
  return found;
}

async function text(store: Store, path: string, offset = 0): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(path, offset, signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function write(store: Store, path: string, content: string, sizeBytes = content.length): Promise<void> {
  return store.write(path, { sizeBytes, open: () => bytesOf(content) }, signal);
}

async function* bytesOf(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

describe("a listing", () => {
  it("gives every file below the folder, and neither its neighbours nor marks of folders", async () => {
    const { store } = open({ "root/a": "1", "root/b/c": "22", "root/b/": "", "root2/d": "3", root: "4" });
    expect(await listed(store)).toEqual([
      { path: "a", sizeBytes: 1 },
      { path: "b/c", sizeBytes: 2 },
    ]);
  });

  it("gives a file that the location itself names, which can be read under its last part", async () => {
    const { store } = open({ "a/model": "1234", "a/model-2": "no" }, {}, "a/model");
    expect(await listed(store)).toEqual([{ path: "model", sizeBytes: 4 }]);
    expect(await text(store, "model")).toBe("1234");
  });

  it("names what no other place could hold", async () => {
    const { store } = open({ "root/a//b": "1", "root/../c": "2", "root/d#e%20f": "3" });
    expect((await listed(store)).map(({ path, unreadable }) => [path, unreadable !== undefined])).toEqual([
      ["../c", true],
      ["a//b", true],
      ["d#e%20f", false],
    ]);
  });

  it.each([
    [
      "refused credentials",
      { list: sdkError({ name: "AccessDenied", $metadata: { httpStatusCode: 403 } }) },
      "NOT_AUTHORISED",
      "s3://bucket: 403 AccessDenied",
    ],
    ["no credentials", { ready: sdkError({ name: "CredentialsProviderError" }) }, "NOT_AUTHORISED", "no credentials were found"],
    ["no bucket", { list: sdkError({ name: "NoSuchBucket", $metadata: { httpStatusCode: 404 } }) }, "NOT_FOUND", "no such bucket"],
    ["no network", { list: sdkError({ code: "ENOTFOUND" }) }, "SERVER_UNREACHABLE", "ENOTFOUND"],
    ["a store in trouble", { list: sdkError({ statusCode: 503, code: "ServerBusy" }) }, "REQUEST_FAILED", "503 ServerBusy"],
  ])("tells of %s", async (_what, faults, code, words) => {
    await expect(listed(open({}, faults).store)).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
  });

  it("takes no defect for the store's word", async () => {
    await expect(listed(open({}, { list: new TypeError("x is not a function") }).store)).rejects.toMatchObject({ code: "INTERNAL" });
  });
});

describe("reading", () => {
  const files = { "root/a": "0123456789" };

  it("begins at an offset, and gives nothing at the end", async () => {
    const { store } = open(files);
    expect(await text(store, "a", 7)).toBe("789");
    expect(await text(store, "a", 10)).toBe("");
  });

  it("goes on where the connection was cut", async () => {
    const { store, reads } = open(files, { reads: { 1: 3, 2: sdkError({ statusCode: 503 }), 3: 4 } });
    expect(await text(store, "a")).toBe("0123456789");
    expect(reads).toEqual([0, 3, 3, 7]);
  });

  it("gives up when no attempt gains a byte", async () => {
    const reset = sdkError({ code: "ECONNRESET" });
    const { store, reads } = open(files, { reads: { 1: 3, 2: reset, 3: reset, 4: reset, 5: reset, 6: reset } });
    await expect(text(store, "a")).rejects.toMatchObject({ code: "REQUEST_FAILED" });
    expect(reads).toEqual([0, 3, 3, 3, 3, 3]);
  }, 30_000);

  it("does not join two states of a file", async () => {
    const { store, objects } = open(files, { reads: { 1: 3 } });
    const reading = store.read("a", 0, signal)[Symbol.asyncIterator]();
    for (let count = 0; count < 3; count += 1) await reading.next();
    objects.set("root/a", Buffer.from("9876543210"));
    await expect(reading.next()).rejects.toMatchObject({
      code: "ARTIFACT_UNREADABLE",
      message: expect.stringContaining("changed") as string,
    });
  });

  it("of what is not there fails at once", async () => {
    const { store, reads } = open(files);
    await expect(text(store, "b")).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(reads).toEqual([0]);
  });
});

describe("writing", () => {
  it("puts the bytes under the name as it is", async () => {
    const { store, objects } = open({});
    await write(store, "d/a#b%20c", "12");
    expect([...objects]).toEqual([["root/d/a#b%20c", Buffer.from("12")]]);
  });

  it.each(["../a", "a//b", "a\u0000", "", "x".repeat(1025)])("refuses %j", async (path) => {
    await expect(write(open({}).store, path, "1")).rejects.toMatchObject({ code: "NAME_ILLEGAL" });
  });

  it.each([
    ["fewer", 5],
    ["more", 3],
  ])("of %s bytes than were told leaves nothing", async (_what, sizeBytes) => {
    const { store, objects } = open({});
    await expect(write(store, "a", "1234", sizeBytes)).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
    expect(objects.size).toBe(0);
  });

  it("passes on what broke the body, whatever the store says of it", async () => {
    const put: Faults["put"] = async ({ bytes }) => {
      try {
        for await (const _ of bytes);
      } catch {
        throw sdkError({ name: "AbortError" });
      }
    };
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("1");
      throw new RangeError("from the source");
    };
    const store = open({}, { put }).store;
    await expect(store.write("a", { open: broken }, signal)).rejects.toThrow(RangeError);
  });

  it("that the store refuses half-way is told in the store's words, not as an interruption", async () => {
    const put: Faults["put"] = async ({ bytes }) => {
      for await (const _ of Readable.from(bytes)) break;
      throw sdkError({ name: "NoSuchBucket", $metadata: { httpStatusCode: 404 } });
    };
    const store = open({}, { put }).store;
    const long = async function* (): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 100; count += 1) yield Buffer.alloc(10);
    };
    await expect(store.write("a", { open: long }, signal)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("ends when the store takes nothing more", async () => {
    const put: Faults["put"] = (_sent, stop) =>
      new Promise((_resolve, reject) => stop.addEventListener("abort", () => reject(sdkError({ name: "AbortError" }, "aborted"))));
    const store = createFolderStore(createFakeBucket({}, { put }), "root", { timeoutMs: 20 });
    await expect(write(store, "a", "1")).rejects.toMatchObject({
      code: "REQUEST_FAILED",
      message: expect.stringContaining("nothing more") as string,
    });
  });

  it("ends at an interruption", async () => {
    const stop = new AbortController();
    const put: Faults["put"] = (_sent, aborted) =>
      new Promise((_resolve, reject) => {
        aborted.addEventListener("abort", () => reject(sdkError({ name: "AbortError" })));
        stop.abort();
      });
    const store = open({}, { put }).store;
    await expect(store.write("a", { open: () => bytesOf("1") }, stop.signal)).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});
