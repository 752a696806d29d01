// A workspace registry as years of use leave it, on its way to Unity Catalog: planned, cut off, continued, and judged by MLflow's own client.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Ran, Workplace } from "./mlferry.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../../examples/unity-catalog/", import.meta.url));

const TOKENS = { secret: "admin@example.com", others: "other@example.com" };

/** What the script seed_registry.py says that must arrive, by model and version. */
type Seeded = Readonly<Record<string, Readonly<Record<string, { stage: string; factor: number }>>>>;

/** What the script read_catalog.py finds. */
interface Catalog {
  readonly models: Readonly<Record<string, CatalogModel>>;
  readonly predictions: Readonly<Record<string, number>>;
}

interface CatalogModel {
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: Readonly<Record<string, string>>;
  readonly versions: Readonly<
    Record<string, { status: string; description: string; run: boolean; tags: Readonly<Record<string, string>> }>
  >;
}

let old: FakeDatabricks;
let place: Workplace;
let seeded: Seeded;
let seedWrites: readonly string[];

beforeAll(async () => {
  [old, place] = await Promise.all([startFakeDatabricks({ tokens: TOKENS, workspaceId: "111" }), createWorkplace()]);
  seeded = (await runPython(join("databricks", "seed_registry.py"), [], { env: login(old) })) as Seeded;
  seedWrites = old.requests.filter((route) => WRITES.test(route));
  await mkdir(join(place.dir, "bin"));
  await writeFile(join(place.dir, "bin", "mlferry"), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, { mode: 0o755 });
});

afterAll(async () => {
  await old.close();
  await place[Symbol.asyncDispose]();
});

/** Requests that change something: all others with these methods are searches and what gives addresses of files. */
const WRITES = /^(PUT|PATCH|DELETE) |^POST .*(create|update|set-tag|log-batch|log-inputs|finalize|alias|transition-stage|mkdirs)$/;

/** The environment of a person who knows nothing but this workspace. */
function login({ url }: FakeDatabricks): Record<string, string> {
  return { HOME: place.dir, DATABRICKS_HOST: url, DATABRICKS_TOKEN: "secret" };
}

/** What the rules of the example make of the names. */
const RENAMED: Readonly<Record<string, string>> = {
  Churn: "churn_upper",
  "fraud scorer (EU)": "fraud_scorer_eu",
  "Prognose Kündigung": "prognose_kündigung",
  'said "twice"': "said_twice",
  "100 %25 sure": "100_25_sure",
  "a#b&c=d?e": "a_b_c_d_e",
  "signed late": "signed_late",
  "left alone": "left_alone",
};
const nameOf = (model: string): string => `main.ml.${RENAMED[model] ?? model}`;

/** Runs the command and kills it at the n-th request that the workspace gets. */
async function runUntil(request: number, fake: FakeDatabricks, args: readonly string[]): Promise<Ran> {
  return place.run(args, { onStart: (child) => fake.after(request, () => void child.kill("SIGKILL")) });
}

/** A new workspace with Unity Catalog, which the profile `new` names. */
async function startNew(): Promise<FakeDatabricks> {
  const fake = await startFakeDatabricks({ tokens: TOKENS, workspaceId: "222", schemas: ["main.ml"] });
  await writeFile(
    join(place.dir, ".databrickscfg"),
    `[old]\nhost = ${old.url}\ntoken = secret\n\n[new]\nhost = ${fake.url}\ntoken = secret\n`,
  );
  return fake;
}

async function catalogOf(fake: FakeDatabricks): Promise<Catalog> {
  const uris = Object.entries(seeded).flatMap(([model, versions]) => Object.keys(versions).map((version) => `${nameOf(model)}/${version}`));
  const args = ["--schema", "main.ml", "--predict", ...uris, `${nameOf("churn")}@champion`];
  return (await runPython(join("databricks", "read_catalog.py"), args, { env: login(fake) })) as Catalog;
}

/** What MLflow's client must find, whichever way it came. */
function expectArrived({ models, predictions }: Catalog): void {
  expect(Object.keys(models).sort()).toEqual(Object.keys(seeded).map(nameOf).sort());
  for (const [model, versions] of Object.entries(seeded)) {
    const there = models[nameOf(model)];
    expect(there?.description).toBe(`What ${model.slice(0, 40)} is for.`);
    expect(Object.keys(there?.versions ?? {}), model).toEqual(Object.keys(versions));
    for (const [number, { stage, factor }] of Object.entries(versions)) {
      expect(there?.versions[number]).toMatchObject({ status: "READY", description: `version ${number}`, run: true });
      expect(there?.versions[number]?.tags).toMatchObject({ source_stage: stage });
      expect(predictions[`${nameOf(model)}/${number}`]).toBeCloseTo(factor);
    }
  }
  // Staging is numbered by the example's rules, the newest first; of two versions in Production the newest is the champion.
  expect(models[nameOf("churn")]?.aliases).toEqual({ champion: "4" });
  expect(models[nameOf("fraud scorer (EU)")]?.aliases).toEqual({ challenger: "2", "challenger-2": "1" });
  expect(predictions[`${nameOf("churn")}@champion`]).toBeCloseTo(0.4);
}

