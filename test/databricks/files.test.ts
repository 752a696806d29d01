// Files of a workspace in every way that leads to them, and what happens when a way is closed, a URL expires or an answer is lost.
import { describe, expect, it } from "vitest";
import type { DatabricksOptions } from "../../src/adapters/databricks/connect.ts";
import type { Run } from "../../src/model/entities.ts";
import type { ArtifactReader } from "../../src/ports/source.ts";
import { experiment, run } from "../contract/builders.ts";
import type { Item } from "../contract/item.ts";
import type { Rules } from "../fakes/databricks/rules.ts";
import { never, openSource, openWorkspace } from "./place.ts";
import type { Workspace } from "./place.ts";

const MANY = "0123456789".repeat(10);
const FILES = { empty: "", "model/MLmodel": "flavors: {}", "sub/größe 100% #1.txt": "x", big: MANY };
/** Parts are tiny, so that a small file takes many. */
const TINY: Partial<DatabricksOptions> = { files: { partBytes: 7 } };

/** A run with files in a workspace with these rules. */
async function withFiles(
  rules: Partial<Rules>,
  more: Partial<DatabricksOptions> = TINY,
): Promise<{ workspace: Workspace; made: Item<Run> }> {
  const workspace = await openWorkspace({ rules }, more);
  const home = experiment("files");
  const made = run("files", home, {}, { files: FILES });
  await workspace.ferry.put(home);
  await workspace.ferry.put(made);
  return { workspace, made };
}

async function texts(reader: ArtifactReader): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const file of reader.list()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of reader.open(file)) chunks.push(chunk);
    found[file.path] = Buffer.concat(chunks).toString();
  }
  return found;
}

async function readBack({ workspace, made }: Awaited<ReturnType<typeof withFiles>>): Promise<Record<string, string>> {
  const source = await openSource(workspace.fake);
  try {
    return await texts(
      source.artifacts(
        workspace.ferry.expected({ ...made.entity, key: workspace.ferry.placedKey(made.entity.key) ?? made.entity.key }),
        never,
      ),
    );
  } finally {
    await source.close();
  }
}

const KINDS = ["AWS_PRESIGNED_URL", "GCP_SIGNED_URL", "AZURE_SAS_URI", "AZURE_ADLS_GEN2_SAS_URI"] as const;

describe("files of a run", () => {
  it("go by the Files API where it is open, without a single signed URL", async () => {
    const place = await withFiles({});
    await using workspace = place.workspace;
    expect(await readBack(place)).toEqual(FILES);
    expect(workspace.fake.requests.filter((route) => /credentials-for|signed/.test(route))).toEqual([]);
  });

  for (const signedUrls of KINDS) {
    it(`go by signed URLs where it is closed: ${signedUrls}`, async () => {
      const place = await withFiles({ runsFilesApi: false, signedUrls });
      await using workspace = place.workspace;
      expect(await readBack(place)).toEqual(FILES);
      // It is asked once in each direction, and by each process.
      expect(workspace.fake.requests.filter((route) => /fs\/(files|directories)/.test(route)).length).toBeLessThanOrEqual(6);
    });

    it(`go by URLs that are asked for anew whenever one has expired: ${signedUrls}`, async () => {
      const place = await withFiles({ runsFilesApi: false, signedUrls, signedUrlUses: 1 });
      await using _workspace = place.workspace;
      expect(await readBack(place)).toEqual(FILES);
    });
  }

  it("are unreadable, one by one, where no URL is ever good", async () => {
    const place = await withFiles({});
    await using workspace = place.workspace;
    Object.assign(workspace.fake.state.rules, { runsFilesApi: false, signedUrlUses: 0 });
    await expect(readBack(place)).rejects.toMatchObject({ code: "ARTIFACT_UNREADABLE" });
  });

  it("survive lost answers of the Files API and of a store", async () => {
    for (const rules of [{}, { runsFilesApi: false }]) {
      const workspace = await openWorkspace({ rules }, TINY);
      workspace.fake.lose(/fs\/files|\/signed\//, "before", "after");
      const home = experiment("lossy");
      const made = run("lossy", home, {}, { files: FILES });
      await workspace.ferry.put(home);
      await workspace.ferry.put(made);
      expect(await readBack({ workspace, made })).toEqual(FILES);
      await workspace[Symbol.asyncDispose]();
    }
  });
});

describe("large files of a run", () => {
  const large: Partial<DatabricksOptions> = { files: { partBytes: 7, multipartBytes: 50 } };

  it("go up in parts where the store is S3, and come down whole", async () => {
    const place = await withFiles({ runsFilesApi: false }, large);
    await using workspace = place.workspace;
    expect(await readBack(place)).toEqual(FILES);
    expect(workspace.fake.requests.filter((route) => /multipart-upload/.test(route))).toEqual([
      "POST /api/2.0/mlflow/artifacts/create-multipart-upload",
      "POST /api/2.0/mlflow/artifacts/complete-multipart-upload",
    ]);
  });

  it("get a fresh URL for a part whose first one has expired", async () => {
    const place = await withFiles({ runsFilesApi: false, partUrlUses: 0 }, large);
    await using workspace = place.workspace;
    expect(await readBack(place)).toEqual(FILES);
    expect(workspace.fake.requests.filter((route) => /get-presigned-upload-part-url/.test(route))).toHaveLength(Math.ceil(MANY.length / 7));
  });

  it("are given up where a part is refused for good", async () => {
    await using workspace = await openWorkspace({ rules: { runsFilesApi: false } }, large);
    const home = experiment("given-up");
    const made = run("given-up", home, {}, { files: { big: MANY } });
    await workspace.ferry.put(home);
    Object.assign(workspace.fake.state.rules, { partUrlUses: 0, signedUrlUses: 0 });
    await expect(workspace.ferry.put(made)).rejects.toMatchObject({ request: { status: 403 } });
    expect(workspace.fake.requests.filter((route) => route.startsWith("DELETE /signed/"))).toHaveLength(1);
  });
});
