// What a failed attempt means: the error to throw, whether the request can have had an effect, and whether a repeat may help.
import { MigrationError } from "../errors.ts";
import type { ErrorCode, FailedRequest } from "../errors.ts";
import { shownLocation } from "./address.ts";
import type { Address, Query, RefusedCall } from "./address.ts";
import type { Strain } from "./adaptive.ts";
import { headerOf, readErrorBody } from "./answer.ts";
import type { Answer, ErrorBody } from "./answer.ts";
import { retryAfterMs } from "./retry-after.ts";

export interface Failure {
  /** Thrown when the attempts end here. */
  readonly error: MigrationError;
  /** `none`: the request surely changed nothing. */
  readonly effect: "none" | "unknown";
  /** How often a repeat may be tried; the client's own limit applies too. */
  readonly repeats: number;
  /** A few words for the log. */
  readonly reason: string;
  /** What the server asked for. */
  readonly retryAfterMs?: number;
  /** Set when fewer requests at a time may prevent it. */
  readonly strain?: Strain;
  /** The credential had expired and there is a fresh one: the repeat need not wait. */
  readonly renewed?: boolean;
}

/** Whether a server refused with MLflow's 503 for a part that it was started without, which is not one of an overloaded server. */
export function isSwitchedOffPart(thrown: unknown): boolean {
  return thrown instanceof MigrationError && thrown.request?.status === 503 && thrown.hint === SWITCHED_OFF_HINT;
}

/** A request that was sent, as far as it tells what was asked. */
interface FailedCall {
  readonly method: string;
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
}

/** The result of one attempt that was neither interrupted nor hit by a defect. */
export type Attempt<T> = { readonly value: T } | { readonly failure: Failure };

/**
 * An answer with a status of 300 or more. Reads its body. `now` is epoch ms, for a Retry-After that is a date; `wasTaken`: the server
 * has accepted the same credential before.
 */
export async function answerFailure(
  answer: Answer,
  context: { call: FailedCall; url: string; address: Address; now: number; wasTaken: boolean },
): Promise<Failure> {
  const { call, url, address } = context;
  const { method } = call;
  const read = await readErrorBody(answer);
  const body = { ...read, text: address.scrub(read.text) };
  const status = answer.statusCode;
  const request = { method, url, status, ...(body.serverCode === undefined ? {} : { serverCode: body.serverCode }) };
  if (status < 400) return redirected(answer, request, address);
  const code = errorCodeOf(status, body);
  const wait = retryAfterMs(headerOf(answer, "retry-after"), headerOf(answer, "date"), context.now);
  const tooLong = wait !== undefined && wait > LONGEST_RETRY_AFTER_MS;
  const said = [status, body.serverCode].filter((part) => part !== undefined).join(" ");
  const message = `server answered ${said} to ${method} ${withoutQuery(url)}${body.text === "" ? "" : `: ${body.text}`}`;
  const hint = tooLong
    ? `the server asks to wait for ${Math.ceil(wait / 60_000)} minutes: run the same command again then`
    : hintOf(code, status, body, context);
  return {
    error: new MigrationError(code, message, { hint, request }),
    ...verdict(status, body, wait),
    ...(tooLong ? { repeats: 0 } : {}),
    reason: said,
    ...strainOf(status, body),
    ...(wait === undefined || tooLong ? {} : { retryAfterMs: wait }),
  };
}

/**
 * An attempt without a full answer. Undefined when the error is none of the network's: then it is a defect.
 * `contacted`: the server has answered before, so a refused connection is likely to pass, unless it has been so for `awayMs` already.
 */
export function connectionFailure(
  thrown: unknown,
  request: FailedRequest,
  context: { contacted: boolean; awayMs: number; timeoutMs: number; proxy?: string },
): Failure | undefined {
  const { code, syscall, message } = networkError(thrown);
  if (code === undefined) return undefined;
  const host = new URL(request.url).origin;
  const fail = (errorCode: ErrorCode, text: string, hint: string): MigrationError =>
    new MigrationError(errorCode, text, { hint, request, cause: thrown });
  if (TLS_TRUST.test(code) || TLS_PROTOCOL.test(code)) {
    const error = fail("SERVER_UNREACHABLE", `cannot reach ${host}: TLS failed (${code})`, TLS_HINT);
    return { error, effect: TLS_TRUST.test(code) ? "none" : "unknown", repeats: 0, reason: code };
  }
  const refusal = PROXY_REFUSAL.exec(message)?.[1];
  if (refusal !== undefined)
    return proxyRefusal(refusal, (text, hint) => fail("SERVER_UNREACHABLE", text, hint), { host, proxy: context.proxy });
  const unconnected = CONNECT_REASONS[code] ?? (syscall === "connect" ? message : undefined);
  if (unconnected !== undefined && (syscall === "connect" || !NEEDS_SYSCALL.has(code))) {
    const error = fail("SERVER_UNREACHABLE", `cannot reach ${host}: ${unconnected}`, `${UNREACHABLE_HINT}${throughProxy(context.proxy)}`);
    const mayPass = context.contacted && context.awayMs < LONGEST_ABSENCE_MS;
    return { error, effect: "none", repeats: mayPass ? Infinity : FIRST_CONTACT_REPEATS, reason: unconnected };
  }
  // Once the server has spoken HTTP, what cannot be parsed is a cut chunked body (of a server without keep-alive, as gunicorn is).
  if (code === PARSER_ERROR && !context.contacted) {
    const error = fail(
      "NOT_A_REGISTRY",
      `${host} does not speak HTTP`,
      "check host, port and whether the address starts with http or https",
    );
    return { error, effect: "unknown", repeats: 0, reason: "no HTTP" };
  }
  const lost = LOST_REASONS[code];
  if (lost === undefined) return undefined;
  const reason = lost.replace("{limit}", `${context.timeoutMs / 1000} s`);
  const error = fail("REQUEST_FAILED", `no full answer to ${request.method} ${withoutQuery(request.url)}: ${reason}`, LOST_HINT);
  const strain: Strain = { reason, weight: SILENCES.has(code) ? "usual" : "slight" };
  return { error, effect: "unknown", repeats: Infinity, reason, strain };
}

