// The one way to talk HTTP: requests are paced per host, repeated where that is safe, and fail as MigrationErrors.
// No knowledge of MLflow's routes lives here; adapters have it.
import type { Query } from "./address.ts";
import type { Clock } from "./clock.ts";
import type { Pacer } from "./pace.ts";

export type { Query } from "./address.ts";

export interface JsonRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
  /** Percent-encoded, starts with `/`; comes after the path of the base address. */
  readonly path: string;
  readonly query?: Query;
  /** Sent with stringifyJson. */
  readonly body?: unknown;
  /**
   * `safe`: repeating changes nothing more, so failures that may pass are retried. `once`: retried only when the request surely
   * had no effect; otherwise OUTCOME_UNKNOWN is thrown at once.
   */
  readonly repeat: "safe" | "once";
}

export interface DownloadRequest {
  readonly path: string;
  readonly query?: Query;
  /** First byte wanted, default 0. */
  readonly offset?: number;
}

export interface UploadRequest {
  readonly path: string;
  /** Known: sent as Content-Length and held against the bytes. Unknown: chunked. */
  readonly sizeBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of one server. All methods may run in parallel; each throws MigrationErrors only. */
export interface HttpClient {
  /** Sends a request with a JSON answer; gives parseJson(body), or `{}` for an empty body. */
  json(request: JsonRequest, signal: AbortSignal): Promise<unknown>;
  /** A plain text answer to a GET, such as that of `/version`. */
  text(request: { readonly path: string }, signal: AbortSignal): Promise<string>;
  /**
   * A body from `offset`. Its length is held against Content-Length; a cut connection is resumed with Range (and If-Range) where
   * the server honours it, else ARTIFACT_UNREADABLE. The pacer's place is held until the body is consumed or left.
   */
  download(request: DownloadRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** PUT. `open` is called anew for each attempt, which may be repeated. Errors of the opened stream are passed on as they are. */
  upload(request: UploadRequest, open: () => AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Without credentials, without a trailing slash. */
  readonly baseUrl: string;
  /** Requests sent so far, retries included. */
  readonly requests: number;
  /** Ends all connections; what is under way fails. */
  close(): Promise<void>;
}

export type Auth =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "bearer"; readonly token: string };

export interface RetryEvent {
  readonly method: string;
  /** Without credentials. */
  readonly url: string;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly waitMs: number;
  readonly reason: string;
}

export interface HttpClientOptions {
  /** May have a path. A user and password in it are used as basic credentials unless `auth` is given. */
  readonly baseUrl: string;
  readonly auth?: Auth;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly pacer: Pacer;
  readonly userAgent: string;
  /** Longest silence of the server, before and within an answer; default 120 000, as MLflow's own client. */
  readonly timeoutMs?: number;
  /** Default 7, as MLflow's own client. */
  readonly maxAttempts?: number;
  readonly random?: () => number;
  readonly clock?: Clock;
  readonly onRetry?: (event: RetryEvent) => void;
}

/** A client with connections of its own; nothing is sent before the first request. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  throw new Error(`not yet: ${options.baseUrl}`);
}
