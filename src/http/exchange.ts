// One attempt of one request, over undici: everything that client, download and upload share.
import type { Readable } from "node:stream";
import { Agent } from "undici";
import { MigrationError } from "../errors.ts";
import { shownUrl, targetOf } from "./address.ts";
import type { Address, Query } from "./address.ts";
import { headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { throwIfInterrupted } from "./clock.ts";
import { answerFailure, connectionFailure } from "./failure.ts";
import type { Attempt, Failure } from "./failure.ts";
import type { RetryPolicy } from "./retry.ts";

/** One request as it is sent; names of headers in lower case. */
export interface Call {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
  /** A status above 299 that the caller wants as an answer. */
  readonly accept?: number;
}

export interface Exchange {
  readonly policy: RetryPolicy;
  readonly baseUrl: string;
  readonly requests: number;
  /** See HttpClient. */
  readonly clockSkewMs: number | undefined;
  /** For messages. */
  urlOf(call: Pick<Call, "path" | "query">): string;
  /** Sends and waits for the head of the answer; its body is then the caller's to read. Throws INTERRUPTED. */
  send(call: Call, signal: AbortSignal): Promise<Attempt<Answer>>;
  /** What an error while the body was read means. Throws INTERRUPTED, and what is no failure of the network. */
  brokenBody(thrown: unknown, call: Call, signal: AbortSignal): Failure;
  close(): Promise<void>;
}

export interface ExchangeOptions {
  readonly policy: RetryPolicy;
  /** Longest silence of the server. */
  readonly timeoutMs: number;
}

/** Opens nothing before the first request. */
export function createExchange(address: Address, options: ExchangeOptions): Exchange {
  const line: Line = {
    ...options,
    address,
    agent: createAgent(options.timeoutMs),
    requests: 0,
    contacted: false,
    awaySince: undefined,
    clockSkewMs: undefined,
  };
  return {
    policy: options.policy,
    baseUrl: address.baseUrl,
    get requests() {
      return line.requests;
    },
    get clockSkewMs() {
      return line.clockSkewMs;
    },
    urlOf: (call) => shownUrl(address, call.path, call.query),
    send: (call, signal) => send(line, call, signal),
    brokenBody: (thrown, call, signal) => failureOf(line, thrown, call, signal),
    close: () => line.agent.destroy(),
  };
}

/** An exchange's own state. */
interface Line extends ExchangeOptions {
  readonly address: Address;
  readonly agent: Agent;
  requests: number;
  /** Whether the server has ever answered. */
  contacted: boolean;
  /** Since when no connection could be made. */
  awaySince: number | undefined;
  clockSkewMs: number | undefined;
}

async function send(line: Line, call: Call, signal: AbortSignal): Promise<Attempt<Answer>> {
  throwIfInterrupted(signal);
  const { address } = line;
  line.requests += 1;
  let answer: Answer;
  try {
    answer = await line.agent.request({
      origin: address.origin,
      path: targetOf(address, call.path, call.query),
      method: call.method,
      headers: { ...address.headers, ...call.headers },
      body: call.body ?? null,
      signal,
    });
  } catch (thrown) {
    return { failure: failureOf(line, thrown, call, signal) };
  }
  line.contacted = true;
  line.awaySince = undefined;
  line.clockSkewMs = skewOf(answer, line.policy.clock.now());
  // A body that is destroyed before it was read emits an error, which would end the process without a listener.
  answer.body.on("error", () => undefined);
  if (answer.statusCode < 300 || answer.statusCode === call.accept) return { value: answer };
  const url = shownUrl(address, call.path, call.query);
  const failure = await answerFailure(answer, { method: call.method, url, address, now: line.policy.clock.now() });
  throwIfInterrupted(signal);
  return { failure };
}

/** `Date` counts whole seconds (RFC 9110, 6.6.1): what is within one is none. */
function skewOf(answer: Answer, now: number): number | undefined {
  const date = Date.parse(headerOf(answer, "date") ?? "");
  if (Number.isNaN(date)) return undefined;
  return Math.abs(date - now) < 1000 ? 0 : date - now;
}

function failureOf(line: Line, thrown: unknown, call: Call, signal: AbortSignal): Failure {
  throwIfInterrupted(signal);
  const request = { method: call.method, url: shownUrl(line.address, call.path, call.query) };
  const now = line.policy.clock.now();
  const failure = connectionFailure(thrown, request, { ...line, awayMs: now - (line.awaySince ?? now) });
  if (failure === undefined) throw defect(thrown, request.method, request.url);
  if (failure.error.code === "SERVER_UNREACHABLE") line.awaySince ??= now;
  return failure;
}

/** uvicorn closes idle connections after 5 s; one that is dropped a second earlier is not reset under a request. */
const KEEP_ALIVE_MS = 4000;

/** A pool opens a connection only when all others are busy, so the pacer's limit is the connections' limit as well. */
function createAgent(timeoutMs: number): Agent {
  return new Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
}

function defect(thrown: unknown, method: string, url: string): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MigrationError("INTERNAL", `internal error in ${method} ${url}: ${message}`, {
    cause: thrown,
    hint: "this is a defect of mlferry: please report it with the log file",
  });
}
