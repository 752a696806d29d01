// One attempt of one request, over undici: everything that client, download and upload share.
import type { Readable } from "node:stream";
import { Agent } from "undici";
import { MigrationError } from "../errors.ts";
import { shownUrl, targetOf } from "./address.ts";
import type { Address, Query } from "./address.ts";
import type { Answer } from "./answer.ts";
import { interrupted } from "./clock.ts";
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
  /** For messages. */
  urlOf(call: Pick<Call, "path" | "query">): string;
  /** Sends and waits for the head of the answer; its body is then the caller's to read. Throws INTERRUPTED. */
  send(call: Call, signal: AbortSignal): Promise<Attempt<Answer>>;
  /** What an error while the body was read means. Throws INTERRUPTED, and what is no failure of the network. */
  brokenBody(thrown: unknown, call: Call, signal: AbortSignal): Failure;
  close(): Promise<void>;
}

/** Opens nothing before the first request. */
export function createExchange(address: Address, options: { readonly policy: RetryPolicy; readonly timeoutMs: number }): Exchange {
  const { policy, timeoutMs } = options;
  const agent = createAgent(timeoutMs);
  let requests = 0;
  let contacted = false;
  const urlOf: Exchange["urlOf"] = (call) => shownUrl(address, call.path, call.query);

  function failureOf(thrown: unknown, call: Call, signal: AbortSignal): Failure {
    if (signal.aborted) throw interrupted(signal);
    const failure = connectionFailure(thrown, { method: call.method, url: urlOf(call) }, { contacted, timeoutMs });
    if (failure === undefined) throw defect(thrown, call.method, urlOf(call));
    return failure;
  }

  async function send(call: Call, signal: AbortSignal): Promise<Attempt<Answer>> {
    if (signal.aborted) throw interrupted(signal);
    requests += 1;
    let answer: Answer;
    try {
      answer = await agent.request({
        origin: address.origin,
        path: targetOf(address, call.path, call.query),
        method: call.method,
        headers: { ...address.headers, ...call.headers },
        body: call.body ?? null,
        signal,
      });
    } catch (thrown) {
      return { failure: failureOf(thrown, call, signal) };
    }
    contacted = true;
    // A body that is destroyed before anyone reads it emits an error, which would end the process without a listener.
    answer.body.on("error", () => undefined);
    if (answer.statusCode < 300 || answer.statusCode === call.accept) return { value: answer };
    const failure = await answerFailure(answer, { method: call.method, url: urlOf(call), address, now: policy.clock.now() });
    if (signal.aborted) throw interrupted(signal);
    return { failure };
  }

  return {
    policy,
    baseUrl: address.baseUrl,
    get requests() {
      return requests;
    },
    urlOf,
    send,
    brokenBody: failureOf,
    close: () => agent.destroy(),
  };
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
