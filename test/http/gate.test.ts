import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGate } from "../../src/http/gate.ts";
import type { Gate, PlaceKind } from "../../src/http/gate.ts";
import { errorOf, never } from "./scripted-server.ts";

/** Lets everything happen that needs no timer. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Enters and notes when it is inside. */
function entering(gate: Gate, kind: PlaceKind, inside: string[], name: string): Promise<() => void> {
  return gate.enter(kind, never).then((leave) => {
    inside.push(name);
    return leave;
  });
}

describe("a gate", () => {
  it("lets as many in as it has places, and the others in the order of asking", async () => {
    const gate = createGate(2);
    const inside: string[] = [];
    const first = await entering(gate, "request", inside, "a");
    for (const name of ["b", "c", "d"]) void entering(gate, "request", inside, name);
    await settle();
    expect(inside).toEqual(["a", "b"]);
    first();
    await settle();
    expect(inside).toEqual(["a", "b", "c"]);
  });

  it("lets more in as soon as it has more places, and none while those inside are more than it has now", async () => {
    const gate = createGate(2);
    const inside: string[] = [];
    const leaves = await Promise.all(["a", "b"].map((name) => entering(gate, "request", inside, name)));
    for (const name of ["c", "d", "e"]) void entering(gate, "request", inside, name);
    gate.resize(4);
    await settle();
    expect(inside).toEqual(["a", "b", "c", "d"]);
    gate.resize(2);
    for (const leave of leaves) leave();
    await settle();
    expect(inside).toEqual(["a", "b", "c", "d"]);
  });

  it("lets the first stream in although requests hold all places, and the first request although streams do", async () => {
    const gate = createGate(2);
    const inside: string[] = [];
    const [leave] = await Promise.all(["a", "b"].map((name) => entering(gate, "request", inside, name)));
    void entering(gate, "stream", inside, "stream 1");
    void entering(gate, "stream", inside, "stream 2");
    await settle();
    expect(inside).toEqual(["a", "b", "stream 1"]);
    leave?.();
    await settle();
    expect(inside).toEqual(["a", "b", "stream 1"]);
  });

  it("forgets who gave up waiting, and lets the next one in", async () => {
    const gate = createGate(1);
    const inside: string[] = [];
    const leave = await entering(gate, "request", inside, "a");
    const stop = new AbortController();
    const given = errorOf(gate.enter("request", stop.signal));
    void entering(gate, "request", inside, "c");
    stop.abort();
    expect((await given).code).toBe("INTERRUPTED");
    leave();
    await settle();
    expect(inside).toEqual(["a", "c"]);
  });

  it("ends four transfers within one host that had begun when the places fell to two", async () => {
    const gate = createGate(8);
    const transfers = Array.from({ length: 4 }, () => startTransfer(gate));
    await settle();
    gate.resize(2);
    for (const transfer of transfers) transfer.read();
    await expect(Promise.all(transfers.map(({ ended }) => ended))).resolves.toHaveLength(4);
  });

  it("ends all transfers within one host, however many begin and however its places change meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.oneof(fc.constant("begin" as const), fc.constant("read" as const), fc.integer({ min: 1, max: 12 })), { maxLength: 60 }),
        async (places, steps) => {
          const gate = createGate(places);
          const transfers: Transfer[] = [];
          for (const step of steps) {
            if (step === "begin") transfers.push(startTransfer(gate));
            else if (step === "read") transfers.find(({ reading }) => !reading())?.read();
            else gate.resize(step);
            await settle();
          }
          for (const transfer of transfers) transfer.read();
          expect(await Promise.all(transfers.map(({ ended }) => ended))).toHaveLength(transfers.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

interface Transfer {
  readonly reading: () => boolean;
  /** From now on it asks for the bytes that it sends. */
  read(): void;
  readonly ended: Promise<void>;
}

/** An upload that holds its place and then waits for a download from the same host. */
function startTransfer(gate: Gate): Transfer {
  const begun = Promise.withResolvers<undefined>();
  let reading = false;
  const work = async (): Promise<void> => {
    const leave = await gate.enter("request", never);
    await begun.promise;
    const leaveStream = await gate.enter("stream", never);
    await settle();
    leaveStream();
    leave();
  };
  return {
    reading: () => reading,
    read() {
      reading = true;
      begun.resolve(undefined);
    },
    ended: work(),
  };
}
