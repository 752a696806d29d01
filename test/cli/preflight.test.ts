// What a plan tells before a move to Unity Catalog, as its users see it.
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { planSchema } from "../../src/report/json.ts";
import { model, ORIGIN, version } from "../engine/registry.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";

/** A folder with a bundle of two models, one of whose versions has a signature, and what opens a workspace. */
async function folder(url: string) {
  const place = createMemory({ origin: ORIGIN, uri: "memory:source", newIds: false });
  for (const name of ["Fraud Scorer", "churn"]) place.load(model(name));
  place.load(version("Fraud Scorer", 1, { user: "ada@example.com" }), {
    files: { MLmodel: "flavors: {}", "conda.yaml": "channels: [defaults]" },
  });
  place.load(version("churn", 1), { files: { MLmodel: "signature: {inputs: '[1]', outputs: '[1]'}" } });
  const cwd = tempFolder();
  await writeBundle(join(cwd, "b.tar"), place);
  return { cwd, env: { HOME: cwd, DATABRICKS_HOST: url, DATABRICKS_TOKEN: "token" } };
}

test("names that are no names there are all told, the job is said to stop, and nothing is saved", async () => {
  await using fake = await startFakeDatabricks();
  const { cwd, env } = await folder(fake.url);
  const ran = await mlferryHere(["plan", "b.tar", "databricks-uc", "--out", "a.plan", "--quiet"], { cwd, env });
  expect(ran.code, ran.stderr).toBe(1);
  expect(ran.stdout).toContain("stops the job: names that the target does not allow (2)\n");
  expect(ran.stdout).toContain("--to-schema CATALOG.SCHEMA");
  expect(ran.stdout).toContain("versions without a signature");
  expect(ran.stdout).toContain("the job would end before it writes anything; no step was planned, and nothing was saved\n");
  expect((await mlferryHere(["apply", "a.plan"], { cwd, env })).code).not.toBe(0);
});

test("what the files of versions say is told by owner, with exit code 0, and as JSON", async () => {
  await using fake = await startFakeDatabricks({ schemas: ["main.ml"] });
  const { cwd, env } = await folder(fake.url);
  const args = ["plan", "b.tar", "databricks-uc", "--to-schema", "main.ml"];
  const ran = await mlferryHere([...args, "--quiet"], { cwd, env });
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  expect(ran.stdout).toContain("  ada@example.com  no inputs, no outputs  Fraud Scorer/1\n");
  const { preflight } = planSchema.parse(JSON.parse((await mlferryHere([...args, "--json", "--quiet"], { cwd, env })).stdout));
  expect(preflight?.findings.map(({ code, severity, keys }) => [code, severity, ...keys])).toEqual([
    ["SIGNATURE_MISSING", "warns", "model-version:Fraud Scorer/1"],
    ["CONDA_DEFAULTS", "warns", "model-version:Fraud Scorer/1"],
  ]);
  expect(preflight?.looked_into).toMatchObject({ runs: 0, versions: 2, files: 3 });
  expect(preflight?.forecast).toMatchObject([{ host: new URL(fake.url).host, ms: expect.any(Number) as number }]);
  expect(ran.stdout).toMatch(
    /\n3 files \(73 bytes\) of 2 versions would be read and written\nat least \d+ requests to .*, which take 0\.\d s within its limits\n/,
  );
  const fast = await mlferryHere([...args, "--no-content-checks", "--json", "--quiet"], { cwd, env });
  expect(planSchema.parse(JSON.parse(fast.stdout)).preflight).toEqual({ findings: [] });
});

test("a target whose users ask for no signatures is spared the look into files, and collisions are told there too", async () => {
  const { cwd, env } = await folder("http://127.0.0.1:1");
  const ran = await mlferryHere(["plan", "b.tar", "c.tar", "--rename-model", "*=one", "--json", "--quiet"], { cwd, env });
  expect(ran.code).toBe(1);
  const { preflight } = planSchema.parse(JSON.parse(ran.stdout));
  expect(preflight?.findings.map(({ code }) => code)).toEqual(["MAPPING_COLLISION"]);
  expect(preflight).not.toHaveProperty("looked_into");
});
