// What compressing contents costs and saves: `node bench/compression.ts [--repeat N]`. Bundles of metric histories and of real model
// files are exported anew with and without it, and read whole. No server is in between, so nothing hides the cost.
import { execFile } from "node:child_process";
import { mkdir, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createBundleTarget } from "../src/adapters/bundle/target.ts";
import { createMemory } from "../src/adapters/memory/memory.ts";
import type { Content, MemoryPlace } from "../src/adapters/memory/memory.ts";
import { createMapping } from "../src/model/mapping.ts";
import { execute } from "../src/engine/execute.ts";
import { planSteps } from "../src/engine/plan.ts";
import { prepare } from "../src/engine/preflight.ts";
import { memoryJournal } from "../src/journal/memory-journal.ts";
import type { OriginId } from "../src/model/entities.ts";
import { experiment, point, run } from "../test/contract/builders.ts";
import { ensurePython } from "../test/live/python-env.ts";
import { measureMlferry } from "./measure.ts";
import { benchOptions } from "./options.ts";
import { machineLine, mib, print, ratioLine } from "./report.ts";
import type { Sample } from "./report.ts";
import { scratch } from "./stage.ts";

const HOW = ["none", "auto"] as const;
type How = (typeof HOW)[number];

const RUNS = 100;
const METRICS = 10;
const POINTS = 1000;

/** A regression forest as pickled, and the same compressed by joblib: what people log. */
const MODELS = `
import joblib, numpy, pickle, sys
from sklearn.ensemble import RandomForestRegressor
out = sys.argv[1]
random = numpy.random.default_rng(1)
x = random.normal(size=(20000, 20)); y = x[:, 0] * x[:, 1] + random.normal(size=20000)
forest = RandomForestRegressor(n_estimators=20, n_jobs=1, random_state=1).fit(x, y)
pickle.dump(forest, open(f"{out}/forest.pkl", "wb"))
joblib.dump(forest, f"{out}/forest.joblib", compress=3)
`;

async function main(repeat: number): Promise<void> {
  await using folder = await scratch("compression");
  const { dir } = folder;
  print(machineLine());
  await compare("metric histories", { dir, repeat, source: withMetrics() });
  const models = join(dir, "models");
  await mkdir(models);
  await promisify(execFile)(await ensurePython(), ["-c", MODELS, models]);
  for (const name of (await readdir(models)).sort()) {
    await compare(name, { dir, repeat, source: withFiles({ [name]: await readFile(join(models, name)) }) });
  }
}

async function compare(name: string, { dir, repeat, source }: { dir: string; repeat: number; source: MemoryPlace }): Promise<void> {
  const raw = join(dir, "raw.tar");
  await write(raw, source);
  const written: Record<How, Sample[]> = { none: [], auto: [] };
  const read: Record<How, Sample[]> = { none: [], auto: [] };
  const sizes = { none: 0, auto: 0 };
  const measure = (args: readonly string[]): Promise<Sample> => taken(args, dir);
  for (let round = 0; round < repeat; round += 1) {
    for (const how of HOW) {
      const output = join(dir, `${how}.tar`);
      written[how].push(await measure(["export", raw, "-o", output, "--compression", how, "--force"]));
      read[how].push(await measure(["verify", output]));
      sizes[how] = (await stat(output)).size;
    }
  }
  print("", `${name}: ${mib(sizes.none)}, compressed ${mib(sizes.auto)} (×${(sizes.auto / sizes.none).toFixed(2)})`);
  for (const [what, samples] of [["export", written] as const, ["verify", read] as const]) {
    const rounds = samples.auto.map((one, round) => (one.seconds / (samples.none[round]?.seconds ?? Number.NaN)).toFixed(2));
    print(`  ${what}, auto / none: ${ratioLine(samples.auto, samples.none).replace(/^requests ×\S+ /, "")} (rounds: ${rounds.join(", ")})`);
  }
}

async function taken(args: readonly string[], dir: string): Promise<Sample> {
  // A journal of its own each time: nothing is to be continued.
  const state = join(dir, `state-${Math.round(performance.now())}`);
  const { seconds, peakBytes } = await measureMlferry(args, { name: "mlferry", dir, state });
  return { seconds, peakBytes, requests: 0 };
}

function place(): MemoryPlace {
  return createMemory({ uri: "memory:bench", origin: "00ff" as OriginId, newIds: false });
}

function withMetrics(): MemoryPlace {
  const source = place();
  const home = experiment("home");
  source.load(home.entity);
  for (let index = 0; index < RUNS; index += 1) {
    const names = Array.from({ length: METRICS }, (_, metric) => `metric_${metric}`);
    const points = names.flatMap((name, metric) =>
      Array.from({ length: POINTS }, (_, step) => point(name, Math.sin(index * metric + step) / (step + 1), step)),
    );
    source.load(run(`run ${index}`, home).entity, { points });
  }
  return source;
}

function withFiles(files: NonNullable<Content["files"]>): MemoryPlace {
  const source = place();
  const home = experiment("home");
  source.load(home.entity);
  source.load(run("trained", home).entity, { files });
  return source;
}

async function write(path: string, source: MemoryPlace): Promise<void> {
  const selection = { includeDeleted: true };
  const options = { tool: "bench", source, selection, created: new Date(0), compression: "none", force: true } as const;
  const target = await createBundleTarget(path, options);
  const { signal } = new AbortController();
  const job = { source, target, journal: memoryJournal(), selection, mapping: createMapping({}), onLoss: "refuse" as const };
  const prepared = await prepare({ ...job, inFlight: 8, signal, drain: signal, onEvent: () => undefined });
  for await (const { state } of execute(prepared, planSteps(prepared))) if (state !== "done") throw new Error(state);
  await target.close();
}

await main(benchOptions(process.argv.slice(2)).repeat);