/** The environment of a version as it arrived, and as it was. */
function expectChannels({ state }: FakeDatabricks): void {
  const folder = `/Models/${nameOf("churn").replaceAll(".", "/")}/4`;
  const was = "channels:\n- defaults\ndependencies:\n- python=3.9\n";
  expect(state.files.get(`${folder}/conda.yaml`)?.toString()).toBe(was.replace("defaults", "conda-forge"));
  expect(state.files.get(`${folder}/conda.yaml.before-mlferry`)?.toString()).toBe(was);
}

/** What does not fit is agreed to: values longer than a tag of Unity Catalog, who may do what, webhooks. */
const HOW = ["--map", join(EXAMPLE, "map.yaml"), "--on-loss", "drop", "--quiet"];

const COPYING = ["copy", "databricks://old", "databricks-uc://new", ...HOW];

/** A step of the example, as a person runs it. */
function step(name: string): Promise<Ran> {
  return place.type(`PATH="$PWD/bin:$PATH" sh "${EXAMPLE}migrate.sh" ${name}`);
}

it("is planned: what does not fit is told before anything is written", async () => {
  await using fake = await startNew();
  const { code, report } = await place.plan(["plan", "databricks://old", "databricks-uc://new", "--map", join(EXAMPLE, "map.yaml")]);
  expect(code).toBe(3);
  expect(report.steps.filter(({ action }) => action === "refuse").length).toBeGreaterThan(0);
  expect(fake.state.catalog.size + fake.state.runs.size).toBe(0);
});

it("goes through a bundle, cut off on both ways, and ends as planned", async () => {
  await using fake = await startNew();
  for (const request of [100, 200])
    expect((await runUntil(request, old, ["export", "databricks://old", "-o", "registry.tar", "--quiet"])).code).toBeNull();
  const exported = await place.run(["export", "databricks://old", "-o", "registry.tar", "--quiet"]);
  expect(exported.code, exported.stderr).toBe(0);
  for (const request of [80, 250])
    expect((await runUntil(request, fake, ["import", "registry.tar", "databricks-uc://new", ...HOW])).code).toBeNull();
  const imported = await place.run(["import", "registry.tar", "databricks-uc://new", ...HOW]);
  expect(imported.code, imported.stderr).toBe(0);
  expectArrived(await catalogOf(fake));
  expectChannels(fake);
  const verified = await place.run(["verify", "registry.tar", "databricks-uc://new", "--level", "bytes"]);
  expect(verified.code, `${verified.stdout}${verified.stderr}`).toBe(0);
});

it("is moved by the example, step by step: cut off and continued, proven, and with a table of all URIs", async () => {
  await using fake = await startNew();
  const look = await step("look");
  expect(look.code, look.stderr).toBe(0);
  expect(fake.state.catalog.size).toBe(0);
  for (const request of [100, 400]) await place.run(COPYING, { onStart: (child) => fake.after(request, () => void child.kill("SIGKILL")) });
  const moved = await step("move");
  expect(moved.code, moved.stderr).toBe(0);
  expectArrived(await catalogOf(fake));
  expectChannels(fake);
  const before = fake.requests.length;
  expect((await step("move")).code).toBe(0);
  expect(fake.requests.slice(before).filter((route) => WRITES.test(route))).toEqual([]);
  const proof = await step("prove");
  expect(proof.code, `${proof.stdout}${proof.stderr}`).toBe(0);
  const uris = (await readFile(join(place.dir, "uris.csv"), "utf8")).split("\n");
  expect(uris).toContain('stage,models:/churn/Production,models:/main.ml.churn@champion,"version 4, the newest of 2 in the stage"');
  const found = await place.run(["lookup", "models:/churn/4", "--to", "databricks-uc://new"]);
  expect(found.stdout, found.stderr).toContain("models:/main.ml.churn/4");
  expect(old.requests.filter((route) => WRITES.test(route))).toEqual(seedWrites);
});
