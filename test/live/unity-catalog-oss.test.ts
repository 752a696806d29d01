// The fake open-source Unity Catalog held against the client that the real one serves: MLflow's own.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startFakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import type { Proxy } from "./proxy.ts";
import { startMlflow } from "./servers.ts";
import { expectSourceUntouched, source, sourceBundle } from "./source.ts";

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

/** Some versions lie in runs, some in logged models, some were promoted from others. */
const MODELS = ["many", "promoted", "from logged models"];

function copying(uc: string, tracking: string): string[] {
  const names = MODELS.flatMap((model) => ["--models", model, "--rename-model", `${model}=main.ml.${model.replaceAll(" ", "_")}`]);
  const rule = ["--target-artifact-root", `${pathToFileURL(root).href}=${root}`];
  return ["copy", source().url, `uc:${uc}`, "--to-tracking", tracking, ...names, ...rule, "--on-loss", "drop"];
}

/** Runs it and kills it when the first server is asked for the n-th time; all of them end what they have begun. */
async function killedAt(request: number, servers: readonly [Proxy, ...Proxy[]], place: Workplace, args: string[]): Promise<void> {
  const [first] = servers;
  let kill = (): void => undefined;
  first.behave(({ number }) => {
    if (number === request) kill();
    return "pass";
  });
  const { code, stderr } = await place.run(args, { onStart: (child) => (kill = () => void child.kill("SIGKILL")) });
  expect(code, stderr).toBeNull();
  await Promise.all(servers.map((server) => server.idle()));
  first.behave(() => "pass");
}

it("paired with a real server, runs go there and versions name them; killed and resumed, it is whole and there once", async () => {
  await using fake = await startFakeUnityCatalog({ storage: { root: pathToFileURL(root).href }, schemas: ["main.ml"] });
  await using server = await startMlflow({ name: "paired" });
  await using tracking = await startProxy(server.url);
  await using catalog = await startProxy(fake.url);
  await using place = await createWorkplace();
  const args = copying(catalog.url, tracking.url);
  await killedAt(60, [tracking, catalog], place, [...args, "--quiet"]);
  await killedAt(40, [catalog, tracking], place, ["resume", "--quiet"]);
  const resumed = await place.job(["resume"]);
  expect(
    resumed.report.outcomes.filter(({ state }) => state === "failed" || state === "blocked"),
    resumed.told,
  ).toEqual([]);
  expect(resumed.code, resumed.told).toBe(0);
  const versions = [...fake.state.models].flatMap(([name, model]) =>
    [...model.versions.values()].map(({ version, status, runId }) => ({ uri: `models:/${name}/${String(version)}`, status, runId })),
  );
  expect(versions.length).toBeGreaterThan(10);
  expect(versions.filter(({ status }) => status !== "READY")).toEqual([]);
  const [, ...of] = args;
  const compared = await place.verify(["verify", ...of.filter((word) => !["--on-loss", "drop"].includes(word)), "--level", "bytes"]);
  expect(
    compared.report.findings.filter(({ agreed }) => !agreed),
    compared.stderr,
  ).toEqual([]);
  expect(compared.code, compared.stderr).toBe(0);
  const before = { state: await server.storedState(), requests: fake.requests.length };
  const again = await place.run([...args, "--quiet"]);
  expect(again.code, again.stderr).toBe(0);
  expect(await server.storedState()).toBe(before.state);
  expect(fake.requests.slice(before.requests).filter((route) => !route.startsWith("GET "))).toEqual([]);
  const uris = ["--model-uri", "models:/main.ml.many/1", "models:/main.ml.promoted/1", "models:/main.ml.from_logged_models/1"];
  const env = { HOME: root, MLFLOW_TRACKING_URI: server.url };
  const runs = await runPython("unity_catalog_oss.py", ["runs", "--uri", `uc:${fake.url}`, ...uris], { env });
  const predicted = await runPython("unity_catalog_oss.py", ["predict", "--uri", `uc:${fake.url}`, ...uris], { env });
  expect(predicted).toMatchObject({ "models:/main.ml.many/1": [3, 7] });
  expect(runs).toMatchObject({ "models:/main.ml.many/1": { name: "trains 1" } });
  expect(source().ids["runs.many"]).not.toContain((runs as Record<string, { id: string }>)["models:/main.ml.many/1"]?.id);
  await expectSourceUntouched();
  await expectReadTogether(place, { catalog: fake.url, tracking: server.url });
});

/** The pair as a source: into a bundle, and into another catalog whose runs are on the same server, where they stay. */
async function expectReadTogether(
  place: Workplace,
  { catalog, tracking }: { readonly catalog: string; readonly tracking: string },
): Promise<void> {
  const rules = ["--artifact-root", `${pathToFileURL(root).href}=${root}`];
  const from = [`uc:${catalog}`, "--from-tracking", tracking, "--models", "main.ml.many", ...rules];
  const exported = await place.run(["export", ...from, "-o", "pair.tar", "--quiet"]);
  expect(exported.code, exported.stderr).toBe(0);
  const shown = await place.run(["show", "pair.tar", "models:/main.ml.many/1"]);
  const run = /run:([0-9a-f]{32})/.exec(shown.stdout)?.[1] ?? "";
  expect((await place.run(["show", "pair.tar", `runs:/${run}`])).stdout).toContain("trains 1");
  await using other = await startFakeUnityCatalog({ storage: { root: pathToFileURL(root).href }, schemas: ["main.ml"] });
  const to = ["--to-tracking", tracking, "--target-artifact-root", `${pathToFileURL(root).href}=${root}`];
  const copied = await place.run(["copy", `uc:${catalog}`, `uc:${other.url}`, ...from.slice(1), ...to, "--quiet"]);
  expect(copied.code, copied.stderr).toBe(0);
  expect(other.state.models.get("main.ml.many")?.versions.get(1)?.runId).toBe(run);
}
