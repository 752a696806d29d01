// Time as the HTTP layer sees it: passed in, so that tests need not sleep and every wait ends with its signal.
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError } from "../errors.ts";

export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Resolves after `ms`; rejects at once when the signal is aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  wait: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};

/** Waits on `clock`; throws INTERRUPTED when the signal is or gets aborted. */
export async function waitOrInterrupt(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  throwIfInterrupted(signal);
  try {
    await clock.wait(ms, signal);
  } catch (thrown) {
    throwIfInterrupted(signal);
    throw thrown;
  }
  throwIfInterrupted(signal);
}

/** Throws INTERRUPTED when the signal is aborted. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted(signal);
}

/** The error of every request or wait that an abort has ended. */
export function interrupted(signal: AbortSignal): MigrationError {
  return new MigrationError("INTERRUPTED", "interrupted", { cause: signal.reason, hint: "run the same command again: it continues" });
}
