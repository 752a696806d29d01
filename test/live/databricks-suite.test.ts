// The suite for real workspaces, run against fake ones: so whoever has some finds a suite that works, and that leaves nothing behind.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

async function runSuite(env: Readonly<Record<string, string>>): Promise<{ code: number | null; said: string }> {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const command = [vitest, "run", "--config", "vitest.databricks.config.ts"];
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, said: stdout + stderr };
}

it("passes on a workspace that keeps to its documentation, and takes away what it made", async () => {
  await using old = await startFakeDatabricks({ workspaceId: "111" });
  await using fresh = await startFakeDatabricks({ workspaceId: "222", schemas: ["main.ml"] });
  const home = await mkdtemp(join(tmpdir(), "mlferry-home-"));
  const profiles = { old, fresh };
  const sections = Object.entries(profiles).map(([name, { url }]) => `[${name}]\nhost = ${url}\ntoken = token\n`);
  await writeFile(join(home, ".databrickscfg"), sections.join("\n"));
  const { code, said } = await runSuite({
    HOME: home,
    MLFERRY_LIVE_DATABRICKS_SOURCE: "databricks://old",
    MLFERRY_LIVE_DATABRICKS_TARGET: "databricks-uc://fresh",
    MLFERRY_LIVE_UC: "main.ml",
  });
  await rm(home, { recursive: true, force: true });
  expect(code, said).toBe(0);
  expect(said).toContain("lists activities: 404 ENDPOINT_NOT_FOUND");
  expect([old.state.models.size, fresh.state.catalog.size]).toEqual([0, 0]);
  expect([...old.state.experiments.values(), ...fresh.state.experiments.values()].filter(({ deleted }) => !deleted)).toEqual([]);
});

it("says which variables are missing", async () => {
  const { code, said } = await runSuite({ MLFERRY_LIVE_UC: "main.ml" });
  expect(code).not.toBe(0);
  expect(said).toContain("set MLFERRY_LIVE_DATABRICKS_SOURCE, MLFERRY_LIVE_DATABRICKS_TARGET");
});
