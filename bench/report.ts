// How measurements are summed up and printed.
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";

/** One measurement of one program. */
export interface Sample {
  readonly requests: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

/** Each quantity's middle value, for itself. */
export function median(samples: readonly Sample[]): Sample {
  const middle = (pick: (sample: Sample) => number): number => {
    const sorted = samples.map(pick).sort((a, b) => a - b);
    const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
    return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
  };
  return { requests: middle((one) => one.requests), seconds: middle((one) => one.seconds), peakBytes: middle((one) => one.peakBytes) };
}

/** A line of a table: `floor   1234 requests   12.3 s (12.1 to 12.9)   85 MiB`. */
export function sampleLine(name: string, samples: readonly Sample[]): string {
  const { requests, seconds, peakBytes } = median(samples);
  const times = samples.map((one) => one.seconds);
  const range = samples.length > 1 ? ` (${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)})` : "";
  return `${name.padEnd(22)}${String(requests).padStart(7)} requests  ${`${seconds.toFixed(1)} s${range}`.padEnd(24)}${mib(peakBytes)}`;
}

/** `requests ×1.01, seconds ×1.20`: the first over the second. */
export function ratioLine(over: readonly Sample[], under: readonly Sample[]): string {
  const [a, b] = [median(over), median(under)];
  const ratio = (x: number, y: number): string => (x / y).toFixed(2);
  return `requests ×${ratio(a.requests, b.requests)}, seconds ×${ratio(a.seconds, b.seconds)}, memory ×${ratio(a.peakBytes, b.peakBytes)}`;
}

export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** Routes that two counts differ in: `GET /version 1, not 0`. */
export function differences(counts: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): string[] {
  const routes = [...new Set([...counts.keys(), ...expected.keys()])].sort();
  const differ = routes.filter((route) => counts.get(route) !== expected.get(route));
  return differ.map((route) => `  ${route}: ${counts.get(route) ?? 0}, not ${expected.get(route) ?? 0}`);
}

/** What the figures depend on, without anything that names the machine. */
export function machineLine(): string {
  const model = cpus()[0]?.model ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB of memory`;
  return `${availableParallelism()} cores (${model}), ${memory}, ${platform()} ${arch()}, Node ${process.versions.node}`;
}

export function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
