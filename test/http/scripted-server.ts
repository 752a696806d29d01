// A real HTTP server on a free port of this machine with one scripted answer per request, and a client for it that never sleeps.
import { createServer } from "node:http";
import type { IncomingHttpHeaders, RequestListener, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { MigrationError } from "../../src/errors.ts";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient, HttpClientOptions, RetryEvent } from "../../src/http/client.ts";
import type { Clock } from "../../src/http/clock.ts";
import { createPacer } from "../../src/http/pace.ts";

/** What the server saw. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Answers one request, whose body has been read in full. */
export type Script = (response: ServerResponse, seen: Seen) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** Refuses connections from now on. */
  stop(): Promise<void>;
}

/** Answers the first request with the first entry and so on; the last entry serves all further requests. */
export function serve(...script: readonly Script[]): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  return listen(seen, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => undefined);
    request.on("end", () => {
      const entry = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) };
      seen.push(entry);
      script[Math.min(seen.length, script.length) - 1]?.(response, entry);
    });
  });
}

/** A server whose listener does all by itself, for what has to happen before a request's end. */
export async function listen(seen: readonly Seen[], listener: RequestListener): Promise<ScriptedServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, stop };
}

export function answer(status: number, body: unknown = {}, headers: Record<string, string> = {}): Script {
  return (response) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": typeof body === "string" ? "text/plain" : "application/json", ...headers }).end(text);
  };
}

/** Closes the connection before a byte of the answer. */
export const reset: Script = (response) => response.socket?.resetAndDestroy();

/** Sends `part` of a body that is announced as `sizeBytes` long and closes the connection. */
export function cutAfter(part: string | Uint8Array, sizeBytes: number, headers: Record<string, string> = {}, status = 200): Script {
  return (response) => {
    response.writeHead(status, { "content-length": String(sizeBytes), ...headers });
    response.write(part, () => response.socket?.end());
  };
}

/** A clock that jumps instead of waiting, and remembers what was waited. */
export function jumpingClock(): Clock & { readonly waits: readonly number[] } {
  const waits: number[] = [];
  let now = Date.UTC(2026, 0, 1);
  return {
    waits,
    now: () => now,
    wait: async (ms) => {
      waits.push(ms);
      now += ms;
    },
  };
}

export interface TestClient extends HttpClient {
  readonly waits: readonly number[];
  readonly retries: readonly RetryEvent[];
}

/** Jitter is at its middle (random 0.5) unless told otherwise. */
export function clientOf(baseUrl: string, options: Partial<HttpClientOptions> = {}): TestClient {
  const clock = jumpingClock();
  const retries: RetryEvent[] = [];
  const client = createHttpClient({
    baseUrl,
    pacer: createPacer({ inFlight: 4, clock }),
    userAgent: "mlferry/test",
    clock,
    random: () => 0.5,
    onRetry: (event) => retries.push(event),
    ...options,
  });
  onTestFinished(() => client.close());
  return Object.defineProperties(client, { waits: { value: clock.waits }, retries: { value: retries } }) as TestClient;
}

/** The MigrationError that a promise ends with. */
export async function errorOf(promise: Promise<unknown>): Promise<MigrationError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof MigrationError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

/** A signal that is not aborted. */
export const never: AbortSignal = new AbortController().signal;
