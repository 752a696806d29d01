// Runs the program as its users do: a process of its own, with nothing in its environment that a test did not put there.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { jobSchema, planSchema, verifySchema } from "../../src/report/json.ts";
import type { JobJson, PlanJson, VerifyJson } from "../../src/report/json.ts";

export interface Ran {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Handed the process as soon as it runs, to end it in the middle. */
  readonly onStart?: (child: ChildProcess) => void;
  /** What starts the program, such as a shell that limits it first; the program and its arguments follow. */
  readonly under?: readonly string[];
}

/** A folder to run mlferry in, with journals of its own. */
export interface Workplace extends AsyncDisposable {
  readonly dir: string;
  /** Where its journals are. */
  readonly state: string;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Runs a line as a person would type it into a POSIX shell, `mlferry` being the program. */
  type(line: string): Promise<Ran>;
  /** Runs copy, export or import, and gives its report (`told`: the bad news in it); throws when the command ended without one. */
  job(args: readonly string[], options?: RunOptions): Promise<Ran & { readonly report: JobJson; readonly told: string }>;
  plan(args: readonly string[], options?: RunOptions): Promise<Ran & { readonly report: PlanJson }>;
  verify(args: readonly string[], options?: RunOptions): Promise<Ran & { readonly report: VerifyJson }>;
}

/** A workplace in a new temporary folder, gone at disposal. */
export async function createWorkplace(): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), "mlferry-work-"));
  const state = join(dir, "state");
  const run = (args: readonly string[], { under = [], ...options }: RunOptions = {}): Promise<Ran> =>
    start([...under, process.execPath, MAIN, ...args], { ...options, dir, state });
  const reporting =
    <T>(schema: z.ZodType<T>) =>
    async (args: readonly string[], options: RunOptions = {}): Promise<Ran & { readonly report: T }> => {
      const ran = await run([...args, "--json", "--quiet"], options);
      return { ...ran, report: reportOf(schema, ran) };
    };
  return {
    dir,
    state,
    run,
    type: (line) =>
      start(["sh", "-c", `node=$0 main=$1; mlferry() { "$node" "$main" "$@"; }; ${line}`, process.execPath, MAIN], { dir, state }),
    async job(args, options) {
      const ran = await reporting(jobSchema)(args, options);
      return { ...ran, told: `${ran.stderr}${JSON.stringify([ran.report.outcomes, ran.report.losses], undefined, 1).slice(0, 5000)}` };
    },
    plan: reporting(planSchema),
    verify: reporting(verifySchema),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

type StartOptions = Pick<RunOptions, "env" | "onStart"> & Pick<Workplace, "dir" | "state">;

function start(command: readonly string[], { env, onStart, dir, state }: StartOptions): Promise<Ran> {
  const [program = "", ...rest] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: dir,
      env: { HOME: dir, XDG_STATE_HOME: state, PATH: process.env["PATH"] ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
    onStart?.(child);
  });
}

function reportOf<T>(schema: z.ZodType<T>, { code, stdout, stderr }: Ran): T {
  try {
    return schema.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new Error(`no report (exit code ${String(code)}): ${stdout.slice(0, 500)}\n${stderr.slice(-2000)}`, { cause });
  }
}
