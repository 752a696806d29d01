// Where the files of a version lie, by what its source says and by what exists.
import { describe, expect, it } from "vitest";
import type { ModelVersion } from "../../src/model/entities.ts";
import type { Content, Json } from "../fakes/readable-mlflow.ts";
import { experimentJson, hexId, loggedModelJson, modelId, modelJson, open, runJson, shown, versionJson } from "./registry.ts";

const R = hexId("run");
const M = modelId("lm");

const registry: Content = {
  experiments: [experimentJson("1", "one"), experimentJson("2", "models")],
  runs: [
    runJson("run", { made: ["first", "older twin", "twin"] }),
    runJson("deleted", { deleted: true }),
    runJson("local", { root: "/data/models/1/local/artifacts" }),
    runJson("uri", { root: "file:///data/as uri/1/uri/artifacts" }),
    runJson("s3", { root: `s3://models/artifacts/1/${hexId("s3")}/artifacts` }),
  ],
  loggedModels: [
    loggedModelJson("lm", { experiment: "2" }),
    loggedModelJson("first", { sourceRun: "run" }),
    { info: { ...loggedModelJson("older twin", { sourceRun: "run", created: 1 }).info, name: "twin" } },
    loggedModelJson("twin", { sourceRun: "run", created: 2 }),
  ],
};

async function versionFrom(source: string, more: Json = {}, content: Content = {}): Promise<ModelVersion> {
  const versions = [...(content.versions ?? []), versionJson("v", 1, source, { creation_timestamp: 50, ...more })];
  const models = [...(content.models ?? []), modelJson("v")];
  const place = open({ ...registry, ...content, models, versions });
  try {
    const version = await place.entity("model-version:v/1");
    if (version.kind !== "model-version") throw new Error("not a version");
    return version;
  } finally {
    await place.source.close();
  }
}

async function filesFrom(...args: Parameters<typeof versionFrom>): Promise<string> {
  const { files } = await versionFrom(...args);
  if (files.owner === "own") return "own";
  return files.owner === "version" ? shown(files.key) : `${shown(files.key)} ${JSON.stringify(files.path)}`;
}

describe("the files of a version", () => {
  const cases: Readonly<Record<string, readonly [source: string, runId: string, files: string]>> = {
    "below a run": [`runs:/${R}/model`, R, 'run:run "model"'],
    "the whole run": [`runs:/${R}/`, R, 'run:run ""'],
    "deep below a run, in other letters": [`runs:/${R}/a b/größe/model+1`, R, 'run:run "a b/größe/model+1"'],
    "below a run, written carelessly": [`runs:/${R}/./a//b/`, R, 'run:run "a/b"'],
    "below a run that is deleted": [`runs:/${hexId("deleted")}/model`, hexId("deleted"), 'run:deleted "model"'],
    "below a run that is purged": [`runs:/${hexId("purged")}/model`, hexId("purged"), "own"],
    "of another run than the version's": [`runs:/${hexId("deleted")}/model`, R, 'run:deleted "model"'],
    "in the artifact root of a run": [`mlflow-artifacts:/1/${R}/artifacts/model`, R, 'run:run "model"'],
    "the artifact root of a run": [`mlflow-artifacts:/1/${R}/artifacts`, R, 'run:run ""'],
    "beside a run, with its path as a beginning": [`mlflow-artifacts:/1/${R}/artifacts-old/model`, R, "own"],
    "at a path of the server": ["/data/models/1/local/artifacts/model", hexId("local"), 'run:local "model"'],
    "at a path of the server, as a URI": ["file:///data/models/1/local/artifacts/model", hexId("local"), 'run:local "model"'],
    "at a URI whose run has a plain path": ["/data/as uri/1/uri/artifacts/m", hexId("uri"), 'run:uri "m"'],
    "in a bucket called models": [`s3://models/artifacts/1/${hexId("s3")}/artifacts/models`, hexId("s3"), 'run:s3 "models"'],
    "in a bucket that no run knows": ["s3://models/artifacts/model", "", "own"],
    "a logged model": [`models:/${M}`, "", 'logged-model:lm ""'],
    "a logged model that is gone": [`models:/${modelId("gone")}`, "", "own"],
    "below the root of a logged model": [`mlflow-artifacts:/2/models/${M}/artifacts/part`, "", 'logged-model:lm "part"'],
    "a logged model by its run and name": [`runs:/${R}/first`, R, 'logged-model:first ""'],
    "the newest logged model of a name": [`runs:/${R}/twin/data`, R, 'logged-model:twin "data"'],
  };
  for (const [what, [source, runId, files]] of Object.entries(cases)) {
    it(`are ${what}`, async () => expect(await filesFrom(source, { run_id: runId })).toBe(files));
  }
});

describe("the run of a version", () => {
  it("is named and needed while it exists, deleted or not", async () => {
    const version = await versionFrom("s3://bucket/x", { run_id: hexId("deleted") });
    expect(shown(String(version.run))).toBe("run:deleted");
    expect(version.needs.map(shown)).toEqual(["registered-model:v", "run:deleted"]);
  });

  it("is left out when it is purged, while the source still tells", async () => {
    const version = await versionFrom(`runs:/${hexId("purged")}/model`, { run_id: hexId("purged") });
    expect(version).not.toHaveProperty("run");
    expect(version.sourceUri).toBe(`runs:/${hexId("purged")}/model`);
  });
});

describe("a promoted version", () => {
  const dev = { models: [modelJson("dev")], versions: [versionJson("dev", 3, `runs:/${R}/model`, { run_id: R, creation_timestamp: 10 })] };

  it("shares the files of the version it came from, and comes after it", async () => {
    expect(await filesFrom("models:/dev/3", { run_id: R }, dev)).toBe("model-version:dev/3");
    const place = open({
      ...registry,
      models: [modelJson("a"), ...dev.models],
      versions: [versionJson("a", 1, "models:/dev/3", { run_id: R }), ...dev.versions].map((v) => ({ ...v, creation_timestamp: 5 })),
    });
    const keys = await place.keys();
    expect(keys.indexOf("model-version:a/1")).toBeGreaterThan(keys.indexOf("model-version:dev/3"));
    await place.source.close();
  });

  it("has the files where they lie when the other one is not selected, is renamed or deleted", async () => {
    expect(await filesFrom("models:/before the rename/1", { run_id: R }, { locations: { "v/1": `runs:/${R}/model` } })).toBe(
      'run:run "model"',
    );
  });

  it("is not taken for a copy of what got the other one's name later", async () => {
    const locations = { "v/1": `runs:/${R}/model` };
    const later = { ...dev, versions: dev.versions.map((version) => ({ ...version, creation_timestamp: 99 })), locations };
    expect(await filesFrom("models:/dev/3", { run_id: R }, later)).toBe('run:run "model"');
    expect(await filesFrom("models:/dev/3", { run_id: hexId("local") }, { ...dev, locations })).toBe('run:run "model"');
  });
});
