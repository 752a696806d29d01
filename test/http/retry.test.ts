import { describe, expect, it } from "vitest";
import type { JsonRequest } from "../../src/http/client.ts";
import { createPacer } from "../../src/http/pace.ts";
import { retryAfterMs } from "../../src/http/retry-after.ts";
import { answer, clientOf, cutAfter, errorOf, jumpingClock, listen, never, reset, serve } from "./scripted-server.ts";
import type { Script } from "./scripted-server.ts";

const SAFE: JsonRequest = { method: "GET", path: "/api/x", repeat: "safe" };
const ONCE: JsonRequest = { method: "POST", path: "/api/x", body: { a: 1 }, repeat: "once" };
const OK = answer(200, { ok: true });
const POOL = answer(400, { error_code: "BAD_REQUEST", message: "QueuePool limit of size 5 overflow 10 reached [SQL: SELECT 1]" });
const cutBody = cutAfter('{"a":', 1000);

describe("a request that may be repeated", () => {
  it.each<[string, Script]>([
    ["408", answer(408)],
    ["429", answer(429)],
    ["500", answer(500)],
    ["502", answer(502)],
    ["503", answer(503)],
    ["504", answer(504)],
    ["an exhausted connection pool", POOL],
    ["a reset before the answer", reset],
    ["a body that is cut short", cutBody],
  ])("is sent again after %s", async (_name, fault) => {
    const server = await serve(fault, OK);
    const client = clientOf(server.url);
    expect(await client.json(SAFE, never)).toEqual({ ok: true });
    expect([server.seen.length, client.requests, client.waits]).toEqual([2, 2, [250]]);
  });

  it.each<[string, Script, number]>([
    ["500", answer(500), 3],
    ["502", answer(502), 7],
    ["a reset", reset, 7],
    ["501", answer(501), 1],
    ["400", answer(400, { error_code: "BAD_REQUEST", message: "other" }), 1],
    ["500 INVALID_STATE", answer(500, { error_code: "INVALID_STATE" }), 1],
    ["a refusal that quotes the pool's words", answer(400, { error_code: "INVALID_PARAMETER_VALUE", message: "tag 'QueuePool limit'" }), 1],
  ])("ends after %s with REQUEST_FAILED when it stays so", async (_name, fault, attempts) => {
    const server = await serve(fault);
    const error = await errorOf(clientOf(server.url).json(SAFE, never));
    expect([error.code, server.seen.length]).toEqual(["REQUEST_FAILED", attempts]);
    expect(error.hint).toBeTruthy();
  });

  it("waits longer each time, up to 30 s, and reports each repeat", async () => {
    const server = await serve(answer(502));
    const client = clientOf(server.url, { random: () => 1, maxAttempts: 9 });
    await errorOf(client.json(SAFE, never));
    expect(client.waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(client.retries[1]).toEqual({ method: "GET", url: `${server.url}/api/x`, attempt: 2, waitMs: 1000, reason: "502" });
  });

  it("uses the whole budget on a refused connection of a server that has answered before", async () => {
    const server = await serve(OK);
    const client = clientOf(server.url);
    await client.json(SAFE, never);
    await server.stop();
    const error = await errorOf(client.json(SAFE, never));
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(client.requests).toBe(8);
  });

  it("does not wait anew for a server that has been away for half a minute, until it answers again", async () => {
    const server = await serve(OK);
    const client = clientOf(server.url);
    await client.json(SAFE, never);
    await server.stop();
    const attempts: number[] = [];
    for (let request = 0; request < 4; request += 1) {
      const before = client.requests;
      expect((await errorOf(client.json(SAFE, never))).code).toBe("SERVER_UNREACHABLE");
      attempts.push(client.requests - before);
    }
    // The first two take 15.75 s each.
    expect(attempts).toEqual([7, 7, 3, 3]);
  });
});

describe("a request that may be sent only once", () => {
  it.each<[string, Script]>([
    ["429", answer(429)],
    ["503 with Retry-After", answer(503, {}, { "retry-after": "1" })],
    ["an exhausted connection pool", POOL],
  ])("is sent again after %s, which surely had no effect", async (_name, fault) => {
    const server = await serve(fault, OK);
    expect(await clientOf(server.url).json(ONCE, never)).toEqual({ ok: true });
    expect(server.seen.map(({ body }) => body.toString())).toEqual(['{"a":1}', '{"a":1}']);
  });

  it.each<[string, Script]>([
    ["408", answer(408)],
    ["500", answer(500)],
    ["502", answer(502)],
    ["503", answer(503)],
    ["504", answer(504)],
    ["a reset before the answer", reset],
    ["a body that is cut short", cutBody],
  ])("is OUTCOME_UNKNOWN at once after %s", async (_name, fault) => {
    const server = await serve(fault, OK);
    const client = clientOf(server.url);
    const error = await errorOf(client.json(ONCE, never));
    expect(error.code).toBe("OUTCOME_UNKNOWN");
    expect(error.message).toMatch(/^cannot tell whether POST http:.*\/api\/x took effect: ./);
    expect(error.request?.method).toBe("POST");
    expect([server.seen.length, client.waits]).toEqual([1, []]);
  });

  it("is OUTCOME_UNKNOWN when a reused connection is reset before any byte of the answer", async () => {
    const server = await serve(OK, reset);
    const client = clientOf(server.url);
    await client.json(SAFE, never);
    expect((await errorOf(client.json(ONCE, never))).code).toBe("OUTCOME_UNKNOWN");
    expect(server.seen).toHaveLength(2);
  });

  it.each<[string, Script, string]>([
    ["400", answer(400, { error_code: "INVALID_PARAMETER_VALUE" }), "REQUEST_FAILED"],
    ["404", answer(404), "NOT_FOUND"],
    ["501", answer(501), "REQUEST_FAILED"],
    ["500 INVALID_STATE", answer(500, { error_code: "INVALID_STATE" }), "REQUEST_FAILED"],
  ])("fails plainly after %s, a refusal", async (_name, fault, code) => {
    const server = await serve(fault);
    expect((await errorOf(clientOf(server.url).json(ONCE, never))).code).toBe(code);
    expect(server.seen).toHaveLength(1);
  });
});

describe("Retry-After", () => {
  it.each([
    ["seconds", "7", undefined, 7000],
    ["a date, by our clock", "Thu, 01 Jan 2026 00:01:00 GMT", undefined, 60_000],
    ["a date, by the server's clock", "Thu, 01 Jan 2026 10:00:30 GMT", "Thu, 01 Jan 2026 10:00:00 GMT", 30_000],
    ["no wait", "0", undefined, undefined],
    ["a date that is over", "Wed, 31 Dec 2025 00:00:00 GMT", undefined, undefined],
    ["what cannot be read", "soon", undefined, undefined],
    ["nothing", undefined, undefined, undefined],
  ])("is read from %s", (_name, value, serverDate, expected) => {
    expect(retryAfterMs(value, serverDate, Date.UTC(2026, 0, 1))).toBe(expected);
  });

  it("holds back the whole host without jitter and then goes on", async () => {
    const server = await serve(answer(429, {}, { "retry-after": "7" }), OK);
    const clock = jumpingClock();
    const told: [string, number][] = [];
    const pacer = createPacer({ inFlight: 1, clock, onWait: (reason, ms) => told.push([reason, ms]) });
    const client = clientOf(server.url, { clock, pacer, random: () => 0.1 });
    const other = clientOf(server.url, { clock, pacer });
    await Promise.all([client.json(SAFE, never), other.json(SAFE, never)]);
    expect(clock.waits).toEqual([7000]);
    expect(told).toEqual([["server asked to wait: 429", 7000]]);
    expect(client.retries).toMatchObject([{ waitMs: 7000, reason: "429" }]);
  });

  it("of more than ten minutes is not waited for", async () => {
    const server = await serve(answer(429, {}, { "retry-after": "3600" }));
    const client = clientOf(server.url);
    const error = await errorOf(client.json(SAFE, never));
    expect(error.hint).toBe("the server asks to wait for 60 minutes: run the same command again then");
    expect([client.requests, client.waits]).toEqual([1, []]);
  });
});

describe("an abort", () => {
  it("ends a request that hangs before its answer, or within", async () => {
    for (const start of [false, true]) {
      const stop = new AbortController();
      const server = await serve((response) => {
        if (start) response.write("{");
        setImmediate(() => stop.abort());
      });
      const client = clientOf(server.url);
      expect((await errorOf(client.json(ONCE, stop.signal))).code).toBe("INTERRUPTED");
      expect(client.requests).toBe(1);
    }
  });

  it("ends the wait before a repeat and the wait that a server asked for", async () => {
    for (const fault of [answer(502), answer(429, {}, { "retry-after": "60" })]) {
      const stop = new AbortController();
      const server = await serve(fault);
      const clock = {
        now: () => 0,
        wait: (_ms: number, signal?: AbortSignal) =>
          new Promise<void>((_resolve, reject) => {
            signal?.addEventListener("abort", () => reject(new Error("aborted")));
            setImmediate(() => stop.abort());
          }),
      };
      const client = clientOf(server.url, { clock, pacer: createPacer({ inFlight: 1, clock }) });
      expect((await errorOf(client.json(SAFE, stop.signal))).code).toBe("INTERRUPTED");
      expect(server.seen).toHaveLength(1);
    }
  });

  it("before the start sends nothing", async () => {
    const server = await serve(OK);
    const client = clientOf(server.url);
    expect((await errorOf(client.json(SAFE, AbortSignal.abort()))).code).toBe("INTERRUPTED");
    expect([client.requests, server.seen.length]).toEqual([0, 0]);
  });
});

describe("a server that stays silent", () => {
  it("is given up after the time limit", async () => {
    const server = await listen([], () => undefined);
    const client = clientOf(server.url, { timeoutMs: 20, maxAttempts: 1 });
    const error = await errorOf(client.json(SAFE, never));
    expect(error.message).toBe(`no full answer to GET ${server.url}/api/x: nothing came within 0.02 s`);
    expect((await errorOf(client.json(ONCE, never))).code).toBe("OUTCOME_UNKNOWN");
  });
});
