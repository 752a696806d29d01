// The jobs of a state folder, told and gone on with, by the real program.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import { jobSchema } from "../../src/report/json.ts";
import { statusSchema } from "../../src/report/status.ts";
import type { StatusJson } from "../../src/report/status.ts";
import { smallSource, writeBundle } from "./bundles.ts";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import type { Ran } from "./program.ts";
import { outlineServer, serve } from "./servers.ts";

let cwd: string;
beforeEach(() => {
  cwd = tempFolder();
});

const run = (...args: string[]): Promise<Ran> => mlferryHere(args, { cwd });

async function status(...args: string[]): Promise<StatusJson> {
  const ran = await run("status", ...args, "--json");
  expect(ran, ran.stderr).toMatchObject({ code: 0, stderr: "" });
  return statusSchema.parse(JSON.parse(ran.stdout));
}

/** A server of whose four runs one lacks its file until `mend` is called. */
async function brokenServer(): Promise<{ address: string; mend: () => void }> {
  let isBroken = true;
  const whole = outlineServer();
  const address = await serve((request: IncomingMessage, response: ServerResponse) => {
    const run = /([a-d])\1{31}/.exec(request.url ?? "")?.[0] ?? "";
    if (request.url?.includes("/artifacts/list") === true) {
      const files = [{ path: "note.txt", is_dir: false, file_size: 5 }];
      response.writeHead(200, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ root_uri: `mlflow-artifacts:/1/${run}/artifacts`, files }));
    }
    if (isBroken && run.startsWith("b") && request.url?.includes("note.txt") === true) response.writeHead(404).end("{}");
    else whole(request, response);
  });
  return { address, mend: () => void (isBroken = false) };
}

/** Kills an export when its second object's files are asked for. */
async function cutOff(args: (address: string) => string[], how: NodeJS.Signals = "SIGKILL"): Promise<Ran> {
  let kill = (): void => undefined;
  let lists = 0;
  const address = await serve(
    outlineServer(() => {
      lists += 1;
      if (lists !== 2) return Promise.resolve();
      kill();
      return new Promise(() => undefined);
    }),
  );
  return mlferry(args(address), { cwd, onStart: (child) => (kill = () => void child.kill(how)) });
}

describe("mlferry status", () => {
  test("says that no job has run", async () => {
    expect(await run("status")).toEqual({
      code: 0,
      stdout: `no job has run with the state folder ${join(cwd, "state", "mlferry")}\n`,
      stderr: "",
    });
    expect((await status()).jobs).toEqual([]);
  });

  test("lists jobs newest first, and one with what failed and why", async () => {
    await writeBundle(join(cwd, "b.tar"), smallSource());
    await run("copy", "b.tar", "c.tar");
    const { address } = await brokenServer();
    await run("export", address, "-o", "it's.tar", "--quiet");
    const { jobs } = await status();
    expect(jobs.map(({ state, done, failed, files }) => [state, done, failed, files])).toEqual([
      ["partial", 4, 1, 3],
      ["complete", 4, 0, 2],
    ]);
    expect(jobs[0]).toMatchObject({ source: address, target: join(cwd, "it's.tar"), folder: cwd });
    const text = await run("status");
    const [id = "", second = ""] = jobs.map((job) => job.id.slice(0, 8));
    expect(text.stdout).toMatch(
      new RegExp(`^${id}  partial  ${address} → .*\n {10}4 objects, 1 failed, 3 files; begun .* UTC, last touched .* UTC\n`),
    );
    const command = `          mlferry export ${address} -o 'it'\\''s.tar' --quiet`;
    expect(text.stdout).toContain(`\n${command}\n\n${second}  complete  b.tar → ${join(cwd, "c.tar")}\n`);
    const one = await run("status", id.slice(0, 5));
    expect(one.stdout).toContain(`          continue with: mlferry resume ${id}\n`);
    expect(one.stdout).toMatch(/failed, and why\n {2}run:b{32} {2}\w+ {2}one of its files did not arrive\n/);
    expect((await status(id)).failed).toMatchObject([{ key: `run:${"b".repeat(32)}` }]);
  });

  test("refuses an id that no job has, or several", async () => {
    await writeBundle(join(cwd, "b.tar"), smallSource());
    await run("copy", "b.tar", "c.tar");
    expect((await run("status", "zz")).stderr).toContain('has no job "zz"\nhint: mlferry status lists them');
    expect(await run("status", "%")).toMatchObject({ code: 2 });
    // Seventeen ids: two begin with the same digit.
    for (let i = 0; i < 16; i += 1) await run("copy", "b.tar", `c${String(i)}.tar`, "--quiet");
    const digits = (await status()).jobs.map((one) => one.id.slice(0, 1)).sort();
    const shared = digits.find((digit, index) => digit === digits[index + 1]) ?? "";
    const ambiguous = await run("resume", shared);
    expect(ambiguous).toMatchObject({ code: 2 });
    expect(ambiguous.stderr).toMatch(/^error: "." is the beginning of \d+ jobs\nhint: give more digits: /);
  });
});

