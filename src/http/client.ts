// The one way to talk HTTP: requests are paced per host, repeated where that is safe, and fail as MigrationErrors.
// No knowledge of MLflow's routes lives here; adapters have it.
import { MigrationError } from "../errors.ts";
import { createAddress, plainHeaders } from "./address.ts";
import type { Query, RefusalHint } from "./address.ts";
import { isHtml } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { systemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { download } from "./download.ts";
import type { DownloadRequest } from "./download.ts";
import { createExchange } from "./exchange.ts";
import type { Call, Exchange } from "./exchange.ts";
import type { Attempt } from "./failure.ts";
import { readItems } from "./json-items.ts";
import type { TakeItems } from "./json-items.ts";
import { parseJson, stringifyJson } from "./json.ts";
import type { Auth, AuthProvider } from "./login.ts";
import type { Pacer } from "./pace.ts";
import { withRetries } from "./retry.ts";
import type { Repeatable, RetryEvent, RetryPolicy } from "./retry.ts";
import type { Route } from "./route.ts";
import { upload } from "./upload.ts";
import { routeOf } from "./workload.ts";
import type { Uploaded, UploadRequest } from "./upload.ts";

export type { Query, RefusalHint, RefusedCall } from "./address.ts";
export type { DownloadRequest } from "./download.ts";
export type { Auth, AuthProvider } from "./login.ts";
export type { RetryEvent } from "./retry.ts";
export type { Route } from "./route.ts";
export type { UploadRequest } from "./upload.ts";

export interface JsonRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
  /** Percent-encoded, starts with `/`; comes after the path of the base address. */
  readonly path: string;
  readonly query?: Query;
  /** Sent with stringifyJson. */
  readonly body?: unknown;
  /** Sent as `application/x-www-form-urlencoded`, in place of a body. */
  readonly form?: Query;
  /**
   * `safe`: repeating changes nothing more, so failures that may pass are retried. `once`: retried only when the request surely
   * had no effect; otherwise OUTCOME_UNKNOWN is thrown at once.
   */
  readonly repeat: "safe" | "once";
  /** The body of the answer is passed over, as it is no JSON: `{}` is given. */
  readonly ignoresAnswer?: boolean;
}

/** A GET whose answer may be too large to be held. */
export interface ItemsRequest {
  readonly path: string;
  readonly query?: Query;
  /** Longest silence of the server, where it is another one than the client's. */
  readonly timeoutMs?: number;
}

