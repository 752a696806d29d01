// Several lists read at the same time and handed out one after the other.

/** The batches of each key's list, in the order of the keys; the first batches of up to `atOnce` lists are asked for ahead. */
export async function* inOrder<K, T>(keys: readonly K[], atOnce: number, read: (key: K) => AsyncIterable<T>): AsyncGenerator<T> {
  const begun: Begun<T>[] = [];
  const left = [...keys];
  try {
    for (;;) {
      begun.push(...left.splice(0, atOnce - begun.length).map((key) => begin(read(key))));
      const first = begun.shift();
      if (first === undefined) return;
      for (let batch = await first.batch; batch.done !== true; batch = await first.list.next()) yield batch.value;
    }
  } finally {
    for (const { list } of begun) void list.return?.(undefined);
  }
}

interface Begun<T> {
  readonly list: AsyncIterator<T>;
  readonly batch: Promise<IteratorResult<T>>;
}

function begin<T>(lists: AsyncIterable<T>): Begun<T> {
  const list = lists[Symbol.asyncIterator]();
  const batch = list.next();
  // Whoever leaves early must not leave a rejection that nobody sees.
  batch.catch(() => undefined);
  return { list, batch };
}
