import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Strain } from "../../src/http/adaptive.ts";
import { createAdaptiveLevel } from "../../src/http/adaptive.ts";
import { bestFixed, simulate } from "./simulated-server.ts";
import type { SimulatedServer } from "./simulated-server.ts";

const REFUSED: Strain = { reason: "the server answered 429", weight: "usual" };
const EXHAUSTED: Strain = { reason: "the server had no database connection left", weight: "lasting" };
const LOST: Strain = { reason: "the connection was reset", weight: "slight" };

/** Half as long to half as long again. */
const varied = (ms: number, random: () => number): number => ms * (0.5 + random());

/** Answers `workers` at a time; what is above waits, and costs `friction` of the speed for each. */
function capacity({ workers, ms, friction = 0 }: { workers: number; ms: number; friction?: number }): SimulatedServer {
  return (inFlight, { random }) => {
    const queued = Math.max(1, inFlight / workers);
    return { ms: varied(ms * queued * (1 + friction * Math.max(0, inFlight - workers)), random) };
  };
}

/** Far away: each answer takes as long, whatever else is under way. */
const distant: SimulatedServer = (_inFlight, { random }) => ({ ms: varied(60, random) });

const shape = fc.record({
  workers: fc.integer({ min: 1, max: 6 }),
  ms: fc.integer({ min: 10, max: 400 }),
  friction: fc.constantFrom(0, 0.02, 0.05),
});
const seed = fc.integer({ min: 1, max: 1_000_000 });

