import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/http/clock.ts";
import type { LevelChange } from "../../src/http/adaptive.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Pacer } from "../../src/http/pace.ts";
import { errorOf, jumpingClock, never } from "./scripted-server.ts";

/** Works that end when told to. */
function held(): { readonly started: string[]; work(name: string): () => Promise<string>; end(name: string): void } {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    started,
    work: (name) => () => {
      started.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    },
    end: (name) => ends.get(name)?.(),
  };
}

/** Lets everything happen that needs no timer. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock that stands still until it is moved. */
function handClock(): Clock & { move(ms: number): Promise<void> } {
  let now = 1000;
  let sleepers: { until: number; wake: () => void }[] = [];
  return {
    now: () => now,
    wait: (ms, signal) =>
      new Promise((wake, reject) => {
        sleepers.push({ until: now + ms, wake });
        signal?.addEventListener("abort", () => reject(new Error("clock was aborted")));
      }),
    async move(ms) {
      now += ms;
      const due = sleepers.filter(({ until }) => until <= now);
      sleepers = sleepers.filter(({ until }) => until > now);
      for (const { wake } of due) wake();
      await settle();
    },
  };
}

describe("pacer", () => {
  it("lets no more works run at a time than asked, and the next one when one ends", async () => {
    const { started, work, end } = held();
    const pacer = createPacer({ inFlight: 2, clock: jumpingClock() });
    const first = pacer.run(work("a"), never);
    void pacer.run(work("b"), never);
    void pacer.run(work("c"), never);
    await settle();
    expect([started, pacer.active]).toEqual([["a", "b"], 2]);
    end("a");
    expect(await first).toBe("a");
    await settle();
    expect([started, pacer.active]).toEqual([["a", "b", "c"], 2]);
  });

  it("frees the place of a work that fails, and passes its error on", async () => {
    const pacer = createPacer({ inFlight: 1, clock: jumpingClock() });
    await expect(pacer.run(() => Promise.reject(new Error("broken")), never)).rejects.toThrow("broken");
    await expect(
      pacer.run(() => {
        throw new Error("broken at once");
      }, never),
    ).rejects.toThrow("broken at once");
    expect(await pacer.run(async () => "next", never)).toBe("next");
    expect(pacer.active).toBe(0);
  });

  it("starts a burst of one second's worth and then keeps the rate", async () => {
    const clock = handClock();
    const pacer = createPacer({ inFlight: 100, ratePerSecond: 4, clock });
    let started = 0;
    for (let number = 0; number < 12; number += 1) void pacer.run(async () => (started += 1), never);
    await settle();
    expect(started).toBe(4);
    await clock.move(249);
    expect(started).toBe(4);
    await clock.move(1);
    expect(started).toBe(5);
    await clock.move(1000);
    expect(started).toBe(9);
  });

  it("does not save up more than one second's worth while idle", async () => {
    const clock = handClock();
    const pacer = createPacer({ inFlight: 100, ratePerSecond: 2, clock });
    await clock.move(60_000);
    let started = 0;
    for (let number = 0; number < 10; number += 1) void pacer.run(async () => (started += 1), never);
    await settle();
    expect(started).toBe(2);
  });

  it("can start one work at once even when the rate is below one per second", async () => {
    const clock = handClock();
    const told: [string, number][] = [];
    const pacer = createPacer({ inFlight: 9, ratePerSecond: 0.1, clock, onWait: (reason, ms) => told.push([reason, ms]) });
    let started = 0;
    for (let number = 0; number < 2; number += 1) void pacer.run(async () => (started += 1), never);
    await settle();
    expect(started).toBe(1);
    expect(told).toEqual([["limit of requests per second", 10_000]]);
    await clock.move(10_000);
    expect(started).toBe(2);
  });

  it("starts nothing during a pause, not even what already waited, and takes the later of two ends", async () => {
    const clock = handClock();
    const told: [string, number][] = [];
    const { started, work, end } = held();
    const pacer = createPacer({ inFlight: 1, clock, onWait: (reason, ms) => told.push([reason, ms]) });
    void pacer.run(work("running"), never);
    void pacer.run(work("queued"), never);
    await settle();
    pacer.pause(2000, "429");
    pacer.pause(500, "shorter");
    end("running");
    await clock.move(1999);
    pacer.pause(1000, "again");
    await clock.move(1);
    expect(started).toEqual(["running"]);
    await clock.move(999);
    expect(started).toEqual(["running", "queued"]);
    expect(told).toEqual([
      ["429", 2000],
      ["again", 1000],
    ]);
  });

  it("gives up a wait for a place, a pause or the rate when aborted, and never starts that work", async () => {
    const clock = handClock();
    const { started, work, end } = held();
    const pacer = createPacer({ inFlight: 1, ratePerSecond: 1, clock });
    const stop = new AbortController();
    void pacer.run(work("running"), never);
    const queued = errorOf(pacer.run(work("queued"), stop.signal));
    await settle();
    stop.abort();
    expect((await queued).code).toBe("INTERRUPTED");
    end("running");
    const stopRate = new AbortController();
    const rated = errorOf(pacer.run(work("rated"), stopRate.signal));
    await settle();
    stopRate.abort();
    expect((await rated).code).toBe("INTERRUPTED");
    await clock.move(1000);
    pacer.pause(1000, "429");
    const stopPause = new AbortController();
    const paused = errorOf(pacer.run(work("paused"), stopPause.signal));
    await settle();
    stopPause.abort();
    expect((await paused).code).toBe("INTERRUPTED");
    const after = pacer.run(work("after"), never);
    await clock.move(5000);
    end("after");
    expect(await after).toBe("after");
    expect(started).toEqual(["running", "after"]);
  });

  it("gives the start that an aborted wait had booked to the next one", async () => {
    const clock = handClock();
    const pacer = createPacer({ inFlight: 9, ratePerSecond: 1, clock });
    const stop = new AbortController();
    let started = 0;
    await pacer.run(async () => (started += 1), never);
    const given = errorOf(pacer.run(async () => (started += 1), stop.signal));
    await settle();
    stop.abort();
    expect((await given).code).toBe("INTERRUPTED");
    await settle();
    void pacer.run(async () => (started += 1), never);
    await clock.move(1000);
    expect(started).toBe(2);
  });

  it("leaves the abort of a started work to the work, and no listener behind", async () => {
    const { work, end } = held();
    const pacer = createPacer({ inFlight: 1, clock: jumpingClock() });
    const stop = new AbortController();
    const running = pacer.run(work("a"), stop.signal);
    await settle();
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
    stop.abort();
    end("a");
    expect(await running).toBe("a");
    expect((await errorOf(pacer.run(work("b"), stop.signal))).code).toBe("INTERRUPTED");
  });
});

