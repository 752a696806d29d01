// Concurrency of the engine: a bounded window over a stream, lanes for what must come one after the other, and pipes for files.
import pLimit from "p-limit";

/**
 * Runs `work` over a stream, at most `limit` items at once, started in stream order; yields results as they come. The
 * first error stops the pulling, lets what runs end, and is thrown. `drain` stops the pulling too, without an error.
 */
export async function* concurrently<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
  drain?: AbortSignal,
): AsyncGenerator<R> {
  const running = new Set<Promise<void>>();
  const results: R[] = [];
  const errors: unknown[] = [];
  const start = (item: T): void => {
    const promise: Promise<void> = work(item)
      .then(
        (result) => void results.push(result),
        (error: unknown) => void errors.push(error),
      )
      .finally(() => running.delete(promise));
    running.add(promise);
  };
  try {
    for await (const item of items) {
      if (drain?.aborted === true || errors.length > 0) break;
      start(item);
      while (running.size >= limit) await Promise.race(running);
      yield* results.splice(0);
    }
    while (running.size > 0) {
      await Promise.race(running);
      yield* results.splice(0);
    }
    yield* results.splice(0);
  } finally {
    await Promise.allSettled(running);
  }
  if (errors.length > 0) throw errors[0];
}

/** Like {@link concurrently}, but yields the results in the order of the items. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
  drain?: AbortSignal,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      if (drain?.aborted === true) break;
      const result = work(item);
      // It is awaited in its turn; a failure before that must not count as one that nobody sees.
      result.catch(() => undefined);
      running.push(result);
      const [first] = running;
      if (running.length < limit || first === undefined) continue;
      yield await first;
      void running.shift();
    }
    for (let first = running[0]; first !== undefined; first = running[0]) {
      yield await first;
      void running.shift();
    }
  } finally {
    await Promise.allSettled(running);
  }
}

/** A list as a stream. */
export async function* fromList<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

/** Runs works of one lane one after the other, in the order they were handed in; lanes do not wait for each other. */
export interface Lanes {
  run<R>(lane: string | undefined, work: () => Promise<R>): Promise<R>;
}

export function createLanes(): Lanes {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(lane, work) {
      if (lane === undefined) return work();
      const result = (tails.get(lane) ?? Promise.resolve()).then(work);
      const tail: Promise<void> = result
        .then(
          () => undefined,
          () => undefined,
        )
        .then(() => {
          if (tails.get(lane) === tail) tails.delete(lane);
        });
      tails.set(lane, tail);
      return result;
    },
  };
}

/**
 * Limits file transfers over the whole job to as many as `transfers` gives, which is asked again whenever one comes or ends: what
 * has begun ends, and no more are begun than there is room for now.
 */
export function createPipes(transfers: () => number): <R>(transfer: () => Promise<R>) => Promise<R> {
  const limit = pLimit(Math.max(1, transfers()));
  const adjust = (): void => void (limit.concurrency = Math.max(1, transfers()));
  return (transfer) => {
    adjust();
    return limit(() => transfer().finally(adjust));
  };
}
