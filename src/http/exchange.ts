// One attempt of one request, over undici: everything that client, download and upload share.
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { MigrationError } from "../errors.ts";
import { shownUrl, targetOf } from "./address.ts";
import type { Address, Query } from "./address.ts";
import { headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { throwIfInterrupted } from "./clock.ts";
import { answerFailure, connectionFailure } from "./failure.ts";
import type { Attempt, Failure } from "./failure.ts";
import type { RetryPolicy } from "./retry.ts";
import { createAgent, shownProxy } from "./route.ts";
import type { Route } from "./route.ts";

/** One request as it is sent; names of headers in lower case. */
export interface Call {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
  /** A status above 299 that the caller wants as an answer. */
  readonly accept?: number;
  /** Longest silence of the server, where it is another one than the exchange's. */
  readonly timeoutMs?: number;
}

export interface Exchange {
  readonly policy: RetryPolicy;
  readonly baseUrl: string;
  readonly requests: number;
  /** These two: see HttpClient. */
  readonly credential: string | undefined;
  readonly clockSkewMs: number | undefined;
  /** The group of requests that it counts to, see PacerOptions.groups. */
  groupOf(call: Pick<Call, "method" | "path">): string | undefined;
  /** For messages. */
  urlOf(call: Pick<Call, "path" | "query">): string;
  /** Sends and waits for the head of the answer; its body is then the caller's to read. Throws INTERRUPTED. */
  send(call: Call, signal: AbortSignal): Promise<Attempt<Answer>>;
  /** What an error while the body was read means. Throws INTERRUPTED, and what is no failure of the network. */
  brokenBody(thrown: unknown, call: Call, signal: AbortSignal): Failure;
  /** The same exchange, sending these headers as well; names in lower case. */
  withHeaders(headers: Readonly<Record<string, string>>): Exchange;
  close(): Promise<void>;
}

export interface ExchangeOptions {
  readonly policy: RetryPolicy;
  /** Longest silence of the server. */
  readonly timeoutMs: number;
  readonly route?: Route;
  readonly groupOf?: (call: Pick<Call, "method" | "path">) => string | undefined;
  /** Told of the headers of each answer. */
  readonly onHeaders?: (header: (name: string) => string | undefined) => void;
}

/** Opens nothing before the first request. */
export function createExchange(address: Address, options: ExchangeOptions): Exchange {
  const agent = createAgent(options.timeoutMs, options.route);
  const line: Line = { ...options, address, agent, requests: 0, contacted: false, awaySince: undefined, clockSkewMs: undefined };
  return exchangeOver(line, {});
}

function exchangeOver(line: Line, added: Readonly<Record<string, string>>): Exchange {
  const { address } = line;
  return {
    policy: line.policy,
    baseUrl: address.baseUrl,
    get requests() {
      return line.requests;
    },
    credential: address.credential,
    get clockSkewMs() {
      return line.clockSkewMs;
    },
    groupOf: (call) => line.groupOf?.(call),
    urlOf: (call) => shownUrl(address, call.path, call.query),
    send: (call, signal) => send(line, { ...call, headers: { ...added, ...call.headers } }, signal),
    brokenBody: (thrown, call, signal) => failureOf(line, thrown, call, signal),
    withHeaders: (headers) => exchangeOver(line, { ...added, ...headers }),
    close: () => line.agent.destroy(),
  };
}

/** An exchange's own state. */
interface Line extends ExchangeOptions {
  readonly address: Address;
  readonly agent: Dispatcher;
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
  const proof = await address.login?.proof();
  line.requests += 1;
  let answer: Answer;
  try {
    answer = await line.agent.request({
      origin: address.origin,
      path: targetOf(address, call.path, call.query),
      method: call.method,
      headers: { ...address.headers, ...proof?.headers, ...call.headers },
      body: call.body ?? null,
      signal,
      ...(call.timeoutMs === undefined ? {} : { headersTimeout: call.timeoutMs, bodyTimeout: call.timeoutMs }),
    });
  } catch (thrown) {
    return { failure: failureOf(line, thrown, call, signal) };
  }
  line.contacted = true;
  line.onHeaders?.((name) => headerOf(answer, name));
  line.awaySince = undefined;
  line.clockSkewMs = skewOf(answer, line.policy.clock.now());
  if (proof !== undefined && answer.statusCode !== 401) address.login?.take(proof);
  // A body that is destroyed before it was read emits an error, which would end the process without a listener.
  answer.body.on("error", () => undefined);
  if (answer.statusCode < 300 || answer.statusCode === call.accept) return { value: answer };
  const url = shownUrl(address, call.path, call.query);
  const wasTaken = proof !== undefined && address.login?.wasTaken(proof) === true;
  const failure = await answerFailure(answer, { call, url, address, now: line.policy.clock.now(), wasTaken });
  throwIfInterrupted(signal);
  const renewed = answer.statusCode === 401 && proof !== undefined && (await address.login?.replaced(proof)) === true;
  return { failure: renewed ? { ...failure, renewed } : failure };
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
  const failure = connectionFailure(thrown, request, {
    contacted: line.contacted,
    timeoutMs: call.timeoutMs ?? line.timeoutMs,
    awayMs: now - (line.awaySince ?? now),
    ...(line.route?.proxy === undefined ? {} : { proxy: shownProxy(line.route.proxy) }),
  });
  if (failure === undefined) throw defect(thrown, request.method, request.url);
  if (failure.error.code === "SERVER_UNREACHABLE") line.awaySince ??= now;
  return failure;
}

function defect(thrown: unknown, method: string, url: string): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MigrationError("INTERNAL", `internal error in ${method} ${url}: ${message}`, {
    cause: thrown,
    hint: "this is a defect of mlferry: please report it with the log file",
  });
}
