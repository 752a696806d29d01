// A body sent as a stream, opened anew for each attempt.
import { Readable } from "node:stream";
import { MigrationError } from "../errors.ts";
import { plainHeaders } from "./address.ts";
import type { Query } from "./address.ts";
import { headerOf } from "./answer.ts";
import type { Call, Exchange } from "./exchange.ts";
import type { Attempt } from "./failure.ts";
import { withRetries } from "./retry.ts";
import { routeOf } from "./workload.ts";

export interface UploadRequest {
  /** Default: PUT. */
  readonly method?: "PUT" | "PATCH" | "POST";
  readonly path: string;
  readonly query?: Query;
  /** Known: sent as Content-Length and held against the bytes. Unknown: chunked. */
  readonly sizeBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the answer to an upload tells. */
export interface Uploaded {
  /** As the header has it, quotes included. */
  readonly etag?: string;
}

/** Sends what `open` gives. Throws the stream's own error as it is, ARTIFACT_CORRUPT when its length is not `sizeBytes`. */
export async function upload(
  exchange: Exchange,
  request: UploadRequest,
  open: () => AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Uploaded> {
  const headers = plainHeaders(request.headers);
  if (request.sizeBytes !== undefined) headers["content-length"] = String(request.sizeBytes);
  const query = request.query === undefined ? {} : { query: request.query };
  const method = request.method ?? "PUT";
  const call: Call = { method, path: request.path, headers, ...query };
  const url = exchange.urlOf(call);
  return withRetries(
    { method, url, repeat: "safe", group: exchange.groupOf(call), route: isSmall(request) ? routeOf(call) : undefined },
    () => put(exchange, call, { open, sizeBytes: request.sizeBytes, method, url }, signal),
    exchange.policy,
    signal,
  );
}

/** The time of a larger body tells of the network and of where it comes from more than of the server. */
const SMALL_BYTES = 64 * 1024;

function isSmall({ sizeBytes = Infinity }: UploadRequest): boolean {
  return sizeBytes <= SMALL_BYTES;
}

interface Content {
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly sizeBytes: number | undefined;
  readonly method: string;
  readonly url: string;
}

async function put(exchange: Exchange, call: Call, content: Content, signal: AbortSignal): Promise<Attempt<Uploaded>> {
  const stream = watched(content);
  // An empty body is answered without being pulled, so the content is read to its end first.
  const body = content.sizeBytes === 0 ? await nothing(stream.bytes) : Readable.from(stream.bytes, { objectMode: false });
  const sent = await settle(exchange.send({ ...call, body }, signal));
  // What broke the stream broke the request: it is the cause, whatever the request says.
  if (stream.broken !== undefined && !signal.aborted) throw stream.broken.by;
  if ("thrown" in sent) throw sent.thrown;
  if ("failure" in sent.value) return sent.value;
  try {
    await sent.value.value.body.dump();
  } catch (thrown) {
    return { failure: exchange.brokenBody(thrown, call, signal) };
  }
  if (!stream.complete) throw answeredEarly(content);
  const etag = headerOf(sent.value.value, "etag");
  return { value: etag === undefined ? {} : { etag } };
}

async function nothing(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const chunk of bytes) if (chunk.length > 0) throw new TypeError("bytes in an empty body");
  return "";
}

interface Watched {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The content ended as it should, and its last part was asked for. */
  readonly complete: boolean;
  readonly broken: { readonly by: unknown } | undefined;
}

/** Opens the content only when it is pulled, so a refused connection leaves nothing open. */
function watched(content: Content): Watched {
  let complete = false;
  let broken: Watched["broken"];
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* ofSize(content, () => (complete = true));
    } catch (thrown) {
      broken = { by: thrown };
      throw thrown;
    }
  }
  return {
    bytes: bytes(),
    get complete() {
      return complete;
    },
    get broken() {
      return broken;
    },
  };
}

/** The last part waits for the content's end: a server may answer as soon as it has it, and nothing is asked for after that. */
async function* ofSize(content: Content, onEnd: () => void): AsyncGenerator<Uint8Array> {
  const { open, sizeBytes } = content;
  let sent = 0;
  let last: Uint8Array | undefined;
  for await (const chunk of open()) {
    sent += chunk.length;
    if (sizeBytes !== undefined && sent > sizeBytes) throw wrongSize(content, `more than its ${sizeBytes}`);
    if (sent === sizeBytes && chunk.length > 0) last = chunk;
    else yield chunk;
  }
  if (sizeBytes !== undefined && sent < sizeBytes) throw wrongSize(content, `${sent} of its ${sizeBytes}`);
  onEnd();
  if (last !== undefined) yield last;
}

function wrongSize({ method, url }: Content, bytes: string): MigrationError {
  return new MigrationError("ARTIFACT_CORRUPT", `cannot send ${method} ${url}: the file gave ${bytes} bytes`, {
    hint: "the file changed or is damaged: check it where it comes from and run the same command again",
    request: { method, url },
  });
}

function answeredEarly({ method, url }: Content): MigrationError {
  return new MigrationError("REQUEST_FAILED", `server answered ${method} ${url} before it had the whole file`, {
    hint: "check that nothing between here and the server answers in its place",
    request: { method, url },
  });
}

async function settle<T>(promise: Promise<T>): Promise<{ readonly value: T } | { readonly thrown: unknown }> {
  try {
    return { value: await promise };
  } catch (thrown) {
    return { thrown };
  }
}
