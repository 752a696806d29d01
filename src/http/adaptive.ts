// Finds how many requests a server should be given at a time. Pure: it is told what happens and when, and gives a number.
import { createWorkload } from "./workload.ts";
import type { Workload } from "./workload.ts";

/** What came of an attempt, as far as the number of requests in flight is concerned. */
export interface Observed {
  /** Requests alike, whose times can be compared; absent where the time says nothing of the server, as with long bodies. */
  readonly route?: string | undefined;
  /** Set when the attempt failed in a way that fewer requests at a time may prevent. */
  readonly strain?: Strain | undefined;
}

export interface Strain {
  /** For people: `the server answered 429`. */
  readonly reason: string;
  /**
   * `slight`: may have had other causes; a step back. `usual`: half as many. `lasting`: half as many, and never again as many as now,
   * since to try costs too much.
   */
  readonly weight: "slight" | "usual" | "lasting";
}

export interface LevelChange {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

export interface AdaptiveLevel {
  /** Requests that may be in flight now. */
  readonly level: number;
  /** A request is in flight from now (epoch ms) on. */
  begin(now: number): void;
  /** A request that began at `startedAt` was answered, or failed. Gives the change that follows, if any. */
  observe(observed: Observed & { readonly startedAt: number }, now: number): LevelChange | undefined;
  /** A request is no longer in flight. */
  end(now: number): void;
}

/**
 * Starts low and climbs by half as long as that brings more work done per second; keeps the lower level where it does not, and tries
 * both directions again now and then, ever more rarely. Work is counted in usual durations of the routes (workload.ts), so that
 * requests of different weight can be compared. Strain is answered at once; what follows of requests that were in flight then
 * is not held against the new level.
 */
export function createAdaptiveLevel({ ceiling }: { readonly ceiling: number }): AdaptiveLevel {
  const search = startSearch(ceiling);
  const { workload } = search;
  return {
    get level() {
      return search.level;
    },
    begin: (now) => workload.begin(now),
    observe({ startedAt, route, strain }, now) {
      const current = startedAt >= search.changedAt;
      if (strain !== undefined) return current ? yieldTo(search, strain, now) : undefined;
      if (route === undefined || !current) return undefined;
      workload.add(route, now - startedAt);
      const window = workload.window(search.level, now);
      if (window === undefined) return undefined;
      workload.restart(now);
      // Who does not use the places that there are learns nothing about more of them.
      return window.inFlight < search.level * IN_USE ? undefined : decide(search, window.done, now);
    },
    end: (now) => workload.end(now),
  };
}

/** One worker of a server is busy with one request; a second one keeps it so while an answer is on its way. */
const FLOOR = 2;
const START = 4;
/** Share of what more places could bring at best that they must bring to be kept, and fewer must cost not to be. */
const WORTH_IT = 0.15;
/** The same while climbing first, when little is known: too few in flight far away cost more than too many near by. */
const WORTH_A_CLIMB = -0.1;
const GAIN_MEMORY = 6;
/** Share of the places that must be taken for a window to count. */
const IN_USE = 0.75;
/** Windows at a level before another one is tried. */
const FIRST_PATIENCE = 2;
const LONGEST_PATIENCE = 24;
const FIRST_BARRIER_MS = 10_000;
const LONGEST_BARRIER_MS = 300_000;

/** The state of a search for the level. */
interface Search {
  readonly floor: number;
  readonly ceiling: number;
  readonly workload: Workload;
  level: number;
  /** What began before is not held against the level. */
  changedAt: number;
  held: Held;
  /** Until the first step up that brought nothing, or strain. */
  climbing: boolean;
  /** By the two levels. */
  readonly gains: Map<string, Gain>;
  barrier: Barrier;
}

/** The level that is kept; another one is being tried while they differ. */
interface Held {
  readonly level: number;
  /** Work done per second there. */
  readonly done: number | undefined;
  readonly windows: number;
  readonly patience: number;
  /** Where to look next. */
  readonly next: "up" | "down";
}

function startSearch(ceiling: number): Search {
  const level = Math.min(START, ceiling);
  return {
    floor: Math.min(FLOOR, ceiling),
    ceiling,
    workload: createWorkload(),
    level,
    changedAt: -Infinity,
    held: { level, done: undefined, windows: 0, patience: 1, next: "up" },
    climbing: true,
    gains: new Map(),
    barrier: { below: Infinity, until: -Infinity, lengthMs: FIRST_BARRIER_MS },
  };
}

function move(search: Search, to: number, reason: string, now: number): LevelChange | undefined {
  if (to === search.level) return undefined;
  const change = { from: search.level, to, reason };
  search.level = to;
  search.changedAt = now;
  search.workload.restart(now);
  return change;
}

function yieldTo(search: Search, strain: Strain, now: number): LevelChange | undefined {
  const { level, floor } = search;
  search.barrier = barrierAfter(search.barrier, { level, strain, now });
  search.climbing = false;
  const to = Math.max(floor, strain.weight === "slight" ? stepDown(level) : Math.floor(level / 2));
  search.held = { level: to, done: undefined, windows: 0, patience: FIRST_PATIENCE, next: "up" };
  return move(search, to, strain.reason, now);
}

/** What a full window at the level means. */
function decide(search: Search, done: number, now: number): LevelChange | undefined {
  const { held } = search;
  if (search.level !== held.level) return judge(search, done, now);
  search.held = { ...held, done: held.done === undefined ? done : (held.done + done) / 2, windows: held.windows + 1 };
  return search.held.windows < held.patience ? undefined : tryNext(search, now);
}

function tryNext(search: Search, now: number): LevelChange | undefined {
  const { level, floor, ceiling, barrier } = search;
  const highest = now < barrier.until ? Math.min(ceiling, barrier.below) : ceiling;
  const up = Math.max(level, Math.min(highest, stepUp(level)));
  const down = Math.max(floor, stepDown(level));
  const [wanted, other] = search.held.next === "up" ? [up, down] : [down, up];
  const to = wanted === level ? other : wanted;
  return move(search, to, to > level ? "trying more" : "trying fewer", now);
}

/** A level was tried: keep it, or go back to the one before. */
function judge(search: Search, done: number, now: number): LevelChange | undefined {
  const { held, gains, level } = search;
  const upwards = level > held.level;
  const [low, high] = upwards ? [held.level, level] : [level, held.level];
  const gained = Math.log(done / (held.done ?? done)) * (upwards ? 1 : -1);
  const gain = gainAfter(gains.get(`${low} ${high}`), gained);
  gains.set(`${low} ${high}`, gain);
  const pays = gain.mean >= (search.climbing ? WORTH_A_CLIMB : WORTH_IT) * Math.log(high / low);
  if (pays === upwards) {
    search.held = { level, done, windows: 1, patience: FIRST_PATIENCE, next: upwards ? "up" : "down" };
    return search.climbing ? tryNext(search, now) : undefined;
  }
  search.climbing = false;
  const patience = Math.min(LONGEST_PATIENCE, held.patience * 2);
  search.held = { ...held, windows: 0, patience, next: upwards ? "down" : "up" };
  return move(search, held.level, upwards ? "more in flight did not bring more answers" : "fewer in flight brought fewer answers", now);
}

/** Logarithm of what a step up was seen to bring: a mean over the times it was tried, recent ones counting more. */
interface Gain {
  readonly mean: number;
  readonly times: number;
}

function gainAfter(before: Gain = { mean: 0, times: 0 }, gained: number): Gain {
  const times = Math.min(GAIN_MEMORY, before.times + 1);
  return { mean: before.mean + (gained - before.mean) / times, times };
}

/** A level that brought strain, not to be reached again before a time. */
interface Barrier {
  readonly below: number;
  readonly until: number;
  readonly lengthMs: number;
}

function barrierAfter(before: Barrier, { level, strain, now }: { level: number; strain: Strain; now: number }): Barrier {
  if (before.until === Infinity) return { ...before, below: Math.min(before.below, level - 1) };
  if (strain.weight === "lasting") return { below: stepDown(level), until: Infinity, lengthMs: before.lengthMs };
  const again = before.until > -Infinity;
  const lengthMs = again ? Math.min(LONGEST_BARRIER_MS, before.lengthMs * 2) : before.lengthMs;
  return { below: level - 1, until: now + lengthMs, lengthMs };
}

/** Each about half as many again as the one before. */
const STEPS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

function stepUp(level: number): number {
  return STEPS.find((step) => step > level) ?? level;
}

function stepDown(level: number): number {
  return STEPS.findLast((step) => step < level) ?? level;
}
