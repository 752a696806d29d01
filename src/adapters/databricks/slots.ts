// A limit to how much of one thing is under way at a time.

export interface Slots {
  /** Waits for a free place, and works. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createSlots(most: number): Slots {
  const waiting: (() => void)[] = [];
  let open = 0;
  return {
    async run(work) {
      if (open >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      else open += 1;
      try {
        return await work();
      } finally {
        // The place goes to the next one, or is free.
        const next = waiting.shift();
        if (next === undefined) open -= 1;
        else next();
      }
    },
  };
}
