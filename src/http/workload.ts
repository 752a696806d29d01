// How much a server gets done, from how long requests take: a request counts by what its route usually takes.

export interface Window {
  /** Mean number of requests in flight. */
  readonly inFlight: number;
  /** Work done per unit of time; comparable between windows of one workload only. */
  readonly done: number;
}

export interface Workload {
  begin(now: number): void;
  end(now: number): void;
  /** A request of the route took `ms`. */
  add(route: string, ms: number): void;
  /** What was seen since the last restart; undefined while that is too little for `inFlight` requests at a time. */
  window(inFlight: number, now: number): Window | undefined;
  /** Forgets what was seen; what routes usually take is kept, and learns from it. */
  restart(now: number): void;
}

/**
 * By Little's law, requests in flight divided by the time that each takes are requests done per second. The time is taken relative
 * to what the route usually takes, so that a phase of heavy requests does not look like a slow server. What is usual follows the
 * routes relative to each other alone: a server that gets slower on all routes keeps looking slower.
 */
export function createWorkload(): Workload {
  const usual = createUsual();
  let samples: Sample[] = [];
  let active = 0;
  let startedAt = -Infinity;
  let lastAt = -Infinity;
  /** Requests in flight × ms since startedAt. */
  let area = 0;
  const pass = (now: number): void => {
    if (lastAt > -Infinity) area += active * Math.max(0, now - lastAt);
    else startedAt = now;
    lastAt = now;
  };
  return {
    begin(now) {
      pass(now);
      active += 1;
    },
    end(now) {
      pass(now);
      active -= 1;
    },
    add: (route, ms) => void samples.push({ route, ms: Math.max(SHORTEST_MS, ms) }),
    window(inFlight, now) {
      const ms = now - startedAt;
      if (samples.length < Math.max(FEWEST_SAMPLES, inFlight * SAMPLES_PER_PLACE) || ms < SHORTEST_WINDOW_MS) return undefined;
      pass(now);
      const busy = area / ms;
      return { inFlight: busy, done: busy / usual.slowness(samples) };
    },
    restart(now) {
      usual.learn(samples);
      samples = [];
      area = 0;
      startedAt = now;
      lastAt = now;
    },
  };
}

interface Sample {
  readonly route: string;
  readonly ms: number;
}

/** What routes usually take. */
interface Usual {
  /** Mean of how much longer than usual these took; that of the ones before where all are new. */
  slowness(samples: readonly Sample[]): number;
  learn(samples: readonly Sample[]): void;
}

function createUsual(): Usual {
  const routes = new Map<string, { readonly ms: number; readonly seen: number }>();
  let last = 1;
  const slowness = (samples: readonly Sample[]): number => {
    const ratios = samples.flatMap(({ route, ms }) => {
      const expected = routes.get(route);
      return expected === undefined || expected.seen < KNOWN ? [] : [Math.min(HIGHEST_RATIO, ms / expected.ms)];
    });
    return ratios.length === 0 ? last : ratios.reduce((sum, one) => sum + one, 0) / ratios.length;
  };
  return {
    slowness,
    learn(samples) {
      last = slowness(samples);
      for (const { route, ms } of samples) {
        const before = routes.get(route) ?? { ms: 0, seen: 0 };
        const seen = before.seen + 1;
        routes.set(route, { ms: before.ms + (ms / last - before.ms) / Math.min(seen, MEMORY), seen });
      }
      if (routes.size > MOST_ROUTES) routes.clear();
    },
  };
}

/** Requests alike: the method and the route, without the ids and file paths that stand in a path. */
export function routeOf({ method, path }: { readonly method: string; readonly path: string }): string {
  const parts = path.split("/").slice(0, ROUTE_PARTS);
  return `${method} ${parts.map((part) => (/\d{2}|.{30}/.test(part) ? "*" : part)).join("/")}`;
}

/** `/api/2.0/mlflow/runs/search` has six with the empty one; further ones are ids or files. */
const ROUTE_PARTS = 6;

const FEWEST_SAMPLES = 32;
const SAMPLES_PER_PLACE = 8;
const SHORTEST_WINDOW_MS = 200;
/** The clock counts whole ms. */
const SHORTEST_MS = 0.5;
/** One request that hung must not stand for all. */
const HIGHEST_RATIO = 30;
/** Requests of a route before it is known, and those that its usual time is the mean of. */
const KNOWN = 5;
const MEMORY = 100;
const MOST_ROUTES = 200;
