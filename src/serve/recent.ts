// Remembers the latest answers to slow questions, up to a total weight: what was asked longest ago is forgotten first.

export interface Recent<K, V> {
  has(key: K): boolean;
  /** The answer, asked for once even when many want it at the same time. A failure is not remembered. */
  get(key: K, ask: () => Promise<V>): Promise<V>;
}

/** An empty memory; `weigh` gives an answer's weight in the unit of `limit`. */
export function createRecent<K, V>(limit: number, weigh: (answer: V) => number): Recent<K, V> {
  const answers = new Map<K, { readonly answer: Promise<V>; weight: number }>();
  let total = 0;
  const forget = (key: K): void => {
    total -= answers.get(key)?.weight ?? 0;
    answers.delete(key);
  };
  const ask = async (key: K, question: () => Promise<V>): Promise<V> => {
    const entry = { answer: question(), weight: 0 };
    answers.set(key, entry);
    try {
      const answer = await entry.answer;
      if (answers.get(key) === entry) {
        entry.weight = weigh(answer);
        total += entry.weight;
        for (const oldest of answers.keys()) {
          if (total <= limit || oldest === key) break;
          forget(oldest);
        }
      }
      return answer;
    } catch (thrown) {
      if (answers.get(key) === entry) forget(key);
      throw thrown;
    }
  };
  return {
    has: (key) => answers.has(key),
    get(key, question) {
      const known = answers.get(key);
      if (known === undefined) return ask(key, question);
      // To the young end of the map, which keeps the order of insertion.
      answers.delete(key);
      answers.set(key, known);
      return known.answer;
    },
  };
}
