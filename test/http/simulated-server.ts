// A server that exists in arithmetic only, with a client that always has a next request: what a number in flight achieves there.
import { createAdaptiveLevel } from "../../src/http/adaptive.ts";
import type { LevelChange, Strain } from "../../src/http/adaptive.ts";

/** How a request fares that is the `inFlight`-th at its time. `random` is from 0 to 1. */
export type SimulatedServer = (
  inFlight: number,
  at: { readonly now: number; readonly random: () => number },
) => { readonly ms: number; readonly strain?: Strain; readonly route?: string };

export interface SimulatedRun {
  /** Answers that were no failures, per second. */
  readonly rate: number;
  readonly changes: readonly (LevelChange & { readonly at: number })[];
  readonly highest: number;
  readonly last: number;
}

export interface SimulateOptions {
  readonly seconds: number;
  readonly ceiling?: number;
  /** Always so many in flight, instead of finding a level. */
  readonly fixed?: number;
  readonly seed?: number;
  /** Most requests that the client ever has. */
  readonly demand?: number;
}

/** Runs a closed loop of requests: whenever fewer are in flight than the level allows, the next one starts. */
export function simulate(
  server: SimulatedServer,
  { seconds, ceiling = 12, fixed, seed = 1, demand = Infinity }: SimulateOptions,
): SimulatedRun {
  const random = seeded(seed);
  const adaptive = createAdaptiveLevel({ ceiling });
  const open: { at: number; startedAt: number; strain?: Strain | undefined; route: string }[] = [];
  const changes: (LevelChange & { at: number })[] = [];
  let answers = 0;
  for (let now = 0; now < seconds * 1000;) {
    while (open.length < Math.min(demand, fixed ?? adaptive.level)) {
      adaptive.begin(now);
      const { ms, strain, route = "GET /" } = server(open.length + 1, { now, random });
      open.push({ at: now + ms, startedAt: now, strain, route });
    }
    const ended = open.reduce((a, b) => (b.at < a.at ? b : a));
    open.splice(open.indexOf(ended), 1);
    now = ended.at;
    if (ended.strain === undefined) answers += 1;
    const change = adaptive.observe(ended, now);
    adaptive.end(now);
    if (change !== undefined) changes.push({ ...change, at: now });
  }
  const highest = Math.max(adaptive.level, ...changes.map(({ from }) => from));
  return { rate: answers / seconds, changes, highest, last: adaptive.level };
}

/** The most that any fixed number in flight up to `ceiling` achieves. */
export function bestFixed(server: SimulatedServer, options: SimulateOptions): number {
  const levels = Array.from({ length: options.ceiling ?? 12 }, (_, index) => index + 1);
  return Math.max(...levels.map((fixed) => simulate(server, { ...options, fixed }).rate));
}

/** Numerical Recipes' generator: the same seed, the same server. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
