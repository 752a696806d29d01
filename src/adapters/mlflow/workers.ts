// Several workers at one queue.

/**
 * Takes items from the front of the queue, at most `atOnce` being worked on at a time; `work` may add to its end. The pacer of the host
 * limits further. Throws the first error, while what is being worked on goes on.
 */
export async function workThrough<T>(queue: T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