describe("the number of requests in flight", () => {
  it("comes within an eighth of the best fixed number, whatever number of requests the server answers at a time", () => {
    fc.assert(
      fc.property(shape, seed, (server, number) => {
        const options = { seconds: server.ms * 4, seed: number };
        const { rate } = simulate(capacity(server), options);
        expect(rate / bestFixed(capacity(server), options)).toBeGreaterThan(0.875);
      }),
      { numRuns: 30 },
    );
  });

  it("reaches the ceiling where a server is just far away, and never passes it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), seed, (ceiling, number) => {
        const { highest, rate } = simulate(distant, { seconds: 120, ceiling, seed: number });
        expect(highest).toBe(ceiling);
        expect(rate / simulate(distant, { seconds: 120, fixed: ceiling, seed: number }).rate).toBeGreaterThan(0.85);
      }),
      { numRuns: 15 },
    );
  });

  it("stays low where more only makes each answer take longer, and says so", () => {
    const { changes, last } = simulate(capacity({ workers: 1, ms: 10, friction: 0.05 }), { seconds: 60 });
    expect(last).toBeLessThanOrEqual(3);
    expect(changes.map(({ reason }) => reason)).toContain("more in flight did not bring more answers");
  });

  it("is halved at once by a 429, and held just below what brought it, with few refusals after that", () => {
    const gateway: SimulatedServer = (inFlight, { random }) => (inFlight > 5 ? { ms: 3, strain: REFUSED } : { ms: varied(40, random) });
    const { changes, last, rate } = simulate(gateway, { seconds: 120 });
    expect(changes.find(({ reason }) => reason === REFUSED.reason)).toMatchObject({ from: 6, to: 3 });
    expect(last).toBe(5);
    expect(changes.filter(({ reason }) => reason === REFUSED.reason).length).toBeLessThan(12);
    expect(rate / simulate(gateway, { seconds: 120, fixed: 5 }).rate).toBeGreaterThan(0.9);
  });

  it("falls once for all requests that were in flight together when the server refused them", () => {
    const adaptive = createAdaptiveLevel({ ceiling: 12 });
    for (let request = 0; request < 4; request += 1) adaptive.begin(0);
    const changes = [1, 2, 3, 4].map((now) => {
      const change = adaptive.observe({ startedAt: 0, strain: REFUSED }, now);
      adaptive.end(now);
      return change;
    });
    expect(changes).toEqual([{ from: 4, to: 2, reason: REFUSED.reason }, undefined, undefined, undefined]);
  });

  it("never falls below two, and not below the ceiling where that is one", () => {
    const refusing: SimulatedServer = () => ({ ms: 10, strain: REFUSED });
    expect(simulate(refusing, { seconds: 10 }).last).toBe(2);
    expect(simulate(refusing, { seconds: 10, ceiling: 1 })).toMatchObject({ last: 1, changes: [] });
  });

  it("stalls at most once on a server whose database connections run out, and stays clear of that for ever", () => {
    fc.assert(
      fc.property(fc.integer({ min: 6, max: 15 }), seed, (pool, number) => {
        const server: SimulatedServer = (inFlight, { random }) =>
          inFlight >= pool ? { ms: 30_000, strain: EXHAUSTED } : { ms: varied(50, random) };
        const { changes } = simulate(server, { seconds: 600, ceiling: 64, seed: number });
        const stalls = changes.filter(({ reason }) => reason === EXHAUSTED.reason);
        expect(stalls).toHaveLength(1);
        expect(Math.max(...changes.filter(({ at }) => at > (stalls[0]?.at ?? 0)).map(({ to }) => to))).toBeLessThan(pool);
      }),
      { numRuns: 15 },
    );
  });

  it("never stalls a pool of 15 connections with the default ceiling", () => {
    fc.assert(
      fc.property(seed, (number) => {
        const server: SimulatedServer = (inFlight, { random }) =>
          inFlight >= 15 ? { ms: 30_000, strain: EXHAUSTED } : { ms: varied(50, random) };
        expect(simulate(server, { seconds: 300, seed: number }).changes.filter(({ reason }) => reason === EXHAUSTED.reason)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it("takes a single lost connection for a step back, not for half", () => {
    let lost = false;
    const server: SimulatedServer = (inFlight, at) => {
      const strain = !lost && inFlight === 12 && at.now > 10_000 ? LOST : undefined;
      if (strain !== undefined) lost = true;
      return { ...distant(inFlight, at), ...(strain === undefined ? {} : { strain }) };
    };
    const { changes, last } = simulate(server, { seconds: 120 });
    expect(changes.find(({ reason }) => reason === LOST.reason)).toMatchObject({ from: 12, to: 8 });
    expect(last).toBeGreaterThanOrEqual(8);
  });

  it("follows a server that becomes slower and faster again", () => {
    const fast = capacity({ workers: 8, ms: 40 });
    const slow = capacity({ workers: 1, ms: 40, friction: 0.1 });
    const flapping: SimulatedServer = (inFlight, at) => (Math.floor(at.now / 120_000) % 2 === 0 ? fast : slow)(inFlight, at);
    const { rate } = simulate(flapping, { seconds: 960 });
    const best = (bestFixed(fast, { seconds: 480 }) + bestFixed(slow, { seconds: 480 })) / 2;
    expect(rate / best).toBeGreaterThan(0.8);
  });

  it("is not misled by phases of requests that take longer", () => {
    const server: SimulatedServer = (inFlight, at) => {
      const heavy = Math.floor(at.now / 7000) % 2 === 1;
      const { ms } = capacity({ workers: 4, ms: heavy ? 300 : 20 })(inFlight, at);
      return { ms, route: heavy ? "POST /search" : "GET /one" };
    };
    const { rate } = simulate(server, { seconds: 300 });
    expect(rate / bestFixed(server, { seconds: 300 })).toBeGreaterThan(0.875);
  });

  it("is not raised by a client that has no use for more", () => {
    expect(simulate(distant, { seconds: 120, demand: 2 }).changes).toEqual([]);
  });

  it("takes no notice of how long bodies take", () => {
    const adaptive = createAdaptiveLevel({ ceiling: 12 });
    for (let now = 0; now < 1_000_000; now += 1000) {
      adaptive.begin(now);
      expect(adaptive.observe({ startedAt: now }, now + 900)).toBeUndefined();
      adaptive.end(now + 900);
    }
    expect(adaptive.level).toBe(4);
  });
});