describe("mlferry resume", () => {
  test("goes on with the newest job that was killed, from another folder", async () => {
    expect((await cutOff((address) => ["export", address, "-o", "b.tar", "--concurrency", "1"])).code).toBeNull();
    expect((await status()).jobs[0]).toMatchObject({ state: "unfinished" });
    mkdirSync(join(cwd, "elsewhere"));
    const ran = await mlferry(["resume", "--json"], { cwd: join(cwd, "elsewhere"), env: { XDG_STATE_HOME: join(cwd, "state") } });
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/^resuming job [0-9a-f]{8}: mlferry export http:/);
    expect(jobSchema.parse(JSON.parse(ran.stdout))).toMatchObject({
      target: join(cwd, "b.tar"),
      totals: { states: { done: 4, skipped: 1 } },
    });
    expect((await status()).jobs).toMatchObject([{ state: "complete", folder: cwd }]);
    expect((await run("verify", "b.tar")).code).toBe(0);
  });

  test("goes on with one that had failures, as often as it takes, and then there is nothing to resume", async () => {
    const { address, mend } = await brokenServer();
    expect((await run("export", address, "-o", "b.tar", "--json")).code).toBe(3);
    expect(await run("resume", "--quiet")).toMatchObject({ code: 3, stderr: "" });
    mend();
    const ran = await run("resume", "--quiet");
    expect(ran, ran.stderr).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("all 5 objects from");
    expect(await run("resume")).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: there is nothing to resume in the state folder ${join(cwd, "state", "mlferry")}\nhint: mlferry status lists the jobs; --state names another folder\n`,
    });
  });

  test("finds a job below --state, whatever the environment says then", async () => {
    const { address, mend } = await brokenServer();
    await run("export", address, "-o", "b.tar", "--state", "here");
    mend();
    mkdirSync(join(cwd, "elsewhere"));
    const ran = await mlferryHere(["resume", "--state", "../here"], { cwd: join(cwd, "elsewhere") });
    expect(ran.code, ran.stderr).toBe(0);
    expect((await status("--state", "here")).jobs).toMatchObject([{ state: "complete" }]);
  });

  test("goes on with an apply, and asks nothing again", async () => {
    const { address, mend } = await brokenServer();
    expect((await run("plan", address, "b.tar", "--out", "a.plan")).code).toBe(0);
    expect((await run("apply", "a.plan")).code).toBe(3);
    mend();
    const ran = await run("resume", "--json", "--quiet");
    expect(ran.code, ran.stderr).toBe(0);
    expect(jobSchema.parse(JSON.parse(ran.stdout)).plan).toMatchObject({ path: "a.plan", left_out: [] });
    const db = new DatabaseSync(join(cwd, "state", "mlferry", "journal.sqlite"), { readOnly: true });
    expect(db.prepare("SELECT args FROM job").get()).toEqual({ args: expect.stringContaining('"--yes","a.plan"]') as string });
    db.close();
  });

  test("stopped by Ctrl-C it tells how to go on from anywhere", async () => {
    await cutOff((address) => ["export", address, "-o", "b.tar", "--concurrency", "1"]);
    let interrupt = (): void => undefined;
    const silent = await serve(() => interrupt());
    setSource(silent);
    const ran = await mlferry(["resume"], { cwd, onStart: (child) => (interrupt = () => void child.kill("SIGINT")) });
    expect(ran.code, ran.stderr).toBe(130);
    expect(ran.stderr).toMatch(/error: interrupted\nhint: continue with: mlferry resume [0-9a-f]{8}\n$/);
  });

  test("refuses a command that has come to mean another job", async () => {
    const { address } = await brokenServer();
    writeFileSync(join(cwd, "map.yaml"), "experiments:\n  - {from: training, to: a}\n");
    await run("export", address, "-o", "b.tar", "--map", "map.yaml");
    writeFileSync(join(cwd, "map.yaml"), "experiments:\n  - {from: training, to: b}\n");
    const before = readFileSync(join(cwd, "b.tar"));
    const ran = await run("resume");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /error: the command of job [0-9a-f]{8} would do another job now: its mapping file or one of its places has changed\n/,
    );
    expect(readFileSync(join(cwd, "b.tar")).equals(before)).toBe(true);
    expect((await status()).jobs).toHaveLength(1);
  });

  test("refuses one that is at work, complete, without its folder, or of an older mlferry", async () => {
    mkdirSync(join(cwd, "work"));
    const { address } = await brokenServer();
    const state = { XDG_STATE_HOME: join(cwd, "state") };
    await mlferryHere(["export", address, "-o", "b.tar"], { cwd: join(cwd, "work"), env: state });
    const [job] = (await status()).jobs;
    renameSync(join(cwd, "work"), join(cwd, "moved"));
    expect((await run("resume")).stderr).toContain(
      `error: the folder ${join(cwd, "work")}, in which job ${job?.id.slice(0, 8) ?? ""} ran, is gone\n`,
    );
    edit("UPDATE job SET args = NULL");
    expect((await run("resume")).stderr).toContain(
      "was begun by an older mlferry, which did not note how to run it again\nhint: continue with: mlferry export",
    );
    edit("UPDATE job SET state = 'complete'");
    expect((await run("resume", job?.id ?? "")).stderr).toContain(
      "is complete: there is nothing to resume\nhint: what has come since is moved by: mlferry export",
    );
    edit(`UPDATE job SET state = 'running', pid = 4711`);
    const lock = new DatabaseSync(join(cwd, "state", "mlferry", `${job?.id ?? ""}.lock`));
    lock.exec("BEGIN EXCLUSIVE");
    expect((await run("resume", job?.id ?? "")).stderr).toMatch(/^error: job \w{8} is being worked on by process 4711 \(mlferry export/);
    expect((await run("resume")).stderr).toContain("; 1 job is at work\n");
    expect((await run("status")).stdout).toContain("  running (process 4711)  ");
    lock.close();
  });

  function edit(sql: string): void {
    const db = new DatabaseSync(join(cwd, "state", "mlferry", "journal.sqlite"));
    db.exec(sql);
    db.close();
  }

  /** Has the stored command read from another address. */
  function setSource(address: string): void {
    edit(`UPDATE job SET args = json_replace(args, '$[1]', '${address}')`);
  }
});
