// A body as a stream that survives cut connections: it goes on with Range where the server honours it.
import { MigrationError } from "../errors.ts";
import { plainHeaders } from "./address.ts";
import type { Query } from "./address.ts";
import { headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { Call, Exchange } from "./exchange.ts";
import type { Failure } from "./failure.ts";
import { beforeRepeat } from "./retry.ts";
import { routeOf } from "./workload.ts";

export interface DownloadRequest {
  readonly path: string;
  readonly query?: Query;
  /** First byte wanted, default 0. */
  readonly offset?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The bytes from `offset`. Attempts are counted anew after each byte gained. Content-Encoding is not undone: servers label
 * stored `.gz` files with it, and compression on the way was declined in the request.
 */
export async function* download(exchange: Exchange, request: DownloadRequest, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const progress: Progress = { position: request.offset ?? 0, begun: false };
  const call: Repeated = {
    method: "GET",
    path: request.path,
    headers: plainHeaders(request.headers),
    ...(request.query === undefined ? {} : { query: request.query }),
  };
  let number = 0;
  for (;;) {
    const before = progress.position;
    const failure = yield* readOn(exchange, call, progress, signal);
    if (failure === undefined) return;
    number = progress.position > before ? 1 : number + 1;
    await beforeRepeat({ method: "GET", url: exchange.urlOf(call), repeat: "safe" }, { failure, number }, exchange.policy, signal);
  }
}

type Repeated = Pick<Call, "path" | "query" | "headers"> & { readonly method: "GET" };

interface Progress {
  /** The next byte that is wanted. */
  position: number;
  /** True once a byte was handed on: from then on the file must stay the same. */
  begun: boolean;
  etag?: string | undefined;
  /** Of the whole file; unknown for chunked answers. */
  sizeBytes?: number | undefined;
}

/** One attempt: hands on what comes and gives the failure that ended it, or nothing when the file is complete. */
async function* readOn(
  exchange: Exchange,
  call: Repeated,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, Failure | undefined> {
  const place = await exchange.policy.pacer.enter("stream", signal, exchange.groupOf(call));
  let answer: Answer | undefined;
  try {
    const url = exchange.urlOf(call);
    const sent = await exchange.send({ ...call, ...rangeOf(progress, call.headers) }, signal);
    // How long the body takes is not up to the server alone: its head is what counts.
    place.tell("failure" in sent ? { strain: sent.failure.strain } : { route: routeOf(call) });
    if ("failure" in sent) return sent.failure;
    answer = sent.value;
    let toSkip = beginPart(answer, progress, url);
    if (answer.statusCode === 416) return undefined;
    const chunks = answer.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    for (;;) {
      const next = await nextChunk(chunks, (thrown) => cut(exchange.brokenBody(thrown, call, signal), url));
      if ("failure" in next) {
        place.tell({ strain: next.failure.strain });
        return next.failure;
      }
      if (next.chunk === undefined) return endPart(progress, url);
      const chunk = next.chunk.subarray(Math.min(toSkip, next.chunk.length));
      toSkip -= next.chunk.length - chunk.length;
      if (chunk.length === 0) continue;
      progress.position += chunk.length;
      progress.begun = true;
      yield chunk;
    }
  } finally {
    answer?.body.destroy();
    place.leave();
  }
}

/** 416 is an answer: it comes when `position` is the file's end. */
function rangeOf(progress: Progress, others: Call["headers"]): Pick<Call, "headers" | "accept"> {
  if (progress.position === 0) return {};
  const headers: Record<string, string> = { ...others, range: `bytes=${progress.position}-` };
  // If-Range takes strong validators only (RFC 9110, 13.1.5); a weak one is compared in beginPart.
  if (progress.begun && progress.etag?.startsWith('"') === true) headers["if-range"] = progress.etag;
  return { headers, accept: 416 };
}

/** Checks that the answer continues at `position` of the same file; gives the number of bytes to pass over. */
function beginPart(answer: Answer, progress: Progress, url: string): number {
  const etag = headerOf(answer, "etag");
  if (answer.statusCode === 206 || answer.statusCode === 416) {
    const range = contentRange(headerOf(answer, "content-range"));
    const start = answer.statusCode === 416 ? range?.sizeBytes : range?.start;
    if (start !== progress.position) throw unreadable(url, `it gave another part than the one from byte ${progress.position}`);
    if (progress.begun && (differ(etag, progress.etag) || differ(range?.sizeBytes, progress.sizeBytes))) throw unreadable(url, CHANGED);
    progress.sizeBytes = range?.sizeBytes ?? progress.sizeBytes;
    progress.etag = etag ?? progress.etag;
    return 0;
  }
  if (progress.begun) throw unreadable(url, differ(etag, progress.etag) ? CHANGED : NOT_RESUMED);
  const length = headerOf(answer, "content-length");
  progress.sizeBytes = length === undefined ? undefined : Number(length);
  progress.etag = etag;
  if (progress.sizeBytes !== undefined && progress.sizeBytes < progress.position) {
    throw unreadable(url, `it has ${progress.sizeBytes} bytes, less than the ${progress.position} read before`);
  }
  return progress.position;
}

const CHANGED = "it changed while it was read";
const NOT_RESUMED = "the connection was cut, and the server cannot go on from the middle";

function contentRange(value: string | undefined): { start?: number; sizeBytes?: number } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(?:(\d+)|\*)$/.exec(value ?? "");
  if (match === null) return undefined;
  return {
    ...(match[1] === undefined ? {} : { start: Number(match[1]) }),
    ...(match[2] === undefined ? {} : { sizeBytes: Number(match[2]) }),
  };
}

function differ<T>(one: T | undefined, other: T | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

async function nextChunk(
  chunks: AsyncIterator<Uint8Array>,
  failureOf: (thrown: unknown) => Failure,
): Promise<{ readonly chunk: Uint8Array | undefined } | { readonly failure: Failure }> {
  try {
    const next = await chunks.next();
    return { chunk: next.done === true ? undefined : next.value };
  } catch (thrown) {
    return { failure: failureOf(thrown) };
  }
}

/** A clean end before the file's end is a server that gave less than asked for: it is asked again. */
function endPart(progress: Progress, url: string): Failure | undefined {
  if (progress.sizeBytes === undefined || progress.position === progress.sizeBytes) return undefined;
  const ended = `its bytes ended at ${progress.position} of ${progress.sizeBytes}`;
  if (progress.position > progress.sizeBytes) throw unreadable(url, ended);
  return { error: unreadable(url, ended), effect: "none", repeats: Infinity, reason: ended };
}

function cut(failure: Failure, url: string): Failure {
  return { ...failure, error: unreadable(url, failure.reason, failure.error) };
}

function unreadable(url: string, why: string, cause?: MigrationError): MigrationError {
  return new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${url}: ${why}`, {
    hint: "run the same command again: only what is missing is read",
    request: { method: "GET", url },
    ...(cause === undefined ? {} : { cause }),
  });
}