/** Longer than this nobody waits unasked. */
const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

/** A mistyped address should be told within about two seconds: 0.5 s and 1 s at most are waited. */
const FIRST_CONTACT_REPEATS = 2;

/** So long a server may be away to be restarted; after that, no request waits for it again. */
const LONGEST_ABSENCE_MS = 30_000;

/** MLflow answers 500 to much that fails the same way each time. */
const REPEATS_OF_500 = 2;

/** undici's two ways to say that a proxy did not open the way; they have no code of their own. */
const PROXY_REFUSAL = /^Proxy (?:response|Authentication Required) \((\d+)\)/;

function proxyRefusal(
  status: string,
  fail: (text: string, hint: string) => MigrationError,
  { host, proxy }: { host: string; proxy: string | undefined },
): Failure {
  const wantsLogin = status === "407";
  const hint = wantsLogin ? "the proxy wants a user name and a password: write them into its address" : UNREACHABLE_HINT;
  const error = fail(`cannot reach ${host}: the proxy answered ${status}`, `${hint}${throughProxy(proxy)}`);
  return { error, effect: "none", repeats: wantsLogin ? 0 : FIRST_CONTACT_REPEATS, reason: `proxy: ${status}` };
}

function throughProxy(proxy: string | undefined): string {
  return proxy === undefined ? "" : `; requests go through the proxy ${proxy} unless NO_PROXY names the host`;
}

const UNREACHABLE_HINT = "is the server running? check host and port";
/** Given for nothing else: isSwitchedOffPart knows it by this. */
const SWITCHED_OFF_HINT = "the server was started without this part";
const LOST_HINT = "the server may be overloaded or restarting: run the same command again, it continues";
const TLS_HINT =
  "check the address; for a certificate of one's own authority give its file as ca_file in mlferry.yaml, or in NODE_EXTRA_CA_CERTS";

const CONNECT_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name could not be looked up",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  EADDRNOTAVAIL: "address not available",
  UND_ERR_PRX_CONN: "the proxy closed the connection",
  UND_ERR_PRX_TLS: "the proxy's certificate is for another name",
  UND_ERR_CONNECT_TIMEOUT: "no connection within the time limit",
  ETIMEDOUT: "no connection within the time limit",
};

/** Codes that an established connection may end with as well. */
const NEEDS_SYSCALL: ReadonlySet<string> = new Set(["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]);

/** undici's parser errors come with or without a code of their own, so they go by their name. */
const PARSER_ERROR = "HTTPParserError";

const LOST_REASONS: Readonly<Record<string, string>> = {
  [PARSER_ERROR]: "the answer was cut short or garbled",
  ECONNRESET: "the connection was reset",
  ECONNABORTED: "the connection was reset",
  EPIPE: "the connection was closed",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "the route to the host was lost",
  ENETUNREACH: "the route to the network was lost",
  UND_ERR_SOCKET: "the connection was closed",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the connection was closed",
  UND_ERR_HEADERS_TIMEOUT: "nothing came within {limit}",
  UND_ERR_BODY_TIMEOUT: "nothing more came within {limit}",
};

/** Nothing broke, but nothing came: the server has more than it can do. A lost connection may have had any cause. */
const SILENCES: ReadonlySet<string> = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]);

/** The handshake failed before anything was sent: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const TLS_TRUST = /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;
/** May also end a connection that was in use. */
const TLS_PROTOCOL = /^(ERR_TLS_|ERR_SSL_|EPROTO$)/;

function errorCodeOf(status: number, body: ErrorBody): ErrorCode {
  if (status === 401 || status === 403 || AUTH_CODES.has(body.serverCode ?? "")) return "NOT_AUTHORISED";
  if (status === 404 || NOT_FOUND_CODES.has(body.serverCode ?? "")) return "NOT_FOUND";
  return "REQUEST_FAILED";
}

