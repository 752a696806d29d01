// What mlferry placed in an experiment earlier, by provenance: a compact list, loaded once when it is first asked for.

/** As much of a placed run or logged model as a look-up needs. */
export interface Indexed {
  /** The native id. */
  readonly id: string;
  /** The completion mark, once the object is whole. */
  readonly mark?: string;
  readonly deleted: boolean;
}

/** An object of an experiment as the search for provenance tags gives it. */
export interface IndexedObject extends Indexed {
  /** The digest in `mlferry_source`. */
  readonly source: string;
}

export interface PlacedIndex {
  /** The object with this provenance. Loads the experiment's list on the first call; calls meanwhile wait for it. */
  find(experimentId: string, source: string, signal: AbortSignal): Promise<Indexed | undefined>;
  /** The experiment is new, so nothing is in it but what is noted. */
  startEmpty(experimentId: string): void;
  /** An object that was just written, in whole or in part. */
  note(experimentId: string, source: string, object: Indexed): void;
  /** What has changed about an object since. */
  amend(id: string, change: Partial<Omit<Indexed, "id">>): void;
  /** The experiment's objects have changed all at once: what is known of them is asked for again. */
  forget(experimentId: string): void;
}

/** `load` gives every object of the experiment that has a provenance tag, deleted ones included. */
export function createPlacedIndex(load: (experimentId: string, signal: AbortSignal) => AsyncIterable<IndexedObject>): PlacedIndex {
  const lists = new Map<string, Promise<Map<string, Indexed>>>();
  const noted = new Map<string, Map<string, Indexed>>();
  const changes = new Map<string, Partial<Indexed>>();

  function listOf(experimentId: string, signal: AbortSignal): Promise<Map<string, Indexed>> {
    const known = lists.get(experimentId);
    if (known !== undefined) return known;
    const list = collect(load(experimentId, signal));
    lists.set(experimentId, list);
    // A failed load must not be the answer to every later question.
    list.catch(() => lists.delete(experimentId));
    return list;
  }

  return {
    async find(experimentId, source, signal) {
      const object = noted.get(experimentId)?.get(source) ?? (await listOf(experimentId, signal)).get(source);
      return object && { ...object, ...changes.get(object.id) };
    },
    startEmpty: (experimentId) => void lists.set(experimentId, Promise.resolve(new Map<string, Indexed>())),
    note(experimentId, source, object) {
      const own = noted.get(experimentId) ?? new Map<string, Indexed>();
      noted.set(experimentId, own.set(source, object));
      changes.delete(object.id);
    },
    amend: (id, change) => void changes.set(id, { ...changes.get(id), ...change }),
    forget(experimentId) {
      lists.delete(experimentId);
      noted.delete(experimentId);
    },
  };
}

async function collect(objects: AsyncIterable<IndexedObject>): Promise<Map<string, Indexed>> {
  const list = new Map<string, Indexed>();
  for await (const { source, ...object } of objects) {
    const other = list.get(source);
    if (other === undefined || isBetter(object, other)) list.set(source, object);
  }
  return list;
}

/** Of two objects from one source, which only a lost answer can have made, the whole and living one counts. */
function isBetter(object: Indexed, other: Indexed): boolean {
  const worth = (one: Indexed): number => (one.mark === undefined ? 0 : 2) + (one.deleted ? 0 : 1);
  return worth(object) > worth(other);
}
