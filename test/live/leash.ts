// Starts Python processes that cannot outlive this one: each hangs on its standard input (python/supervise.py).
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { ensurePython, PYTHON_DIR } from "./python-env.ts";
import type { MlflowVersion } from "./python-env.ts";

const DEFAULT_TIMEOUT_MS = 600_000;
const STDERR_TAIL_CHARS = 6_000;

export interface RunPythonOptions {
  /** Added to the environment, over what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: 10 minutes. */
  readonly timeoutMs?: number;
  /** Of the client; default: the current one. */
  readonly version?: MlflowVersion;
}

/**
 * Runs a script of test/live/python and gives what it printed on stdout, parsed as JSON. The error of a script that fails,
 * or that prints anything but JSON, holds the end of its stderr.
 */
export async function runPython(script: string, args: readonly string[], options: RunPythonOptions = {}): Promise<unknown> {
  const python = await ensurePython(options.version);
  const child = spawnLeashed(python, [join(PYTHON_DIR, script), ...args], { stdout: "pipe", stderr: "pipe" }, options.env);
  const timer = setTimeout(() => child.stdin?.destroy(), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exitCode(child)]);
  clearTimeout(timer);
  const failure = (what: string): Error => new Error(`${script} ${args.join(" ")}: ${what}\n${stderr.slice(-STDERR_TAIL_CHARS)}`);
  if (code !== 0) throw failure(`exit code ${code}`);
  try {
    return JSON.parse(stdout) as unknown;
  } catch {
    throw failure(`printed no JSON: ${stdout.slice(0, 200)}`);
  }
}

/** Where a leashed process writes: a pipe, or a file descriptor that is open for appending. */
export interface LeashedOutput {
  readonly stdout: "pipe" | number;
  readonly stderr: "pipe" | number;
}

/** Starts `python ARGS…` under the leash; write `stop\n` to its stdin for a polite end, close it for an immediate one. */
export function spawnLeashed(
  python: string,
  args: readonly string[],
  output: LeashedOutput,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawnCommandLeashed(python, [python, ...args], output, env);
}

/** The same with any command; `python` is what runs the leash. */
export function spawnCommandLeashed(
  python: string,
  command: readonly string[],
  output: LeashedOutput,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(python, [join(PYTHON_DIR, "supervise.py"), ...command], {
    stdio: ["pipe", output.stdout, output.stderr],
    env: { ...withoutMlflow(process.env), ...PYTHON_ENV, ...env },
  });
  // A process that ended by itself leaves a broken pipe behind; its exit code tells the story.
  child.stdin?.on("error", () => undefined);
  return child;
}

/** Resolves when the process has ended and its pipes are closed. */
export async function exitCode(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return child.exitCode;
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

const PYTHON_ENV = {
  PYTHONUNBUFFERED: "1",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONUTF8: "1",
  MLFLOW_DISABLE_TELEMETRY: "true",
  MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: "false",
  // Ten job processes per server otherwise, which nothing here needs.
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
};

/** What a developer has set for daily work must not lead the suite to another server. */
function withoutMlflow(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("MLFLOW_")));
}

async function text(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
