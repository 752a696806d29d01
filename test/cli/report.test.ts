// mlferry report, as its users see it.
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { uriTableSchema } from "../../src/report/uri-table-text.ts";
import { job, runJob, sampleSource } from "../engine/registry.ts";
import { startFakeMlflow } from "../fakes/mlflow-server.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";

/** A copy of the sample to a server, under other names. */
async function moved(): Promise<string> {
  const cwd = tempFolder();
  const fake = await startFakeMlflow();
  onTestFinished(() => fake.close());
  await writeBundle(join(cwd, "a.tar"));
  const ran = await mlferryHere(["copy", "a.tar", fake.url, "--rename-model", "*=x.*", "--quiet"], { cwd });
  expect(ran.code, ran.stderr).toBe(0);
  return cwd;
}

test("prints the table of the newest job as CSV", async () => {
  const cwd = await moved();
  const { code, stdout } = await mlferryHere(["report", "--uris", "csv"], { cwd });
  expect(code).toBe(0);
  const lines = stdout.split("\n");
  expect(lines.slice(0, 3)).toEqual([
    "kind,old,new,note",
    "model,models:/churn,models:/x.churn,",
    "version,models:/churn/1,models:/x.churn/1,",
  ]);
  expect(lines).toContain('stage,models:/churn/Production,models:/x.churn/Production,"version 4, the newest of 2 in the stage"');
});

test("names the job and its places as JSON, and is the same each time", async () => {
  const cwd = await moved();
  const first = await mlferryHere(["report", "--uris", "json"], { cwd });
  const report = uriTableSchema.parse(JSON.parse(first.stdout));
  expect(report).toMatchObject({ source: "a.tar", job: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
  const byId = await mlferryHere(["report", report.job?.slice(0, 6) ?? "", "--uris", "json"], { cwd });
  expect(byId.stdout).toBe(first.stdout);
});

test("asks a place where there is no journal", async () => {
  const cwd = tempFolder();
  const target = createMemory({ capabilities: unityCatalogCapabilities });
  await runJob(job(sampleSource(), target, { mapping: { schema: "ml.prod" }, onLoss: "drop" }));
  await writeBundle(join(cwd, "catalog.tar"), target);
  const { code, stdout } = await mlferryHere(["report", "--in", "catalog.tar", "--models", "ml.prod.churn", "--uris", "md", "--quiet"], {
    cwd,
  });
  expect(code).toBe(0);
  expect(stdout).toContain("| version | `models:/churn/3` | `models:/ml.prod.churn/3` |  |\n");
  expect(stdout).toContain(
    "| stage | `models:/churn/Production` | `models:/ml.prod.churn@champion` | version 4, the newest of 2 in the stage |\n",
  );
  expect(stdout).not.toContain("live");
});

test("a job that wrote a bundle changed no URI", async () => {
  const cwd = tempFolder();
  await writeBundle(join(cwd, "a.tar"));
  await mlferryHere(["copy", "a.tar", "b.tar", "--quiet"], { cwd });
  const status = JSON.parse((await mlferryHere(["status", "--json"], { cwd })).stdout) as { jobs: { id: string }[] };
  const ran = await mlferryHere(["report", status.jobs[0]?.id ?? "", "--uris", "csv"], { cwd });
  expect(ran.stderr).toContain("wrote a bundle, in which every object has its old URI");
});

test.each([
  [["report"], 2, "--uris"],
  [["report", "--uris", "xml"], 2, "csv, json, md"],
  [["report", "--uris", "csv"], 2, "mlferry report --in DST --uris csv"],
  [["report", "abc", "--in", "b.tar", "--uris", "csv"], 2, "a job and a place are named"],
])("refuses %j", async (args, code, expected) => {
  const ran = await mlferryHere([...args, ...(args.length > 1 ? ["--state", "none"] : [])], { cwd: tempFolder() });
  expect(ran.code).toBe(code);
  expect(ran.stderr).toContain(expected);
});
