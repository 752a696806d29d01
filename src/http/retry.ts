// When a failed request is repeated and how long to wait before: the only place that decides it.
import { MigrationError } from "../errors.ts";
import { waitOrInterrupt } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { Attempt, Failure } from "./failure.ts";
import type { Pacer } from "./pace.ts";

export interface RetryEvent {
  readonly method: string;
  /** Without credentials. */
  readonly url: string;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly waitMs: number;
  readonly reason: string;
}

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly random: () => number;
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly onRetry?: (event: RetryEvent) => void;
}

/** A request as far as repeats are concerned. */
export interface Repeatable {
  readonly method: string;
  readonly url: string;
  readonly repeat: "safe" | "once";
  /** See Observed in adaptive.ts. */
  readonly route?: string | undefined;
  /** See PacerOptions.groups. */
  readonly group?: string | undefined;
}

/** Makes attempts, each with a place of the pacer, until one gives a value or there may be no further one. */
export async function withRetries<T>(
  call: Repeatable,
  attempt: () => Promise<Attempt<T>>,
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    const result = await paced(attempt, { pacer: policy.pacer, ...call }, signal);
    if ("value" in result) return result.value;
    await beforeRepeat(call, { failure: result.failure, number }, policy, signal);
  }
}

/** One attempt, with a place of the pacer, which is told what came of it. */
async function paced<T>(
  attempt: () => Promise<Attempt<T>>,
  { pacer, route, group }: { readonly pacer: Pacer } & Pick<Repeatable, "route" | "group">,
  signal: AbortSignal,
): Promise<Attempt<T>> {
  const place = await pacer.enter("request", signal, group);
  try {
    const result = await attempt();
    place.tell("value" in result ? { route } : { strain: result.failure.strain });
    return result;
  } finally {
    place.leave();
  }
}

/**
 * Waits until the request may be repeated, or throws why it may not. A wait that the server asked for goes to the pacer, which
 * holds back the whole host; other waits are this request's own.
 */
export async function beforeRepeat(
  call: Repeatable,
  failed: { failure: Failure; number: number },
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<void> {
  const { failure, number } = failed;
  const { retryAfterMs } = failure;
  if (retryAfterMs !== undefined) policy.pacer.pause(retryAfterMs, `server asked to wait: ${failure.reason}`);
  if (call.repeat === "once" && failure.effect === "unknown") throw outcomeUnknown(call, failure);
  if (number >= policy.maxAttempts) throw failure.error;
  if (failure.renewed !== true && number > failure.repeats) throw failure.error;
  const waitMs = failure.renewed === true ? 0 : (retryAfterMs ?? backoffMs(number, policy.random));
  policy.onRetry?.({ method: call.method, url: call.url, attempt: number, waitMs, reason: failure.reason });
  if (retryAfterMs === undefined && waitMs > 0) await waitOrInterrupt(policy.clock, waitMs, signal);
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;

/** Exponential with full jitter, so that requests that failed together do not come back together. */
function backoffMs(failedAttempts: number, random: () => number): number {
  return Math.round(random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failedAttempts - 1)));
}

function outcomeUnknown(call: Repeatable, failure: Failure): MigrationError {
  const { request } = failure.error;
  return new MigrationError("OUTCOME_UNKNOWN", `cannot tell whether ${call.method} ${call.url} took effect: ${failure.reason}`, {
    hint: "run the same command again: what was made is looked for first",
    cause: failure.error,
    ...(request === undefined ? {} : { request }),
  });
}
