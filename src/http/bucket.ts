// A token bucket: how many requests may start per second.
import { waitOrInterrupt } from "./clock.ts";
import type { Clock } from "./clock.ts";

export interface Bucket {
  /** Takes a token, on credit when there is none, and says how long to wait for it. */
  take(): number;
  /** Gives back a token whose wait was aborted. */
  giveBack(): void;
}

/** Begins full: with one second's worth, at least one. */
export function createBucket(ratePerSecond: number, clock: Clock): Bucket {
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

/** Waits for a token; `onWait` is told of a long wait. */
export async function takeToken(
  bucket: Bucket,
  clock: Clock,
  signal: AbortSignal,
  onWait: ((reason: string, ms: number) => void) | undefined,
): Promise<void> {
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
