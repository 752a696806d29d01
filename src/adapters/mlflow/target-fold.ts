// Folds questions that are asked at about the same moment into few requests.

/** Answers several questions of one group at once; what is not there is missing from the answer. */
export type AnswerMany<T> = (group: string, ids: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, T>>;

/**
 * A function that answers for one id, but asks for all ids of its group that come up before the event loop turns, `most` at a
 * time. The request goes out under the signal of the first of them.
 */
export function createFolder<T>(
  most: number,
  answer: AnswerMany<T>,
): (group: string, id: string, signal: AbortSignal) => Promise<T | undefined> {
  const open = new Map<string, { readonly ids: Set<string>; readonly result: Promise<ReadonlyMap<string, T>> }>();
  const start = (group: string, signal: AbortSignal) => {
    const ids = new Set<string>();
    const gathered = new Promise<void>((resolve) => setImmediate(resolve));
    const fold = {
      ids,
      result: gathered.then(() => {
        if (open.get(group) === fold) open.delete(group);
        return answer(group, [...ids], signal);
      }),
    };
    open.set(group, fold);
    return fold;
  };
  return async (group, id, signal) => {
    const current = open.get(group);
    const fold = current === undefined || current.ids.size >= most ? start(group, signal) : current;
    fold.ids.add(id);
    return (await fold.result).get(id);
  };
}