describe("an adaptive pacer", () => {
  /** Sends requests of 10 ms each, all at once; a refusal from the server comes as fast. */
  async function flood(
    pacer: Pacer,
    clock: ReturnType<typeof handClock>,
    { requests, refuseAbove }: { requests: number; refuseAbove: number },
  ) {
    const left = Array.from({ length: requests }, async () => {
      for (;;) {
        const place = await pacer.enter("request", never);
        const refused = pacer.active > refuseAbove;
        await clock.wait(10);
        place.tell(refused ? { strain: { reason: "the server answered 429", weight: "usual" } } : { route: "GET /" });
        place.leave();
        if (!refused) return;
      }
    });
    const all = Promise.all(left);
    for (let ms = 0; ms < requests * 10; ms += 5) await clock.move(5);
    return all;
  }

  it("raises and lowers what it lets through, tells of each change, and sums up", async () => {
    const clock = handClock();
    const told: string[] = [];
    const onLevel = ({ from, to, reason }: LevelChange): void => void told.push(`${from} -> ${to}: ${reason}`);
    const pacer = createPacer({ inFlight: 12, adapt: true, clock, onLevel });
    expect(pacer.level).toBe(4);
    await flood(pacer, clock, { requests: 400, refuseAbove: 5 });
    expect(told.slice(0, 2)).toEqual(["4 -> 6: trying more", "6 -> 3: the server answered 429"]);
    pacer.pause(2000, "429");
    await clock.move(500);
    pacer.pause(2000, "429");
    const { level, slowed, pausedMs } = pacer.report();
    expect(level).toMatchObject({ lowest: expect.any(Number) as number, highest: 6, last: pacer.level });
    expect(slowed.get("the server answered 429")).toBeGreaterThan(0);
    expect(pausedMs).toBe(2500);
  });

  it("keeps its number where it is not to adapt", async () => {
    const clock = handClock();
    const pacer = createPacer({ inFlight: 12, clock, onLevel: () => expect.fail("nothing changes") });
    const place = await pacer.enter("request", never);
    place.tell({ strain: { reason: "the server answered 429", weight: "usual" } });
    place.leave();
    await flood(pacer, clock, { requests: 200, refuseAbove: 12 });
    expect(pacer.report()).toEqual({
      level: { last: 12, lowest: 12, highest: 12 },
      slowed: new Map(),
      pausedMs: 0,
      requests: new Map([["", 201]]),
    });
  });
});