const AUTH_CODES: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"]);
const NOT_FOUND_CODES: ReadonlySet<string> = new Set(["RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"]);

function verdict(status: number, body: ErrorBody, wait: number | undefined): Pick<Failure, "effect" | "repeats"> {
  if (status === 429) return { effect: "none", repeats: Infinity };
  if (status === 503 && isSwitchedOff(body)) return { effect: "none", repeats: 0 };
  if (status === 503 && wait !== undefined) return { effect: "none", repeats: Infinity };
  if (status === 408 || status === 502 || status === 503 || status === 504) return { effect: "unknown", repeats: Infinity };
  // MLflow maps INVALID_STATE to 500 although it is a plain refusal.
  if (status === 501 || body.serverCode === "INVALID_STATE") return { effect: "none", repeats: 0 };
  if (status === 500) return { effect: "unknown", repeats: REPEATS_OF_500 };
  if (status > 500) return { effect: "unknown", repeats: 0 };
  return { effect: "none", repeats: isPoolExhausted(status, body) ? Infinity : 0 };
}

/** The request waited for a database connection in vain: nothing was begun (seen with 16 run creations at a time). */
function isPoolExhausted(status: number, body: ErrorBody): boolean {
  return status === 400 && body.serverCode === "BAD_REQUEST" && body.text.includes("QueuePool limit");
}

/** A request that waits for a connection of the server's pool waits for 30 s, and so do all others: that is never to be tried again. */
function strainOf(status: number, body: ErrorBody): Pick<Failure, "strain"> {
  if (isPoolExhausted(status, body)) return { strain: { reason: "the server had no database connection left", weight: "lasting" } };
  const strained = status === 429 || status === 408 || status === 504 || (status === 503 && !isSwitchedOff(body));
  return strained ? { strain: { reason: `the server answered ${String(status)}`, weight: "usual" } } : {};
}

/** MLflow's 503 for a part that the server was started without (server/handlers.py, server/artifact_router.py). */
function isSwitchedOff(body: ErrorBody): boolean {
  return /^Endpoint: .* disabled (due to|because)|^Artifact serving is (disabled|not configured)/.test(body.text);
}

/** As PostgreSQL, MySQL and SQL Server word it. */
const TOO_LONG = /value too long for type|Data too long for column|would be truncated/i;

function hintOf(
  code: ErrorCode,
  status: number,
  body: ErrorBody,
  { address, call, wasTaken }: { address: Address; call: FailedCall; wasTaken: boolean },
): string {
  if (/invalid host header/i.test(body.text)) return "start the server with --allowed-hosts naming this host, or use its IP address";
  if (code === "NOT_AUTHORISED") {
    if (address.credential === undefined) return `no credential was sent: set ${address.authFrom}`;
    if (status === 401 && wasTaken)
      return `${address.credential} was taken until now: renew it in ${address.authFrom}; the same command then continues`;
    const known = status === 403 ? address.refusalHint?.(refusedCall(call, body)) : undefined;
    if (known !== undefined) return known;
    return `${address.credential} went with the request: check ${address.authFrom}, and what that user may do`;
  }
  if (code === "NOT_FOUND") return "check that it exists, is not deleted and may be seen with these credentials";
  if (status === 429) return "the server limits requests: run the same command again later or allow fewer requests at a time";
  if (status === 503 && isSwitchedOff(body)) return SWITCHED_OFF_HINT;
  if (TOO_LONG.test(body.text)) return "the server's database is narrower there: shorten it, or let the mapping rename or drop it";
  if (status >= 500) return "the server's log says more; running the same command again continues";
  return "the server's message says what it refuses";
}

function refusedCall({ method, path, query, body }: FailedCall, { text }: ErrorBody): RefusedCall {
  return { method, path, says: text, ...(query === undefined ? {} : { query }), ...(typeof body === "string" ? { body } : {}) };
}

function redirected(answer: Answer, request: FailedRequest & { status: number }, address: Address): Failure {
  const location = headerOf(answer, "location");
  const where = location === undefined ? "elsewhere" : shownLocation(address, location);
  const error = new MigrationError(
    "REQUEST_FAILED",
    `server answered ${request.status} to ${request.method} ${withoutQuery(request.url)}: it redirects to ${where}`,
    {
      hint: "redirects are not followed, so that credentials stay with one host: use the final address, or log in where a login page is meant",
      request,
    },
  );
  return { error, effect: "none", repeats: 0, reason: String(request.status) };
}

/** The first error of several tried addresses stands for all. */
function networkError(thrown: unknown): { code?: string; syscall?: string; message: string } {
  const error: unknown = thrown instanceof AggregateError ? (thrown.errors[0] ?? thrown) : thrown;
  if (!(error instanceof Error)) return { message: String(error) };
  if (error.name === PARSER_ERROR) return { code: PARSER_ERROR, message: error.message };
  return {
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    ...("syscall" in error && typeof error.syscall === "string" ? { syscall: error.syscall } : {}),
    message: error.message,
  };
}

function withoutQuery(url: string): string {
  return url.split("?", 1)[0] ?? url;
}
