// Workspaces of a real server: each is a registry of its own, and the default one is what the server was before it had them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { z } from "zod";
import { jobSchema, listingSchema } from "../../src/report/json.ts";
import { workspacesSchema } from "../../src/report/workspaces-json.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Ran, Workplace } from "./mlferry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { source } from "./source.ts";

const MODEL = "one run twice";
const WITH_WORKSPACES = { args: ["--enable-workspaces"] };

let place: Workplace;
let dir: string;
/** At first without workspaces. */
let from: LiveServer;
let to: LiveServer;

beforeAll(async () => {
  place = await createWorkplace();
  dir = await mkdtemp(join(tmpdir(), "mlferry-workspaces-"));
  [from, to] = await Promise.all([startMlflow({ name: "no-workspaces", dir }), startMlflow({ name: "workspaces", ...WITH_WORKSPACES })]);
});
afterAll(async () => {
  await from[Symbol.asyncDispose]();
  await to[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

it("a server that gets workspaces is the registry that it was, as a source and as a target", async () => {
  const filling = ["copy", source().url, from.url, "--models", MODEL];
  const copying = ["copy", from.url, to.url];
  expect((await place.job(filling)).code).toBe(0);
  expect((await place.job(copying)).code).toBe(0);
  const port = Number(new URL(from.url).port);
  await from[Symbol.asyncDispose]();
  from = await startMlflow({ name: "workspaces-now", dir, port, ...WITH_WORKSPACES });
  const state = ["--state", join(place.dir, "another-state")];
  for (const args of [filling, copying, [...filling, ...state], [...copying, ...state]]) {
    const { code, told, report } = await place.job(args);
    expect(code, told).toBe(0);
    expect(report.totals.states).toMatchObject({ done: 0, skipped: report.totals.objects });
  }
});

it("one workspace is filled, read and compared by itself", async () => {
  for (const name of ["team-a", "team-b"]) await createWorkspace(from, { name, description: `of ${name}` });
  for (const name of ["team-a", "team-b"]) {
    const filled = await place.job(["copy", source().url, from.url, "--models", MODEL, "--target-workspace", name]);
    expect(filled.code, filled.told).toBe(0);
    expect(filled.report.target).toBe(`${from.url} (workspace ${name})`);
    expect(filled.report.totals.files).toBeGreaterThan(0);
  }
  const compared = await place.verify([
    "verify",
    source().url,
    from.url,
    "--models",
    MODEL,
    "--target-workspace",
    "team-a",
    "--level",
    "bytes",
  ]);
  expect(compared.report.findings).toEqual([]);
  expect(compared.report.compared.files).toBeGreaterThan(0);
});

it("others that were not read are named, and count unless one was asked for", async () => {
  const unnamed = await place.job(["export", from.url, "-o", "default.tar"]);
  expect([unnamed.code, unnamed.report.workspaces_not_read]).toEqual([3, ["team-a", "team-b"]]);
  const named = await place.job(["export", from.url, "-o", "team-a.tar", "--source-workspace", "team-a"]);
  expect([named.code, named.report.workspaces_not_read]).toEqual([0, ["default", "team-b"]]);
  const ambient = await place.run(["ls", from.url, "--json"], { env: { MLFLOW_WORKSPACE: "team-b" } });
  expect(listingSchema.parse(JSON.parse(ambient.stdout)).source).toBe(`${from.url} (workspace team-b)`);
});

it("one that is not there, or of a server without any, is an error that says so", async () => {
  const missing = await place.run(["ls", from.url, "--source-workspace", "team-c"]);
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("hint: visible: default, team-a, team-b")]);
  const without = await place.run(["ls", source().url, "--source-workspace", "team-a"]);
  expect([without.code, without.stderr]).toEqual([1, expect.stringContaining("has no workspaces, and team-a is asked for")]);
});

it("all move at once, missing ones are created, and what fails in one stops no other", async () => {
  await createWorkspace(to, { name: "team-a", description: "there before" });
  await post(to, "/api/2.0/mlflow/registered-models/create", { name: MODEL }, "team-a");
  const args = ["copy", from.url, to.url, "--workspaces", "*", "--rename-workspace", "team-b=squad-b"];
  const planned = await several(args, "--dry-run");
  expect(planned.workspaces.map(({ source: name, target }) => [name, target])).toEqual([
    ["default", "default"],
    ["team-a", "team-a"],
    ["team-b", "squad-b"],
  ]);
  expect((await workspacesOf(to)).map(({ name }) => name)).toEqual(["default", "team-a"]);
  const moved = await several(args);
  expect(moved.workspaces.map(({ source: name, exit_code }) => [name, exit_code])).toEqual([
    ["default", 0],
    ["team-a", 1],
    ["team-b", 0],
  ]);
  expect([moved.exit_code, JSON.stringify(moved.workspaces[1]?.report)]).toEqual([1, expect.stringContaining("NAME_TAKEN")]);
  expect(await workspacesOf(to)).toContainEqual({ name: "squad-b", description: "of team-b" });
  const compared = await several([
    "verify",
    ...args.slice(1, 3),
    "--workspaces",
    "team-b",
    "--rename-workspace",
    "team-b=squad-b",
    "--level",
    "bytes",
  ]);
  expect([compared.exit_code, compared.workspaces_not_read]).toEqual([0, ["default", "team-a"]]);
  const again = await several(args);
  expect(jobSchema.parse(again.workspaces[2]?.report).totals.states.done).toBe(0);
});

it("all are exported into a folder, a bundle each, and imported from it", async () => {
  const exported = await several(["export", from.url, "-o", "backup", "--workspaces", "*"]);
  expect(exported.exit_code).toBe(0);
  const checked = await several(["verify", "backup", "--workspaces", "*"]);
  expect(checked.workspaces.map(({ source: name, exit_code }) => [name, exit_code])).toEqual([
    ["default", 0],
    ["team-a", 0],
    ["team-b", 0],
  ]);
  const restoring = ["backup", to.url, "--workspaces", "team-*", "--rename-workspace", "team-*=restored-*"];
  expect((await several(["import", ...restoring])).exit_code).toBe(0);
  expect((await several(["verify", ...restoring, "--level", "bytes"])).exit_code).toBe(0);
});

async function several(args: readonly string[], ...more: readonly string[]): Promise<z.infer<typeof workspacesSchema>> {
  const ran: Ran = await place.run([...args, ...more, "--json", "--quiet"]);
  const parsed = workspacesSchema.safeParse(JSON.parse(ran.stdout || "{}"));
  expect(parsed.success, `${ran.stdout.slice(0, 500)}${ran.stderr}`).toBe(true);
  return workspacesSchema.parse(parsed.data);
}

async function createWorkspace(server: LiveServer, workspace: { name: string; description: string }): Promise<void> {
  await post(server, "/api/3.0/mlflow/workspaces", workspace);
}

async function workspacesOf(server: LiveServer): Promise<{ name: string }[]> {
  const answer = await fetch(`${server.url}/api/3.0/mlflow/workspaces`);
  return ((await answer.json()) as { workspaces: { name: string }[] }).workspaces;
}

async function post(server: LiveServer, path: string, body: unknown, workspace = "default"): Promise<void> {
  const headers = { "content-type": "application/json", "x-mlflow-workspace": workspace };
  const answer = await fetch(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  expect(answer.ok, await answer.text()).toBe(true);
}