/** A client of one server. All methods may run in parallel; each throws MigrationErrors only. */
export interface HttpClient {
  /** Sends a request with a JSON answer; gives parseJson(body), or `{}` for an empty body. */
  json(request: JsonRequest, signal: AbortSignal): Promise<unknown>;
  /**
   * Like json, but hands over the items of the answer's arrays as they come and gives the answer with these arrays empty. `begin` is
   * called anew for each attempt, which may be repeated from the start.
   */
  items(request: ItemsRequest, begin: () => TakeItems, signal: AbortSignal): Promise<unknown>;
  /** A plain text answer to a GET, such as that of `/version`. */
  text(request: { readonly path: string }, signal: AbortSignal): Promise<string>;
  /**
   * A body from `offset`. Its length is held against Content-Length; a cut connection is resumed with Range (and If-Range) where
   * the server honours it, else ARTIFACT_UNREADABLE. The pacer's place is held until the body is consumed or left.
   */
  download(request: DownloadRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** PUT, unless it says otherwise. `open` is called anew for each attempt, which may be repeated. Errors of the opened stream are passed on as they are. */
  upload(request: UploadRequest, open: () => AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded>;
  /** Without credentials, without a trailing slash. */
  readonly baseUrl: string;
  /** Requests sent so far, retries included. */
  readonly requests: number;
  /** What is sent to prove who asks, in words; undefined: nothing. */
  readonly credential: string | undefined;
  /** How far the server's clock is ahead of ours, by its last answer and to the second; undefined where it tells no time. */
  readonly clockSkewMs: number | undefined;
  /** The same client, with its connections and counts, sending these headers as well. */
  withHeaders(headers: Readonly<Record<string, string>>): HttpClient;
  /** Ends all connections; what is under way fails. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  /** May have a path. A user and password in it are used as basic credentials unless `auth` is given. */
  readonly baseUrl: string;
  readonly auth?: Auth | AuthProvider;
  /** Where the credential is set, for the hint when it is refused. Default: MLflow's own variables. */
  readonly authFrom?: string;
  /** What to do about a 403, from somebody who knows the server. */
  readonly refusalHint?: RefusalHint;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly pacer: Pacer;
  readonly userAgent: string;
  /** Longest silence of the server, before and within an answer; default 120 000, as MLflow's own client. */
  readonly timeoutMs?: number;
  /** Default 7, as MLflow's own client. */
  readonly maxAttempts?: number;
  readonly route?: Route;
  /** Which group of requests one counts to, see PacerOptions.groups. Default: none. */
  readonly groupOf?: (request: { readonly method: string; readonly path: string }) => string | undefined;
  /** Told of the headers of each answer, by a name in lower case. */
  readonly onHeaders?: (header: (name: string) => string | undefined) => void;
  readonly random?: () => number;
  readonly clock?: Clock;
  readonly onRetry?: (event: RetryEvent) => void;
}

/** A client with connections of its own; nothing is sent before the first request. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const exchange = createExchange(createAddress(options), {
    policy: policyOf(options),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    ...(options.route === undefined ? {} : { route: options.route }),
    ...(options.groupOf === undefined ? {} : { groupOf: options.groupOf }),
    ...(options.onHeaders === undefined ? {} : { onHeaders: options.onHeaders }),
  });
  return clientOf(exchange);
}

function clientOf(exchange: Exchange): HttpClient {
  return {
    json: (request, signal) => sendJson(exchange, request, signal),
    items: (request, begin, signal) => takeItems(exchange, request, begin, signal),
    text: (request, signal) => readText(exchange, request, signal),
    download: (request, signal) => download(exchange, request, signal),
    upload: (request, open, signal) => upload(exchange, request, open, signal),
    baseUrl: exchange.baseUrl,
    get requests() {
      return exchange.requests;
    },
    credential: exchange.credential,
    get clockSkewMs() {
      return exchange.clockSkewMs;
    },
    withHeaders: (headers) => clientOf(exchange.withHeaders(plainHeaders(headers))),
    close: () => exchange.close(),
  };
}

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_ATTEMPTS = 7;

function policyOf(options: HttpClientOptions): RetryPolicy {
  return {
    maxAttempts: options.maxAttempts ?? DEFAULT_ATTEMPTS,
    random: options.random ?? Math.random,
    clock: options.clock ?? systemClock,
    pacer: options.pacer,
    ...(options.onRetry === undefined ? {} : { onRetry: options.onRetry }),
  };
}

async function sendJson(exchange: Exchange, request: JsonRequest, signal: AbortSignal): Promise<unknown> {
  const { method, path, query, repeat } = request;
  const content = contentOf(request);
  const call: Call = {
    method,
    path,
    ...(query === undefined ? {} : { query }),
    headers: { accept: "application/json", ...(content === undefined ? {} : { "content-type": content.type }) },
    ...(content === undefined ? {} : { body: content.body }),
  };
  const repeatable = { method, url: exchange.urlOf(call), repeat, route: routeOf(call), group: exchange.groupOf(call) };
  const { answer, bytes } = await withRetries(repeatable, () => readWhole(exchange, call, signal), exchange.policy, signal);
  return bytes.length === 0 || request.ignoresAnswer === true ? {} : parseAnswer(repeatable, answer, bytes);
}

function contentOf({ body, form }: JsonRequest): { readonly type: string; readonly body: string } | undefined {
  if (form !== undefined)
    return { type: "application/x-www-form-urlencoded", body: new URLSearchParams(form.map(([...pair]) => pair)).toString() };
  return body === undefined ? undefined : { type: "application/json", body: stringifyJson(body) };
}

async function takeItems(exchange: Exchange, request: ItemsRequest, begin: () => TakeItems, signal: AbortSignal): Promise<unknown> {
  const call: Call = { method: "GET", ...request, headers: { accept: "application/json" } };
  // How long its items take is up to whoever takes them.
  const repeatable: Repeatable = { method: "GET", url: exchange.urlOf(call), repeat: "safe", group: exchange.groupOf(call) };
  const attempt = async (): Promise<Attempt<unknown>> => {
    const sent = await exchange.send(call, signal);
    if ("failure" in sent) return sent;
    try {
      return { value: await readItems(sent.value.body, begin()) };
    } catch (thrown) {
      if (thrown instanceof SyntaxError || thrown instanceof TypeError) throw notJson(repeatable, sent.value.statusCode, thrown);
      return { failure: exchange.brokenBody(thrown, call, signal) };
    }
  };
  return withRetries(repeatable, attempt, exchange.policy, signal);
}

async function readText(exchange: Exchange, request: { readonly path: string }, signal: AbortSignal): Promise<string> {
  const call: Call = { method: "GET", path: request.path, headers: { accept: "text/plain, */*;q=0.5" } };
  const asked = { route: routeOf(call), group: exchange.groupOf(call) };
  const repeatable: Repeatable = { method: "GET", url: exchange.urlOf(call), repeat: "safe", ...asked };
  const { bytes } = await withRetries(repeatable, () => readWhole(exchange, call, signal), exchange.policy, signal);
  return new TextDecoder().decode(bytes);
}

interface Whole {
  readonly answer: Answer;
  readonly bytes: Uint8Array;
}

async function readWhole(exchange: Exchange, call: Call, signal: AbortSignal): Promise<Attempt<Whole>> {
  const sent = await exchange.send(call, signal);
  if ("failure" in sent) return sent;
  try {
    return { value: { answer: sent.value, bytes: await sent.value.body.bytes() } };
  } catch (thrown) {
    return { failure: exchange.brokenBody(thrown, call, signal) };
  }
}

/** Replacement characters would be stored as if the server had sent them: text that is no UTF-8 is refused. */
function parseAnswer(call: Repeatable, answer: Answer, bytes: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (thrown) {
    const request = { method: call.method, url: call.url, status: answer.statusCode };
    if (isHtml(answer, Buffer.from(bytes.subarray(0, 200)).toString("latin1"))) {
      throw new MigrationError("NOT_A_REGISTRY", `${call.method} ${call.url} was answered with an HTML page instead of JSON`, {
        hint: "check the address: a login page, a proxy or another site answers there",
        request,
      });
    }
    throw notJson(call, answer.statusCode, thrown);
  }
}

function notJson({ method, url, repeat }: Repeatable, status: number, cause: unknown): MigrationError {
  // The request was carried out, but what it made cannot be read from the answer.
  const code = repeat === "once" ? "OUTCOME_UNKNOWN" : "REQUEST_FAILED";
  return new MigrationError(code, `the answer to ${method} ${url} is not valid JSON`, {
    hint: "check that the address is an MLflow server's and that nothing in between alters its answers",
    request: { method, url, status },
    cause,
  });
}
