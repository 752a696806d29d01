// Runs a program as a process of its own and tells what it took.
import { open, readFile, rm } from "node:fs/promises";
import { exitCode, spawnLeashed } from "../test/live/leash.ts";
import { ensurePython } from "../test/live/python-env.ts";
import { fileURLToPath } from "node:url";

export interface Measured {
  /** From start to end of the process. */
  readonly seconds: number;
  /** Greatest resident memory. */
  readonly peakBytes: number;
  readonly stdout: string;
}

export interface MeasureOptions {
  /** For messages and the names of the log files. */
  readonly name: string;
  /** Where the process writes its log files. */
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the command to its end. Throws with the end of its output when it fails. */
export async function measure(command: readonly string[], { name, dir, env }: MeasureOptions): Promise<Measured> {
  const result = `${dir}/${name}.json`;
  await rm(result, { force: true });
  const [stdout, stderr] = await Promise.all([open(`${dir}/${name}.out`, "w"), open(`${dir}/${name}.err`, "w")]);
  const child = spawnLeashed(await ensurePython(), [TIMED, result, ...command], { stdout: stdout.fd, stderr: stderr.fd }, env);
  const code = await exitCode(child);
  await Promise.all([stdout.close(), stderr.close()]);
  const output = await readFile(`${dir}/${name}.out`, "utf8");
  const told: unknown = code === 0 ? JSON.parse(await readFile(result, "utf8")) : {};
  const ended = numberIn(told, "exit_code");
  if (ended !== 0) {
    const errors = await readFile(`${dir}/${name}.err`, "utf8");
    throw new Error(`${name} ended with ${ended ?? `${code} before it began`}:\n${(output + errors).slice(-TAIL_CHARS)}`);
  }
  return { seconds: numberIn(told, "seconds") ?? Number.NaN, peakBytes: numberIn(told, "peak_bytes") ?? Number.NaN, stdout: output };
}

const TIMED = fileURLToPath(new URL("timed.py", import.meta.url));
const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const TAIL_CHARS = 4000;

/** Runs mlferry from its sources and gives its report too. `state` is the folder of its journals. */
export async function measureMlferry(
  args: readonly string[],
  options: MeasureOptions & { readonly state: string },
): Promise<Measured & { readonly report: unknown }> {
  const measured = await measure([process.execPath, MAIN, ...args, "--state", options.state, "--quiet", "--json"], options);
  return { ...measured, report: JSON.parse(measured.stdout) };
}

/** The number at a path of something that was JSON. */
export function numberIn(value: unknown, ...path: readonly string[]): number | undefined {
  const found = path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
  return typeof found === "number" ? found : undefined;
}
