// Gathers what is written at about the same time into one commit, so that a journal costs little however small its entries.

export interface GroupCommit<T> {
  /** Resolves once the item is part of a finished commit; rejects with what the commit threw. */
  add(item: T): Promise<void>;
  /** Commits what waits at once. Its failures are told to those who added, not here. */
  flush(): void;
}

/** Most items in one commit: bounds what a crash can cost and how long the event loop is held. */
const MAX_GROUP = 200;

/** Items added within one turn of the event loop (up to 200) are given to `commit` together, in order. */
export function groupCommit<T>(commit: (items: readonly T[]) => void): GroupCommit<T> {
  let waiting: Waiting<T>[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  const flush = (): void => {
    clearImmediate(scheduled);
    scheduled = undefined;
    const group = waiting;
    waiting = [];
    if (group.length > 0) settle(group, commit);
  };

  return {
    add(item) {
      return new Promise<void>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (waiting.length >= MAX_GROUP) flush();
        else scheduled ??= setImmediate(flush);
      });
    },
    flush,
  };
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

function settle<T>(group: readonly Waiting<T>[], commit: (items: readonly T[]) => void): void {
  try {
    commit(group.map((waiting) => waiting.item));
  } catch (thrown) {
    for (const waiting of group) waiting.reject(thrown);
    return;
  }
  for (const waiting of group) waiting.resolve();
}
