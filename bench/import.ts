// Compares an import with the least requests that MLflow's write API allows, and imports again: `node bench/import.ts [--runs N]`.
// Every round takes a fresh real server behind the delaying proxy.
import { fillRegistry } from "./fill.ts";
import type { Shape } from "./fill.ts";
import { totalOf } from "./latency-proxy.ts";
import { measureMlferry, numberIn } from "./measure.ts";
import { benchOptions } from "./options.ts";
import type { BenchOptions } from "./options.ts";
import { machineLine, print, sampleLine } from "./report.ts";
import type { Sample } from "./report.ts";
import { scratch, startStage } from "./stage.ts";
import type { Stage } from "./stage.ts";

interface Taken extends Sample {
  readonly writes: number;
  readonly states: string;
}

async function main(options: BenchOptions): Promise<void> {
  await using folder = await scratch("import");
  const bundle = `${folder.dir}/bundle.tar`;
  print(machineLine(), `a bundle of ${JSON.stringify(options.shape)}`);
  await makeBundle(bundle, folder.dir, options);
  const taken = { first: [] as Taken[], again: [] as Taken[], withoutJournal: [] as Taken[] };
  for (let round = 1; round <= options.repeat; round += 1) {
    await using stage = await startStage({ name: "bench-import", latencyMs: options.latencyMs, port: options.port });
    const states = `${folder.dir}/states-${round}`;
    taken.first.push(await take(stage, { bundle, dir: folder.dir, state: states }));
    taken.again.push(await take(stage, { bundle, dir: folder.dir, state: states }));
    taken.withoutJournal.push(await take(stage, { bundle, dir: folder.dir, state: `${states}-new` }));
    print(`round ${round} of ${options.repeat}: ${taken.first.at(-1)?.seconds.toFixed(1) ?? ""} s`);
  }
  const least = leastWrites(options.shape);
  print("", `least that writes this: ${least} requests`);
  for (const [name, all] of Object.entries(taken)) {
    const last = all.at(-1);
    print(`${sampleLine(NAMES[name] ?? name, all)}  ${last?.writes ?? 0} of them write; ${last?.states ?? ""}`);
  }
  print("", `import / least: requests ×${((taken.first.at(-1)?.requests ?? Number.NaN) / least).toFixed(3)}`);
}

const NAMES: Readonly<Record<string, string>> = {
  first: "import",
  again: "import again",
  withoutJournal: "again, no journal",
};

async function makeBundle(bundle: string, dir: string, { shape, latencyMs, port }: BenchOptions): Promise<void> {
  await using stage = await startStage({ name: "bench-source", latencyMs, port });
  await fillRegistry(stage.server.url, shape);
  await measureMlferry(["export", stage.server.url, "-o", bundle], { name: "export", dir, state: `${dir}/state` });
}

async function take(
  { proxy }: Stage,
  { bundle, dir, state }: { readonly bundle: string; readonly dir: string; readonly state: string },
): Promise<Taken> {
  proxy.take();
  const { seconds, peakBytes, report } = await measureMlferry(["import", bundle, proxy.url], { name: "import", dir, state });
  const counts = proxy.take();
  const writes = new Map([...counts].filter(([route]) => !route.startsWith("GET ") && !route.endsWith("/search")));
  const states = ["done", "skipped", "failed"].map((one) => `${numberIn(report, "totals", "states", one) ?? 0} ${one}`);
  return { seconds, peakBytes, requests: totalOf(counts), writes: totalOf(writes), states: states.join(", ") };
}

/** One create for each object, and for a run its end, its values (up to 1,000 in one call) and its files. */
function leastWrites({ runs, experiments, models, versions, files }: Shape): number {
  return experiments + runs * (3 + files.length) + models * (1 + versions + (versions > 0 ? 1 : 0));
}

await main(benchOptions(process.argv.slice(2)));
