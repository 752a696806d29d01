// A catalog and the server with its runs, as a user names them: by flags, or once and for all in mlferry.yaml.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { startFakeMlflow } from "../fakes/mlflow-server.ts";
import type { FakeMlflow } from "../fakes/mlflow-server.ts";
import { startFakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";
import type { FakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";
import type { Ran } from "./program.ts";

interface Scene extends AsyncDisposable {
  readonly cwd: string;
  readonly mlflow: FakeMlflow;
  readonly catalog: FakeUnityCatalog;
  /** Flags of a command that writes. */
  readonly how: readonly string[];
  run(args: readonly string[]): Promise<Ran>;
}

async function start(): Promise<Scene> {
  const cwd = tempFolder();
  const root = join(cwd, "store");
  mkdirSync(root);
  const [mlflow, catalog] = await Promise.all([
    startFakeMlflow(),
    startFakeUnityCatalog({ storage: { root: pathToFileURL(root).href }, schemas: ["main.ml"] }),
    writeBundle(join(cwd, "b.tar")),
  ]);
  const yaml = `registries:\n  runs: {uri: ${mlflow.url}}\n  oss: {uri: "uc:${catalog.url}", tracking: runs}\n`;
  writeFileSync(join(cwd, "mlferry.yaml"), yaml);
  return {
    cwd,
    mlflow,
    catalog,
    how: ["--to-schema", "main.ml", "--on-loss", "drop"],
    run: (args) => mlferryHere(args, { cwd }),
    async [Symbol.asyncDispose]() {
      await Promise.all([mlflow.close(), catalog.close()]);
    },
  };
}

const ROOT = (cwd: string): string[] => ["--target-artifact-root", `${pathToFileURL(join(cwd, "store")).href}=${join(cwd, "store")}`];

function expectPaired({ mlflow, catalog }: Scene): void {
  expect(mlflow.store.models.size).toBe(0);
  const named = [...(catalog.state.models.get("main.ml.churn")?.versions.values() ?? [])].flatMap(({ runId }) => runId ?? []);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((id) => !mlflow.store.runs.has(id))).toEqual([]);
}

test.each([
  ["a flag", (scene: Scene) => [`uc:${scene.catalog.url}`, "--to-tracking", scene.mlflow.url]],
  ["a flag that names a registry", (scene: Scene) => [`uc:${scene.catalog.url}`, "--to-tracking", "runs"]],
  ["mlferry.yaml", () => ["oss"]],
])("%s pairs a catalog with the server that gets the runs", async (_how, target) => {
  await using scene = await start();
  const ran = await scene.run(["import", "b.tar", ...target(scene), ...scene.how, ...ROOT(scene.cwd), "--quiet"]);
  expect(ran.code, ran.stderr).toBe(0);
  expectPaired(scene);
  const found = await scene.run(["lookup", "models:/churn/1"]);
  expect(found.code, found.stderr).toBe(0);
  expect(found.stdout).toContain("models:/main.ml.churn/1");
});

test("doctor looks at both of its servers, and writes to neither", async () => {
  await using scene = await start();
  const ran = await scene.run(["doctor", "b.tar", "oss", "--write-test"]);
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  expect(ran.stdout).toMatch(/an open-source Unity Catalog at uc:http[^]*registered models that are visible: 0[^]*MLflow 3/);
  expect([...scene.mlflow.requests, ...scene.catalog.requests].filter((route) => /create|^(PUT|PATCH|DELETE) /.test(route))).toEqual([]);
  await scene.catalog.close();
  const down = await scene.run(["doctor", "b.tar", "oss"]);
  expect(down.code).toBe(1);
  expect(down.stdout).toMatch(/catalog .*cannot reach/);
});

test("a saved plan keeps the pair, and is carried out there", async () => {
  await using scene = await start();
  const target = [`uc:${scene.catalog.url}`, "--to-tracking", scene.mlflow.url];
  const planned = await scene.run(["plan", "b.tar", ...target, ...scene.how, "--out", "saved.plan"]);
  expect(planned.code, planned.stderr).toBe(0);
  expect(scene.mlflow.store.runs.size + scene.catalog.state.models.size).toBe(0);
  const applied = await scene.run(["apply", "saved.plan", ...ROOT(scene.cwd), "--quiet"]);
  expect(applied.code, applied.stderr).toBe(0);
  expectPaired(scene);
});

test.each([
  ["an MLflow server", ["copy", "b.tar", "http://h:1", "--to-tracking", "http://h:2"], "the target is a server that has its runs itself"],
  ["a bundle", ["export", "http://h:1", "-o", "c.tar", "--to-tracking", "http://h:2"], "the target is a bundle, which has its runs itself"],
  ["a source", ["ls", "b.tar", "--from-tracking", "http://h:2"], "the source is a bundle, which has its runs itself"],
  ["no server", ["ls", "uc:http://h:1", "--from-tracking", "databricks"], "which is no MLflow server"],
  ["no server", ["copy", "b.tar", "uc:http://h:1", "--to-tracking", "oss"], "which is no MLflow server"],
])("%s is paired with nothing: the command line is refused before anything is opened", async (_what, args, said) => {
  await using scene = await start();
  const ran = await mlferryHere(args, { cwd: scene.cwd, env: { DATABRICKS_HOST: "http://h:3" } });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain(said);
  expect(ran.stderr).toContain("hint: ");
  expect(scene.mlflow.requests).toEqual([]);
});

test.each([
  ['{uri: "http://h:1", tracking: "http://h:2"}', "tracking is for uc: registries"],
  ['{uri: "uc:http://h:1", tracking: nobody}', "tracking is the address of an mlflow server"],
  ['{uri: "uc:http://h:1", tracking: one}', "tracking is the address of an mlflow server"],
])("the entry %s of mlferry.yaml is refused with its line", async (entry, said) => {
  const cwd = tempFolder();
  writeFileSync(join(cwd, "mlferry.yaml"), `registries:\n  one: ${entry}\n`);
  const ran = await mlferryHere(["ls", "one"], { cwd });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain("mlferry.yaml line 2");
  expect(ran.stderr).toContain(said);
});
