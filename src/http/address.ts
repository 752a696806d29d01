// Where requests go and what they carry: base address, credentials, headers, query; and how an address may be shown.
import { MigrationError } from "../errors.ts";
import { createLogin } from "./login.ts";
import type { Auth, AuthProvider, Login } from "./login.ts";

/** Order is kept, keys may repeat. */
export type Query = readonly (readonly [string, string])[];

export interface AddressOptions {
  readonly baseUrl: string;
  readonly auth?: Auth | AuthProvider;
  /** Where the credential is set, for hints; default: MLflow's own variables. */
  readonly authFrom?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly refusalHint?: RefusalHint;
  readonly userAgent: string;
}

/** A request that the server refused, although it knows who asks (403). */
export interface RefusedCall {
  readonly method: string;
  readonly path: string;
  readonly query?: Query;
  /** Where it was a text. */
  readonly body?: string;
  /** The server's words. */
  readonly says: string;
}

/** What to do about a refusal, where that is known; undefined: the client's own words. */
export type RefusalHint = (refused: RefusedCall) => string | undefined;

/** A server as the client knows it. */
export interface Address {
  readonly origin: string;
  /** Empty, or with a leading and without a trailing slash. */
  readonly basePath: string;
  /** Origin and base path: no credentials, no trailing slash. */
  readonly baseUrl: string;
  /** Sent with every request beside the login's; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly login?: Login;
  /** What was sent to prove who asks, in words for a hint; absent when nothing was. */
  readonly credential?: string;
  /** Where the credential is set, in words for a hint. */
  readonly authFrom: string;
  readonly refusalHint?: RefusalHint;
  /** Takes this client's own credentials out of a text, such as a server's answer that repeats them. */
  scrub(text: string): string;
}

/** Throws LOCATION_UNKNOWN for what is no http(s) address, NOT_AUTHORISED for a credential that no header can carry. */
export function createAddress(options: AddressOptions): Address {
  const url = parseBaseUrl(options.baseUrl);
  const auth = options.auth ?? authOf(url);
  const basePath = url.pathname.replace(/\/+$/, "");
  const headers: Record<string, string> = { "accept-encoding": "identity", ...plainHeaders(options.headers) };
  headers["user-agent"] = options.userAgent;
  const { authFrom = MLFLOW_VARIABLES } = options;
  const login = auth === undefined ? undefined : createLogin(auth, authFrom);
  const credential = login?.kind ?? ((headers["authorization"] ?? headers["cookie"]) ? "a credential header" : undefined);
  const fixed = secretHeaders(headers);
  return {
    origin: url.origin,
    basePath,
    baseUrl: `${url.origin}${basePath}`,
    headers,
    ...(login === undefined ? {} : { login }),
    ...(credential === undefined ? {} : { credential }),
    authFrom,
    ...(options.refusalHint === undefined ? {} : { refusalHint: options.refusalHint }),
    scrub: (text) => scrubbed(text, [...fixed, ...(login?.secrets() ?? [])]),
  };
}

const MLFLOW_VARIABLES = "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD";

/** Lower-case names, without `origin`: MLflow refuses writes with a foreign Origin (403), and no client but a browser has one. */
export function plainHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]): [string, string] => [name.toLowerCase(), value])
      .filter(([name]) => name !== "origin"),
  );
}

/** The request's target for the wire: base path, path and encoded query. */
export function targetOf(address: Address, path: string, query: Query = []): string {
  const encoded = query.map(([key, value]) => `${encode(key)}=${encode(value)}`).join("&");
  return `${address.basePath}${path}${encoded === "" ? "" : `?${encoded}`}`;
}

/** The URL for messages and logs: values of query keys that may hold a signature or a credential are hidden, long ones cut. */
export function shownUrl(address: Address, path: string, query: Query = []): string {
  const shown = query.map(([key, value]): [string, string] => [key, SECRET_NAME.test(key) ? "***" : value]);
  const url = address.scrub(`${address.origin}${targetOf(address, path, shown)}`);
  return url.length > LONGEST_SHOWN_URL ? `${url.slice(0, LONGEST_SHOWN_URL)}…` : url;
}

/** A `Location` for messages: origin and path only, because login pages and stores put secrets into the query. */
export function shownLocation(address: Address, location: string): string {
  const url = URL.parse(location, `${address.origin}/`);
  return url === null ? "an address that cannot be read" : address.scrub(`${url.origin}${url.pathname}`);
}

/** Names of headers and query keys whose values are not shown. */
const SECRET_NAME = /auth|cookie|credential|key-id|access-?key|api-?key|password|policy|secret|^sig$|signature|token/i;

/** A query with a hundred run ids is of no use in a message. */
const LONGEST_SHOWN_URL = 500;

/** Shorter credentials would blank out parts of ordinary words; nobody can guess them from a blank either. */
const SHORTEST_SCRUBBED = 4;

/** Written without the text itself, which may hold a password. */
function parseBaseUrl(text: string): URL {
  const url = URL.parse(text);
  const hint = "write the address as http(s)://host[:port][/path]";
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new MigrationError("LOCATION_UNKNOWN", "not a valid http or https address", { hint });
  // An unencoded `/` in a password ends the host early: the rest of it would pass for a path and be shown.
  if (url.username !== "" && url.pathname.includes("@")) {
    throw new MigrationError("LOCATION_UNKNOWN", "the address has an @ in its path", {
      hint: `${hint}, with / and @ of a password as %2F and %40`,
    });
  }
  if (url.search !== "" || url.hash !== "") {
    throw new MigrationError("LOCATION_UNKNOWN", `the address of ${url.origin} has a query or a fragment`, { hint });
  }
  return url;
}

function authOf(url: URL): Auth | undefined {
  if (url.username === "" && url.password === "") return undefined;
  return { kind: "basic", username: decode(url.username), password: decode(url.password) };
}

function secretHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value, value.replace(/^\S+\s+/, "")] : []));
}

/** Longest first, so that a secret within another leaves no rest. */
function scrubbed(text: string, secrets: readonly string[]): string {
  const known = [...new Set(secrets)].filter((value) => value.length >= SHORTEST_SCRUBBED).sort((a, b) => b.length - a.length);
  return known.reduce((left, secret) => left.replaceAll(secret, "***"), text);
}

function encode(text: string): string {
  // A lone surrogate has no UTF-8 form, and encodeURIComponent would throw.
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/** A user who did not encode a `%` means it literally. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
