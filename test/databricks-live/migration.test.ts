// A small registry goes into a workspace, from there to Unity Catalog, and is proven; then all of it is taken away again.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { HttpClient } from "../../src/http/client.ts";
import { createWorkplace } from "../live/mlferry.ts";
import type { Ran, Workplace } from "../live/mlferry.ts";
import { answerTo, removeCatalogModels, removeExperiments, removeModels } from "./clean-up.ts";
import { clientOf, ownNames, workspaces } from "./workspaces.ts";

const { source, target, schema } = workspaces(process.env);
const own = ownNames();
const SAMPLE = fileURLToPath(new URL("../../examples/sample-registry", import.meta.url));

let place: Workplace;
let old: HttpClient;
let catalog: HttpClient;

beforeAll(async () => {
  [old, catalog] = await Promise.all([clientOf(source, "source", process.env), clientOf(target, "target", process.env)]);
  place = await createWorkplace();
});

afterAll(async () => {
  await removeModels(old, own);
  await removeExperiments(old, own);
  await removeCatalogModels(catalog, schema, own);
  await removeExperiments(catalog, own);
  await Promise.all([old.close(), catalog.close(), place[Symbol.asyncDispose]()]);
});

/** With the logins of whoever runs the suite, and a state folder of its own. */
function mlferry(...args: string[]): Promise<Ran> {
  const env = Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return place.run([...args, "--quiet"], { env: { ...Object.fromEntries(env), XDG_STATE_HOME: place.state } });
}

const SEED = ["--rename-experiment", `*=${own.folder}/*`, "--rename-model", `*=${own.prefix}*`, "--on-loss", "drop"];
const MOVE = [
  ...["--models", `${own.prefix}*`, "--to-schema", schema],
  ...["--rename-experiment", `${own.folder}/*=${own.folder}/copy/*`, "--on-loss", "drop"],
];

it("doctor finds nothing that would stop a job", async () => {
  const { code, stdout, stderr } = await mlferry("doctor", source, target);
  expect(code, `${stdout}${stderr}`).toBe(0);
});

it("a registry arrives in the workspace, and is there as it was", async () => {
  const { code, stderr } = await mlferry("import", SAMPLE, source, ...SEED);
  expect(code, stderr).toBe(0);
  const proof = await mlferry("verify", SAMPLE, source, ...SEED, "--level", "bytes");
  expect(proof.code, `${proof.stdout}${proof.stderr}`).toBe(0);
});

it("goes on to Unity Catalog, and a second time nothing is written", async () => {
  const moving = ["copy", source, target, ...MOVE];
  const { code, stderr } = await mlferry(...moving);
  expect(code, stderr).toBe(0);
  const proof = await mlferry("verify", source, target, ...MOVE, "--level", "bytes");
  expect(proof.code, `${proof.stdout}${proof.stderr}`).toBe(0);
  const again = await place.job(moving, { env: { ...(process.env as Record<string, string>), XDG_STATE_HOME: place.state } });
  expect(again.report.totals.states.done, again.told).toBe(0);
});

it("tells what no documentation does", async () => {
  const path = "/api/2.0/mlflow/activities/list";
  const query = [
    ["name", `${own.prefix}demand-forecast`],
    ["version", "1"],
  ] as const;
  const signal = new AbortController().signal;
  console.log(`lists activities: ${await answerTo(old.json({ method: "GET", path, query, repeat: "safe" }, signal))}`);
  const flag = "/api/2.0/mlflow/unity-catalog/registered-models:is-databricks-sdk-models-artifact-repository-enabled";
  console.log(`Files API for models: ${JSON.stringify(await catalog.json({ method: "GET", path: flag, repeat: "safe" }, signal))}`);
});
