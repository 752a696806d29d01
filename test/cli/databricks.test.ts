// Workspaces as a user names them: by profile or variable, in every command that reads or writes a place.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTarget } from "../databricks/place.ts";
import { job, runJob, sampleSource } from "../engine/registry.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";

const MAPPING = { experiments: [{ from: "*", to: "/Shared/migrated/*" }] };

/** A workspace with a registry in it. */
async function filled(): Promise<FakeDatabricks> {
  const fake = await startFakeDatabricks();
  const target = await openTarget(fake);
  await runJob(job(sampleSource(), target, { mapping: MAPPING, onLoss: "drop" }));
  await target.close();
  return fake;
}

test("a workspace goes into a bundle, which goes into another one and is verified there, each under a profile of its own", async () => {
  await using old = await filled();
  await using fresh = await startFakeDatabricks({ workspaceId: "77", tokens: { other: "other@example.com" } });
  const cwd = tempFolder();
  writeFileSync(join(cwd, ".databrickscfg"), `[old]\nhost = ${old.url}\ntoken = token\n[new]\nhost = ${fresh.url}\ntoken = other\n`);
  const env = { HOME: cwd, DATABRICKS_TOKEN: "of-nobody" };
  for (const args of [
    ["ls", "databricks://old"],
    ["export", "databricks://old", "-o", "b.tar", "--include-deleted"],
    ["plan", "b.tar", "databricks://new", "--on-loss", "drop"],
    ["import", "b.tar", "databricks://new", "--on-loss", "drop"],
    ["verify", "b.tar", "databricks://new", "--level", "bytes"],
    ["copy", "databricks://old", "databricks://new", "--include-deleted", "--on-loss", "drop"],
    ["show", "databricks://new", "models:/churn/4"],
    ["doctor", "databricks://old", "databricks://new"],
  ]) {
    const ran = await mlferryHere(args, { cwd, env });
    expect(ran.code, [args.join(" "), ran.stdout, ran.stderr].join("\n")).toBe(0);
  }
  expect([...fresh.state.models.keys()].sort()).toEqual(["churn", "live"]);
  // Nothing was there twice: the copy found what the import had placed.
  expect(fresh.state.runs.size).toBe(old.state.runs.size);
});

test("the environment says which workspace is meant, and diff finds nothing between a workspace and its copy", async () => {
  await using old = await filled();
  await using fresh = await startFakeDatabricks({ workspaceId: "77" });
  const cwd = tempFolder();
  const env = {
    HOME: cwd,
    MLFERRY_SOURCE_DATABRICKS_HOST: old.url,
    MLFERRY_SOURCE_DATABRICKS_TOKEN: "token",
    MLFERRY_TARGET_DATABRICKS_HOST: fresh.url,
    MLFERRY_TARGET_DATABRICKS_TOKEN: "token",
  };
  const copied = await mlferryHere(["copy", "databricks", "databricks", "--on-loss", "drop"], { cwd, env });
  expect(copied.code, copied.stderr).toBe(0);
  const same = await mlferryHere(["diff", "databricks", "databricks", "--level", "bytes"], { cwd, env });
  expect(same.code, same.stdout).toBe(0);
});

test("experiments whose names are no paths of the workspace are refused with the rule that would map them", async () => {
  await using fresh = await startFakeDatabricks();
  const cwd = tempFolder();
  await writeBundle(join(cwd, "b.tar"));
  const env = { HOME: cwd, DATABRICKS_HOST: fresh.url, DATABRICKS_TOKEN: "token" };
  const refused = await mlferryHere(["import", "b.tar", "databricks"], { cwd, env });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("an absolute path in the workspace");
  expect(refused.stderr).toContain("/Shared/migrated/*");
  const ran = await mlferryHere(["import", "b.tar", "databricks", "--rename-experiment", "*=/Shared/migrated/*", "--on-loss", "drop"], {
    cwd,
    env,
  });
  expect(ran.code, ran.stderr).toBe(0);
});

test("a login that the workspace refuses ends with exit code 5", async () => {
  await using fresh = await startFakeDatabricks();
  const cwd = tempFolder();
  const env = { HOME: cwd, DATABRICKS_HOST: fresh.url, DATABRICKS_TOKEN: "wrong" };
  const ran = await mlferryHere(["doctor", "databricks"], { cwd, env });
  expect(ran.code).toBe(5);
});
