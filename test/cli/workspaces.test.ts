// Commands over several workspaces, against a server that has some: which are gone through, and what becomes of one that fails.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { workspacesSchema } from "../../src/report/workspaces-json.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";
import { outlineServer, serve } from "./servers.ts";

/** A server with these workspaces, each of which holds the same; `broken` ones answer 500. Gives its address and what was asked of which. */
async function workspaceServer(
  names: readonly string[],
  { broken = [], mayCreate = true }: { readonly broken?: readonly string[]; readonly mayCreate?: boolean } = {},
): Promise<{ readonly url: string; readonly asked: ReadonlySet<string>; readonly created: readonly unknown[] }> {
  const asked = new Set<string>();
  const created: unknown[] = [];
  const outline = outlineServer();
  const url = await serve((request, response) => {
    const send = (status: number, body: unknown): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const path = request.url ?? "/";
    if (path.endsWith("/server-info")) return send(200, { store_type: "SqlStore", workspaces_enabled: true });
    if (path.endsWith("/workspaces")) {
      if (request.method !== "POST") return send(200, { workspaces: names.map((name) => ({ name, description: `of ${name}` })) });
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        created.push(JSON.parse(Buffer.concat(chunks).toString()));
        send(mayCreate ? 201 : 403, {});
      });
      return;
    }
    const workspace = String(request.headers["x-mlflow-workspace"] ?? "");
    if (path.includes("/search")) asked.add(workspace);
    if (broken.includes(workspace)) return send(500, { error_code: "INTERNAL_ERROR", message: "out of order" });
    outline(request, response);
  });
  return { url, asked, created };
}

async function several(cwd: string, ...args: string[]): Promise<ReturnType<typeof workspacesSchema.parse>> {
  const { stdout, stderr } = await mlferryHere([...args, "--json"], { cwd });
  expect(stdout, stderr).toContain('"report":"workspaces"');
  return workspacesSchema.parse(JSON.parse(stdout));
}

const codes = ({ workspaces }: ReturnType<typeof workspacesSchema.parse>): (readonly [string, string | undefined, number])[] =>
  workspaces.map(({ source, target, exit_code: code }) => [source, target, code]);

