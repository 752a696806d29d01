// Who may be under way at one host: a number of places, given out in the order of asking, that may change at any time.
import { interrupted, throwIfInterrupted } from "./clock.ts";

/** A `stream` is a body that is read while something else, often a request to the same host, waits for its bytes. */
export type PlaceKind = "request" | "stream";

export interface Gate {
  /** Waits for a place; gives what leaves it again, to be called once. An abort before that throws INTERRUPTED. */
  enter(kind: PlaceKind, signal: AbortSignal): Promise<() => void>;
  /** Places from now on; who is inside stays. */
  resize(places: number): void;
}

interface Waiter {
  readonly number: number;
  readonly admit: () => void;
}

/**
 * A gate with `places`. Whatever their number, the first stream and the first request may always go in. So those who hold a
 * request's place and wait for a stream, or the other way round, never wait for each other for ever: not when all places are taken
 * by them, and not when the places have become fewer while they were inside.
 */
export function createGate(places: number): Gate {
  const queue: Queue = { limit: places, asked: 0, inside: { request: 0, stream: 0 }, waiting: { request: [], stream: [] } };
  return {
    enter(kind, signal) {
      return new Promise((resolve, reject) => {
        throwIfInterrupted(signal);
        const waiting = queue.waiting[kind];
        const onAbort = (): void => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(interrupted(signal));
        };
        const waiter: Waiter = {
          number: queue.asked++,
          admit() {
            signal.removeEventListener("abort", onAbort);
            resolve(() => leave(queue, kind));
          },
        };
        signal.addEventListener("abort", onAbort, { once: true });
        waiting.push(waiter);
        admit(queue);
      });
    },
    resize(next) {
      queue.limit = next;
      admit(queue);
    },
  };
}

interface Queue {
  limit: number;
  /** How many have ever asked. */
  asked: number;
  readonly inside: Record<PlaceKind, number>;
  readonly waiting: Readonly<Record<PlaceKind, Waiter[]>>;
}

function leave(queue: Queue, kind: PlaceKind): void {
  queue.inside[kind] -= 1;
  admit(queue);
}

/** Lets in whoever may, the one that has waited longest first. */
function admit(queue: Queue): void {
  for (let kind = nextKind(queue); kind !== undefined; kind = nextKind(queue)) {
    queue.inside[kind] += 1;
    queue.waiting[kind].shift()?.admit();
  }
}

function nextKind({ limit, inside, waiting }: Queue): PlaceKind | undefined {
  const isFull = inside.request + inside.stream >= limit;
  const since = (kind: PlaceKind): number => (isFull && inside[kind] > 0 ? Infinity : (waiting[kind][0]?.number ?? Infinity));
  const [request, stream] = [since("request"), since("stream")];
  if (request === stream) return undefined;
  return request < stream ? "request" : "stream";
}
