// How many callers share one file: one after the other, and one flush for all who wait.

/** Runs works strictly one after the other; the failure of one does not stop those behind it. */
export function serially(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work, work);
    last = done.catch(() => undefined);
    return done;
  };
}

/**
 * Folds simultaneous calls into few: while one run is under way, all who call share the next one, which begins after their
 * call. So every caller's earlier writes are covered by the run that it waits for.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = (): Promise<void> => {
    const started = work().finally(() => {
      if (current === started) current = undefined;
    });
    current = started;
    return started;
  };
  return () => {
    if (current === undefined) return run();
    next ??= current
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return run();
      });
    return next;
  };
}

/** Calls `sync` only where something was added since the last time that it succeeded. `size` tells how much there is. */
export function whenGrown(size: () => number, sync: () => Promise<void>): () => Promise<void> {
  let synced = 0;
  return async () => {
    const reached = size();
    if (synced < reached) await sync();
    synced = Math.max(synced, reached);
  };
}
