// Compares an export with the least that MLflow's API allows, and with mlflow-export-import: `node bench/export.ts [--runs N] [--no-peer]`.
// All read the same real server through the same proxy, one after the other, each as a process of its own.
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { fillRegistry } from "./fill.ts";
import { totalOf } from "./latency-proxy.ts";
import { measure, measureMlferry, numberIn } from "./measure.ts";
import type { MeasureOptions } from "./measure.ts";
import { benchOptions } from "./options.ts";
import type { BenchOptions } from "./options.ts";
import { ensurePeer, peerEnv, peerExport, peerRuns } from "./peer.ts";
import { differences, machineLine, print, ratioLine, sampleLine } from "./report.ts";
import type { Sample } from "./report.ts";
import { scratch, startStage } from "./stage.ts";
import type { Stage } from "./stage.ts";

/** mlferry's default for --concurrency. */
const IN_FLIGHT = 12;
const FLOOR = fileURLToPath(new URL("floor.ts", import.meta.url));

interface Taken extends Sample {
  readonly counts: ReadonlyMap<string, number>;
}

async function main(options: BenchOptions): Promise<void> {
  const peer = options.peerRepeat > 0 ? await ensurePeer() : undefined;
  await using stage = await startStage({ name: "bench-export", latencyMs: options.latencyMs, port: options.port });
  await using folder = await scratch("export");
  print(machineLine(), `filling a server: ${JSON.stringify(options.shape)}`);
  await fillRegistry(stage.server.url, options.shape);
  const taken = { floor: [] as Taken[], mlferry: [] as Taken[], peer: [] as Taken[], threads: [] as Taken[] };
  for (let round = 1; round <= options.repeat; round += 1) {
    taken.floor.push(await takeFloor(stage, folder.dir));
    taken.mlferry.push(await takeMlferry(stage, folder.dir, options));
    if (peer !== undefined && round <= options.peerRepeat) {
      taken.peer.push(await takePeer(stage, folder.dir, { python: peer, threads: false, options }));
      taken.threads.push(await takePeer(stage, folder.dir, { python: peer, threads: true, options }));
    }
    const seconds = Object.entries(taken).flatMap(([name, all]) =>
      all.slice(round - 1).map((one) => `${name} ${one.seconds.toFixed(1)} s`),
    );
    print(`round ${round} of ${options.repeat}: ${seconds.join(", ")}`);
  }
  print("", sampleLine("plain reader (floor)", taken.floor), sampleLine("mlferry export", taken.mlferry));
  if (peer !== undefined) print(sampleLine("peer export-all", taken.peer), sampleLine("peer, --use-threads", taken.threads));
  print("", `mlferry / floor: ${ratioLine(taken.mlferry, taken.floor)}`);
  if (peer !== undefined) {
    // Against the same rounds: how busy the machine is changes from round to round.
    const beside = taken.mlferry.slice(0, options.peerRepeat);
    print(`peer / mlferry: ${ratioLine(taken.peer, beside)}`, `peer with threads / mlferry: ${ratioLine(taken.threads, beside)}`);
  }
  const [floor, mlferry] = [taken.floor.at(-1)?.counts, taken.mlferry.at(-1)?.counts];
  if (floor !== undefined && mlferry !== undefined)
    print("", "requests of mlferry that differ from the floor's:", ...differences(mlferry, floor));
}

/** Runs `work` and adds what the proxy counted meanwhile. */
async function counted(stage: Stage, work: () => Promise<Omit<Sample, "requests">>): Promise<Taken> {
  stage.proxy.take();
  const { seconds, peakBytes } = await work();
  const counts = stage.proxy.take();
  return { seconds, peakBytes, counts, requests: totalOf(counts) };
}

async function takeFloor(stage: Stage, dir: string): Promise<Taken> {
  const command = [process.execPath, FLOOR, stage.proxy.url, String(IN_FLIGHT)];
  return counted(stage, () => measure(command, { name: "floor", dir }));
}

async function takeMlferry(stage: Stage, dir: string, { shape }: BenchOptions): Promise<Taken> {
  const bundle = `${dir}/bundle.tar`;
  const taken = await counted(stage, async () => {
    const measured = await measureMlferry(["export", stage.proxy.url, "-o", bundle], { name: "mlferry", dir, state: `${dir}/state` });
    const files = numberIn(measured.report, "totals", "files");
    if (files !== shape.runs * shape.files.length) throw new Error(`mlferry exported ${String(files)} files`);
    return measured;
  });
  await rm(bundle);
  return taken;
}

async function takePeer(
  stage: Stage,
  dir: string,
  { python, threads, options }: { readonly python: string; readonly threads: boolean; readonly options: BenchOptions },
): Promise<Taken> {
  const output = `${dir}/peer`;
  const how: MeasureOptions = { name: "peer", dir, env: peerEnv(stage.proxy.url) };
  const taken = await counted(stage, async () => {
    const measured = await measure(peerExport(python, output, threads), how);
    const runs = peerRuns(measured.stdout);
    if (runs !== options.shape.runs)
      throw new Error(`the peer exported ${runs} of ${options.shape.runs} runs:\n${measured.stdout.slice(-2000)}`);
    return measured;
  });
  await rm(output, { recursive: true });
  return taken;
}

await main(benchOptions(process.argv.slice(2)));
