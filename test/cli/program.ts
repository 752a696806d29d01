// Runs the real program as a child process and gives what it printed.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { runProgram } from "../../src/cli/run.ts";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Replaces the folder that the program runs in; its state folder is always below. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Told of each piece of output, to act while the program runs. */
  readonly onOutput?: (child: ChildProcess, text: string) => void;
  /** Handed the child as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Halves the time that a start takes. */
const COMPILED = join(tmpdir(), "mlferry-test-compiled");

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Runs `mlferry ARGS` without a terminal and with nothing in its environment that a test did not put there. */
export function mlferry(args: readonly string[], { cwd, env = {}, onOutput, onStart }: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd,
      env: { HOME: cwd, XDG_STATE_HOME: join(cwd, "state"), PATH: process.env["PATH"] ?? "", NODE_COMPILE_CACHE: COMPILED, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
        onOutput?.(child, text);
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
    onStart?.(child);
  });
}

/** The same without a child, which takes a tenth of the time: for the many ways in which a command line can be wrong. */
export async function mlferryHere(args: readonly string[], { cwd, env = {} }: Pick<RunOptions, "cwd" | "env">): Promise<Ran> {
  const texts = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr"): unknown => ({
    isTTY: false,
    on: () => undefined,
    write: (text: string) => void (texts[name] += text),
  });
  const fake = {
    argv: ["node", "mlferry", ...args],
    env: { XDG_STATE_HOME: join(cwd, "state"), ...env },
    stdin: { isTTY: false },
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    on: () => fake,
    off: () => fake,
  };
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const code = await runProgram(fake as unknown as NodeJS.Process);
    return { code, ...texts };
  } finally {
    process.chdir(before);
  }
}

/** A folder of the test's own, gone when it ends. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mlferry-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