describe("a command with --workspaces", () => {
  test("goes through those that match, tells the others, and carries on after one that fails", async () => {
    const cwd = tempFolder();
    const { url, asked } = await workspaceServer(["default", "team-a", "team-b", "other"], { broken: ["team-a"] });
    const report = await several(cwd, "export", url, "-o", "backup", "--workspaces", "team-*", "--workspaces", "default");
    expect(codes(report)).toEqual([
      ["default", "default", 0],
      ["team-a", "team-a", 1],
      ["team-b", "team-b", 0],
    ]);
    expect(report).toMatchObject({ exit_code: 1, workspaces_not_read: ["other"] });
    expect(report.workspaces[1]?.report).toMatchObject({ error: { code: "REQUEST_FAILED" } });
    expect(readdirSync(join(cwd, "backup"))).toEqual(["default.tar", "team-b.tar"]);
    expect([...asked].sort()).toEqual(["default", "team-a", "team-b"]);
  });

  test("is resumed as a whole", async () => {
    const cwd = tempFolder();
    const broken = ["team-a"];
    const { url } = await workspaceServer(["default", "team-a", "team-b"], { broken });
    const begun = await several(cwd, "export", url, "-o", "backup", "--workspaces", "*");
    expect(codes(begun).map(([, , code]) => code)).toEqual([0, 1, 0]);
    broken.pop();
    const resumed = await several(cwd, "resume", "--quiet");
    expect(codes(resumed).map(([name, , code]) => [name, code])).toEqual([
      ["default", 2],
      ["team-a", 0],
      ["team-b", 2],
    ]);
  });

  test("tells people each report under its workspace, and a line for each at the end", async () => {
    const { url } = await workspaceServer(["default", "team-a"], { broken: ["team-a"] });
    const { code, stdout } = await mlferryHere(["ls", url, "--workspaces", "*"], { cwd: tempFolder() });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^workspace default\n[^]*training[^]*\nworkspace team-a\n\nerror: server answered 500[^]*\n2 workspaces, 1 not well\n/,
    );
    expect(stdout).toMatch(/ {2}default +well\n {2}team-a +exit code 1\n/);
  });

  test("plans without creating what is missing, and tells where nobody may create it", async () => {
    const cwd = tempFolder();
    const source = await workspaceServer(["default", "team-a"]);
    const target = await workspaceServer(["default"], { mayCreate: false });
    const args = ["copy", source.url, target.url, "--workspaces", "team-a", "--rename-workspace", "team-*=squad-*"];
    const planned = await several(cwd, ...args, "--dry-run");
    expect([codes(planned), target.created]).toEqual([[["team-a", "squad-a", 0]], []]);
    const copied = await several(cwd, ...args);
    expect(codes(copied)).toEqual([["team-a", "squad-a", 5]]);
    expect(target.created).toEqual([{ name: "squad-a", description: "of team-a" }]);
  });

  test.each([
    [["--workspaces", "x*"], 'no workspace of the source matches "x*"', "there are: default, team-a, team-b"],
    [
      ["--workspaces", "*", "--rename-workspace", "team-*=team"],
      "workspaces team-a and team-b would both become team",
      "nothing was written",
    ],
    [
      ["--workspaces", "*", "--rename-workspace", "team-a=Team A"],
      'would become "Team A": 2 to 63 lower-case letters',
      "--rename-workspace",
    ],
    [["--workspaces", "*", "--source-workspace", "team-a"], "cannot be used with option '--workspaces <glob>'", "mlferry --help"],
  ])("refuses %j before anything is written", async (flags, error, hint) => {
    const cwd = tempFolder();
    const { url, asked } = await workspaceServer(["default", "team-a", "team-b"]);
    const { stderr } = await mlferryHere(["export", url, "-o", "backup", ...flags], { cwd });
    expect(stderr).toMatch(/^error: /m);
    expect([stderr.includes(error), stderr.includes(hint)], stderr).toEqual([true, true]);
    expect([asked.size, readdirSync(cwd)]).toEqual([0, []]);
  });

  test("takes a folder of bundles for a source, an unfinished one for a failure, and a single bundle for a mistake", async () => {
    const cwd = tempFolder();
    mkdirSync(join(cwd, "backup"));
    await writeBundle(join(cwd, "backup", "team-a.tar"));
    writeFileSync(join(cwd, "backup", "team-b.tar.partial"), "");
    const checked = await several(cwd, "verify", "backup", "--workspaces", "*");
    expect(codes(checked)).toEqual([
      ["team-a", undefined, 0],
      ["team-b", undefined, 1],
    ]);
    const { code, stderr } = await mlferryHere(["verify", "backup/team-a.tar", "--workspaces", "*"], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringContaining("backup/team-a.tar is a single bundle")]);
  });
});

describe("a command without --workspaces", () => {
  test("at a server with several, names the others, and fails for them only where nobody said which one is meant", async () => {
    const cwd = tempFolder();
    const { url } = await workspaceServer(["default", "team-a"]);
    const unnamed = await mlferryHere(["plan", url, "b.tar"], { cwd });
    expect([unnamed.code, unnamed.stdout]).toEqual([
      3,
      expect.stringContaining("1 other workspace of the source was not read: team-a\n  hint: "),
    ]);
    expect((await mlferryHere(["plan", url, "b.tar", "--on-loss", "drop"], { cwd })).code).toBe(0);
    const named = await mlferryHere(["plan", url, "b.tar", "--source-workspace", "default"], { cwd });
    expect([named.code, named.stdout]).toEqual([0, expect.stringContaining("1 other workspace of the source was not read: team-a\n\n")]);
  });

  test("has no workspaces to choose from in a bundle, or at a server without", async () => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
    const inBundle = await mlferryHere(["ls", "b.tar", "--source-workspace", "team-a"], { cwd });
    expect([inBundle.code, inBundle.stderr]).toEqual([2, expect.stringContaining("the source is a bundle, which has no workspaces")]);
    const url = await serve(outlineServer());
    const named = await mlferryHere(["ls", url, "--source-workspace", "team-a"], { cwd });
    expect([named.code, named.stderr]).toEqual([1, expect.stringContaining(`${url} has no workspaces, and team-a is asked for`)]);
    const ambient = await mlferryHere(["ls", url], { cwd, env: { MLFLOW_WORKSPACE: "team-a" } });
    expect([ambient.code, ambient.stderr]).toEqual([
      0,
      expect.stringContaining(`note: MLFLOW_WORKSPACE is team-a, but ${url} has no workspaces`),
    ]);
  });
});
