// How near the found number of requests in flight comes to the best fixed one: `node bench/pacing.ts [--runs N] [--repeat N]`.
// Every scene has a real server; all contestants take turns on it, round by round, and only ratios within a round count.
import { fileURLToPath } from "node:url";
import { fillRegistry } from "./fill.ts";
import { REFUSED } from "./latency-proxy.ts";
import { measure, numberIn } from "./measure.ts";
import { benchOptions } from "./options.ts";
import type { BenchOptions } from "./options.ts";
import { machineLine, print } from "./report.ts";
import { scratch, startStage } from "./stage.ts";
import type { Stage } from "./stage.ts";

interface Scene {
  readonly name: string;
  readonly workers: number;
  readonly latencyMs: number;
  readonly mostInFlight?: number;
}

const SCENES: readonly Scene[] = [
  { name: "1 worker", workers: 1, latencyMs: 0 },
  { name: "4 workers", workers: 4, latencyMs: 0 },
  { name: "1 worker, 20 ms away", workers: 1, latencyMs: 20 },
  { name: "4 workers, 20 ms away", workers: 4, latencyMs: 20 },
  { name: "4 workers, 429 above 5 in flight", workers: 4, latencyMs: 20, mostInFlight: 5 },
];

const JOB = fileURLToPath(new URL("paced-job.ts", import.meta.url));
/** Levels of the contestants; `adaptive:N` has N as its ceiling. */
const ADAPTIVE = "adaptive:12";
const FIXED = ["2", "4", "8", "12"];

interface Taken {
  readonly seconds: number;
  readonly told: string;
}

async function main(options: BenchOptions): Promise<void> {
  await using folder = await scratch("pacing");
  print(machineLine(), JSON.stringify(options.shape));
  const wanted = (name: string): boolean => options.only === undefined || name.includes(options.only);
  for (const scene of SCENES.filter(({ name }) => wanted(name))) {
    await using stage = await startStage({ ...scene, name: "bench-pacing", port: options.port });
    await fillRegistry(stage.server.url, options.shape);
    for (const what of ["export", "import"] as const)
      print("", `${what}, ${scene.name}`, ...(await compare(what, stage, folder.dir, options)));
  }
}

async function compare(what: "export" | "import", stage: Stage, dir: string, { repeat }: BenchOptions): Promise<string[]> {
  const contestants = [ADAPTIVE, ...FIXED];
  const taken = new Map(contestants.map((level) => [level, [] as Taken[]]));
  for (let round = 0; round < repeat; round += 1) {
    // In another order each time: a database grows, and the first of a round would always have the smallest.
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const level = contestants[(turn + round * 2) % contestants.length] ?? ADAPTIVE;
      taken.get(level)?.push(await take(what, stage, { dir, level, round }));
    }
  }
  return lines(taken);
}

async function take(
  what: "export" | "import",
  stage: Stage,
  { dir, level, round }: { readonly dir: string; readonly level: string; readonly round: number },
): Promise<Taken> {
  stage.proxy.take();
  const name = `${level.replace(":", "-")} ${round}`;
  const bundle = `${dir}/${what === "export" ? "written" : "read"}.tar`;
  if (what === "import" && round === 0 && level === ADAPTIVE) await run(["export", stage.server.url, bundle, "4", name], dir);
  const { stdout } = await run([what, stage.proxy.url, bundle, level, name], dir);
  const told: unknown = JSON.parse(stdout);
  const refused = stage.proxy.take().get(REFUSED) ?? 0;
  const { level: levels, changes } = told as { readonly level: { readonly last: number }; readonly changes: readonly string[] };
  const ended = level === ADAPTIVE ? `ended at ${levels.last}: ${changes.slice(0, 12).join("; ")}` : "";
  return { seconds: numberIn(told, "seconds") ?? Number.NaN, told: `${refused === 0 ? "" : `${refused} refused `}${ended}` };
}

function run(args: readonly string[], dir: string): Promise<{ readonly stdout: string }> {
  return measure([process.execPath, JOB, ...args], { name: "job", dir });
}

function lines(taken: ReadonlyMap<string, readonly Taken[]>): string[] {
  const secondsOf = (level: string): number[] => (taken.get(level) ?? []).map(({ seconds }) => seconds);
  const best = FIXED.reduce((a, b) => (sum(secondsOf(b)) < sum(secondsOf(a)) ? b : a));
  const ratios = (level: string): string => {
    const under = secondsOf(level);
    const all = secondsOf(ADAPTIVE).map((seconds, round) => seconds / (under[round] ?? Number.NaN));
    const total = sum(secondsOf(ADAPTIVE)) / sum(under);
    return `x${total.toFixed(2)} (rounds: ${all.map((one) => one.toFixed(2)).join(", ")})`;
  };
  return [
    ...[...taken].map(([level, all]) => {
      const times = all.map(({ seconds }) => seconds.toFixed(1)).join("  ");
      return `  ${level.padEnd(12)} ${times} s  ${all.at(-1)?.told ?? ""}`;
    }),
    `  adaptive / best fixed (${best}): ${ratios(best)}`,
    `  adaptive / fixed 8: ${ratios("8")}`,
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

await main(benchOptions(process.argv.slice(2)));
