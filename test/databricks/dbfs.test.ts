// Files that an experiment keeps at a path of DBFS: read and written in blocks, whole or not at all.
import { describe, expect, it } from "vitest";
import { dbfsPath } from "../../src/adapters/databricks/dbfs.ts";
import type { ArtifactFile } from "../../src/ports/source.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import { ask, connect, never, openSource } from "./place.ts";

const BLOCK = 1024 * 1024;
const ROOT = "dbfs:/mnt/team files/runs";

async function send(fake: FakeDatabricks, path: string, bytes: Buffer, sizeBytes = bytes.length): Promise<void> {
  const { files, http } = await connect(fake);
  const file: ArtifactFile = { path, sizeBytes };
  try {
    await files.sender(ROOT, never)(file, async function* () {
      yield* [bytes.subarray(0, 1000), bytes.subarray(1000)];
    });
  } finally {
    await http.close();
  }
}

const held = (fake: FakeDatabricks, path: string): Buffer | undefined => fake.state.files.get(`/dbfs/mnt/team files/runs/${path}`);
const bytesOf = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) % 256));
const calls = (fake: FakeDatabricks): string[] =>
  fake.requests.filter((route) => route.includes("/dbfs/")).map((route) => route.split("/").at(-1) ?? "");

describe("a path of DBFS", () => {
  it("is what lies neither in a volume nor where the workspace lets nobody in by DBFS", () => {
    expect(dbfsPath("dbfs:/mnt/a//b c/")).toBe("/mnt/a/b c");
    expect(dbfsPath("dbfs://prod@databricks/mnt/a")).toBe("/mnt/a");
    expect(dbfsPath("dbfs:/databricks/mlflow/7")).toBe("/databricks/mlflow/7");
    for (const uri of [
      "dbfs:/Volumes/main/ml/f",
      "dbfs:/databricks/mlflow-tracking/1/tr-2",
      "dbfs:/databricks/mlflow-registry/1",
      "s3://b/a",
      "dbfs:/",
    ])
      expect(dbfsPath(uri), uri).toBeUndefined();
  });

  it("holds the files of runs whose experiment says so", async () => {
    await using fake = await startFakeDatabricks();
    const { experiment_id } = (await ask(fake, "POST", "/api/2.0/mlflow/experiments/create", {
      name: "/Shared/d",
      artifact_location: ROOT,
    })) as { experiment_id: string };
    for (const run_name of ["with files", "without"]) await ask(fake, "POST", "/api/2.0/mlflow/runs/create", { experiment_id, run_name });
    const [id = ""] = fake.state.runs.keys();
    await send(fake, `${id}/artifacts/model/weights`, bytesOf(BLOCK + 5));
    await send(fake, `${id}/artifacts/note.txt`, Buffer.from("x"));
    const source = await openSource(fake);
    const found: Record<string, Record<string, Buffer>> = {};
    for await (const entity of (await source.select({ includeDeleted: false }, never)).entities(never)) {
      if (entity.kind !== "run") continue;
      const reader = source.artifacts(entity, never);
      const files: Record<string, Buffer> = (found[entity.name] = {});
      for await (const file of reader.list()) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of reader.open(file, { offset: file.path === "note.txt" ? 0 : 3 })) chunks.push(chunk);
        files[file.path] = Buffer.concat(chunks);
      }
    }
    await source.close();
    expect(found["without"]).toEqual({});
    expect(found["with files"]?.["note.txt"]?.toString()).toBe("x");
    expect(found["with files"]?.["model/weights"]?.equals(bytesOf(BLOCK + 5).subarray(3))).toBe(true);
  });
});

describe("writing to DBFS", () => {
  for (const [size, expected] of [
    [1, ["put"]],
    [BLOCK * 0.75, ["put"]],
    [0, ["create", "close", "get-status"]],
    [BLOCK * 0.75 + 1, ["create", "add-block", "close", "get-status"]],
    [BLOCK * 2, ["create", "add-block", "add-block", "close", "get-status"]],
  ] as const) {
    it(`sends ${String(size)} bytes as ${expected.join(", ")}`, async () => {
      await using fake = await startFakeDatabricks();
      await send(fake, "f", bytesOf(size));
      expect(held(fake, "f")?.equals(bytesOf(size))).toBe(true);
      expect(calls(fake)).toEqual(expected);
    });
  }

  for (const route of ["create", "add-block", "close"])
    for (const when of ["before", "after"] as const) {
      it(`begins the file anew where the answer to ${route} is lost ${when} it took effect`, async () => {
        await using fake = await startFakeDatabricks();
        fake.lose(new RegExp(`dbfs/${route}$`), when);
        await send(fake, "f", bytesOf(BLOCK * 2 + 9));
        expect(held(fake, "f")?.equals(bytesOf(BLOCK * 2 + 9))).toBe(true);
        expect(calls(fake).filter((call) => call === "create")).toHaveLength(2);
      });
    }

  it("leaves nothing where the file cannot be read to its end, and tells that", async () => {
    await using fake = await startFakeDatabricks();
    await expect(send(fake, "f", bytesOf(BLOCK * 2), BLOCK * 3)).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
    expect(held(fake, "f")).toBeUndefined();
  });

  it("gives a file up after four lost streams, without half of it", async () => {
    await using fake = await startFakeDatabricks();
    fake.lose(/add-block$/, "after", "after", "after", "after");
    await expect(send(fake, "f", bytesOf(BLOCK * 2))).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(held(fake, "f")).toBeUndefined();
  });
});
