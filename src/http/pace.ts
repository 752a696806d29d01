// One pacer per host: how many requests are under way at a time, how many start per second, and the pauses a server asks for.
import pLimit from "p-limit";
import { interrupted, systemClock, throwIfInterrupted, waitOrInterrupt } from "./clock.ts";
import type { Clock } from "./clock.ts";

export interface PacerOptions {
  /** Works under way at a time, at least 1. */
  readonly inFlight: number;
  /** Starts per second; the burst after idleness is one second's worth, at least one. Absent: no limit. */
  readonly ratePerSecond?: number;
  readonly clock?: Clock;
  /** Told of each pause that a server asked for, and of waits for the rate of a second or more. */
  readonly onWait?: (reason: string, ms: number) => void;
}

export interface Pacer {
  /**
   * Runs `work` when its turn comes; it holds its place until its promise settles. An abort before the start throws
   * INTERRUPTED and `work` is never called; once started, the abort is the work's own concern.
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Nothing starts before `ms` from now are over (a server's Retry-After). Of overlapping pauses the later end counts. */
  pause(ms: number, reason: string): void;
  /** Works under way, without those that wait. */
  readonly active: number;
}

/**
 * A pacer for one host, shared by source and target when they are on the same one. A download holds its place while its upload
 * waits for another, so such transfers must be fewer than `inFlight` (engine/schedule.ts sees to it), which must be 2 at least.
 */
export function createPacer(options: PacerOptions): Pacer {
  const clock = options.clock ?? systemClock;
  const limit = pLimit(options.inFlight);
  const bucket = options.ratePerSecond === undefined ? undefined : createBucket(options.ratePerSecond, clock);
  let pausedUntil = 0;
  let active = 0;

  async function turn(signal: AbortSignal): Promise<void> {
    throwIfInterrupted(signal);
    if (bucket !== undefined) await takeToken(bucket, clock, signal, options.onWait);
    // A pause may be prolonged while it is waited out.
    for (let ms = pausedUntil - clock.now(); ms > 0; ms = pausedUntil - clock.now()) await waitOrInterrupt(clock, ms, signal);
  }

  return {
    run: (work, signal) =>
      abortable(signal, (started) =>
        limit(async () => {
          await turn(signal);
          started();
          active += 1;
          try {
            return await work();
          } finally {
            active -= 1;
          }
        }),
      ),
    pause(ms, reason) {
      const until = clock.now() + ms;
      if (until <= pausedUntil) return;
      pausedUntil = until;
      options.onWait?.(reason, ms);
    },
    get active() {
      return active;
    },
  };
}

/** Rejects at an abort that comes before `started` is called: a place in p-limit's queue cannot be given up otherwise. */
function abortable<T>(signal: AbortSignal, begin: (started: () => void) => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) return reject(interrupted(signal));
    const onAbort = (): void => reject(interrupted(signal));
    const started = (): void => signal.removeEventListener("abort", onAbort);
    signal.addEventListener("abort", onAbort, { once: true });
    begin(started).then(resolve, reject).finally(started);
  });
}

interface Bucket {
  /** Takes a token, on credit when there is none, and says how long to wait for it. */
  take(): number;
  /** Gives back a token whose wait was aborted. */
  giveBack(): void;
}

function createBucket(ratePerSecond: number, clock: Clock): Bucket {
  const capacity = Math.max(1, ratePerSecond);
  let tokens = capacity;
  let filledAt = clock.now();
  return {
    take() {
      const now = clock.now();
      tokens = Math.min(capacity, tokens + (Math.max(0, now - filledAt) / 1000) * ratePerSecond) - 1;
      filledAt = now;
      return tokens >= 0 ? 0 : Math.ceil((-tokens / ratePerSecond) * 1000);
    },
    giveBack() {
      tokens += 1;
    },
  };
}

const NOTABLE_WAIT_MS = 1000;

async function takeToken(bucket: Bucket, clock: Clock, signal: AbortSignal, onWait: PacerOptions["onWait"]): Promise<void> {
  const ms = bucket.take();
  if (ms === 0) return;
  if (ms >= NOTABLE_WAIT_MS) onWait?.("limit of requests per second", ms);
  try {
    await waitOrInterrupt(clock, ms, signal);
  } catch (thrown) {
    bucket.giveBack();
    throw thrown;
  }
}
