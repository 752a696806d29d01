// The question of apply, on a terminal.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { failureOf } from "../../src/cli/failure.ts";
import { createSecrets } from "../../src/cli/secrets.ts";
import { buildProgram } from "../../src/cli/program.ts";
import type { Output, Terminal } from "../../src/cli/terminal.ts";
import { smallSource, writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";

let cwd: string;
beforeEach(async () => {
  cwd = tempFolder();
  await writeBundle(join(cwd, "b.tar"), smallSource());
  expect(await mlferryHere(["plan", "b.tar", "c.tar", "--out", "a.plan"], { cwd })).toMatchObject({ code: 0 });
});

const isWritten = (): boolean => existsSync(join(cwd, "c.tar"));

/** Runs apply on a terminal whose user answers so. */
async function applyOnTerminal(answer: string, ...flags: string[]): Promise<{ asked: string[]; stderr: string; code: number }> {
  const asked: string[] = [];
  let stderr = "";
  const output = (write: (text: string) => void): Output => ({ write, isTTY: true, columns: 100 });
  const signals = { on: () => signals, off: () => signals } as unknown as Terminal["signals"];
  const terminal: Terminal = {
    bytes: {} as Terminal["bytes"],
    stdout: output(() => undefined),
    stderr: output((text) => (stderr += text)),
    env: { XDG_STATE_HOME: join(cwd, "state"), TERM: "dumb" },
    args: ["apply", "a.plan", ...flags],
    version: planTool(),
    now: () => Date.now(),
    signals,
    secrets: createSecrets({}),
    ask: async (question) => (asked.push(question), answer),
    exitCode: 0,
  };
  const before = process.cwd();
  process.chdir(cwd);
  try {
    await buildProgram(terminal).parseAsync([...terminal.args], { from: "user" });
    return { asked, stderr, code: terminal.exitCode };
  } catch (thrown) {
    const failure = failureOf(thrown);
    return { asked, stderr: `${stderr}${failure?.message ?? ""}`, code: failure?.exitCode ?? 0 };
  } finally {
    process.chdir(before);
  }
}

/** The version of mlferry that made the plan. */
function planTool(): string {
  return /"tool":"([^"]*)"/.exec(readFileSync(join(cwd, "a.plan"), "utf8"))?.[1] ?? "";
}

test.each(["n", "", "yep", "no"])("an answer of %j writes nothing", async (answer) => {
  const { asked, stderr, code } = await applyOnTerminal(answer);
  expect(asked).toEqual(["carry it out? [y/N] "]);
  expect(code).toBe(1);
  expect(stderr).toContain("the plan is not carried out; nothing was written");
  expect(isWritten()).toBe(false);
  expect(existsSync(join(cwd, "state"))).toBe(false);
});

test.each(["y", "Y", " yes "])("the plan is shown, and %j carries it out", async (answer) => {
  const { stderr, code } = await applyOnTerminal(answer);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^a\.plan: the plan of \d{4}-\d\d-\d\d \d\d:\d\d UTC, by mlferry /);
  expect(stderr).toContain(`  to ${join(cwd, "c.tar")}\n`);
  expect(stderr).toContain("4 of 4 objects to be written\n");
  expect(isWritten()).toBe(true);
});

test("--yes asks nothing", async () => {
  expect(await applyOnTerminal("n", "--yes")).toMatchObject({ asked: [], code: 0 });
  expect(isWritten()).toBe(true);
});
