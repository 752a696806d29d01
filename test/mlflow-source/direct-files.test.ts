// Files that lie in a store: read there, through the server where the store does not give them, and why not when neither does.
import { describe, expect, it } from "vitest";
import { createDirectFiles, preferStore } from "../../src/adapters/mlflow/direct-files.ts";
import { MigrationError } from "../../src/errors.ts";
import type { ArtifactReader } from "../../src/ports/source.ts";
import { createFolderStore } from "../../src/stores/folder.ts";
import { createStores } from "../../src/stores/open.ts";
import { createFakeBucket, sdkError } from "../stores/fake-bucket.ts";
import type { Faults } from "../stores/fake-bucket.ts";

const signal = new AbortController().signal;
const REFUSED = sdkError({ name: "AccessDenied", $metadata: { httpStatusCode: 403 } });

/** The store holds `a` and `b#`, the server can give `a` alone. */
function readerOf(faults: Faults, served: ArtifactReader = server()): ArtifactReader {
  return preferStore(createFolderStore(createFakeBucket({ "root/a": "stored", "root/b#": "2" }, faults), "root", {}), served, signal);
}

function server(): ArtifactReader {
  return {
    async *list() {
      yield { path: "a", sizeBytes: 6 };
    },
    async *open() {
      yield Buffer.from("served");
    },
  };
}

function failing(message: string): ArtifactReader {
  const fail = (): AsyncIterable<never> => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new MigrationError("REQUEST_FAILED", message)) }),
  });
  return { list: fail, open: fail };
}

async function paths(reader: ArtifactReader): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of reader.list()) found.push(path);
  return found;
}

async function text(reader: ArtifactReader, path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader.open({ path })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("files in a store", () => {
  it("are listed and read there", async () => {
    const reader = readerOf({});
    expect(await paths(reader)).toEqual(["a", "b#"]);
    expect(await text(reader, "a")).toBe("stored");
  });

  it("come through the server where the store refuses the listing", async () => {
    const reader = readerOf({ list: REFUSED });
    expect(await paths(reader)).toEqual(["a"]);
    expect(await text(reader, "a")).toBe("served");
  });

  it("come through the server one by one where the store refuses one", async () => {
    const reader = readerOf({ reads: { 1: REFUSED } });
    await paths(reader);
    expect([await text(reader, "a"), await text(reader, "a")]).toEqual(["served", "stored"]);
  });

  it("that neither gives are told with both reasons", async () => {
    const reader = readerOf({ ready: sdkError({ name: "CredentialsProviderError" }) }, failing("the server has no credentials either"));
    await expect(paths(reader)).rejects.toMatchObject({
      code: "ARTIFACT_UNREADABLE",
      message: expect.stringMatching(
        /directly: .*no credentials were found.*through the server: the server has no credentials either/,
      ) as string,
      hint: "check the keys",
    });
  });

  it("are a matter of rights where the store says so", async () => {
    await expect(paths(readerOf({ list: REFUSED }, failing("no")))).rejects.toMatchObject({ code: "NOT_AUTHORISED", side: "source" });
  });

  it("are not given from two places in one", async () => {
    const broken = sdkError({ statusCode: 400 });
    const reader = readerOf({ reads: { 1: 3, 2: broken } });
    await expect(text(reader, "a")).rejects.toMatchObject({ code: "ARTIFACT_UNREADABLE" });
  });

  it("may have names that no proxy carries", () => {
    expect(readerOf({}).whyNotStorable?.("a#b%20c")).toBeUndefined();
    expect(readerOf({}).whyNotStorable?.("a\u0001")).toBeDefined();
  });
});

it("only places that can be reached directly are noted", () => {
  const direct = createDirectFiles(createStores({ settings: {} }));
  direct.note("a", "s3://bucket/1/a/artifacts");
  direct.note("b", "mlflow-artifacts:/1/b/artifacts");
  direct.note("c", "/srv/mlruns/1/c");
  expect(["a", "b", "c"].map((id) => direct.rootOf(id))).toEqual(["s3://bucket/1/a/artifacts", undefined, undefined]);
});
