// The fake open-source Unity Catalog held against the client that the real one serves: MLflow's own.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startFakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import { sourceBundle } from "./source.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mlferry-uc-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

it("MLflow's client registers, finds and loads models, and has no aliases, tags or stages there", async () => {
  await using fake = await startFakeUnityCatalog({ storage: { root: pathToFileURL(root).href }, schemas: ["main.ml"] });
  const seen = await runPython("unity_catalog_oss.py", ["registry", "--uri", `uc:${fake.url}`], {
    env: { HOME: root, MLFLOW_TRACKING_URI: `sqlite:///${root}/mlflow.db` },
  });
  expect(seen).toEqual({
    seen: {
      // Tags went along with both creates.
      model: ["who leaves", {}],
      version: [1, "READY", "the first", {}, ""],
      versions: [1, 2],
      models: ["main.ml.churn"],
      predicts: [[2], [4]],
    },
    refused: {
      alias: "not implemented",
      "model tag": "not implemented",
      "version tag": "not implemented",
      stage: "not implemented",
      latest: "not implemented",
      rename: "not implemented",
      twice: "ALREADY_EXISTS: Registered model already exists: main.ml.churn",
      "two levels": "ValueError: not enough values to unpack (expected 3, got 2)",
      "no schema": "SCHEMA_NOT_FOUND: Schema not found: main.nowhere",
      "no model": "NOT_FOUND: Registered model not found: main.ml.nobody",
    },
    removed: ["ABORTED: Unable to delete a registered model with existing model versions: churn", [2]],
  });
});

it("what mlferry places there MLflow's client loads, and it predicts as before", async () => {
  await using fake = await startFakeUnityCatalog({ storage: { root: pathToFileURL(root).href }, schemas: ["main.ml"] });
  await using place = await createWorkplace();
  const rule = `${pathToFileURL(root).href}=${root}`;
  const importing = ["import", await sourceBundle(), `uc:${fake.url}`, "--models", "many", "--to-schema", "main.ml", "--on-loss", "drop"];
  const { code, stderr } = await place.run([...importing, "--target-artifact-root", rule, "--quiet"]);
  expect(code, stderr).toBe(0);
  const uris = ["--model-uri", "models:/main.ml.many/1", "models:/main.ml.many/2"];
  const env = { HOME: root, MLFLOW_TRACKING_URI: `sqlite:///${root}/mlflow.db` };
  const predicted = await runPython("unity_catalog_oss.py", ["predict", "--uri", `uc:${fake.url}`, ...uris], { env });
  expect(predicted).toEqual({ "models:/main.ml.many/1": [3, 7], "models:/main.ml.many/2": [6, 14] });
});
