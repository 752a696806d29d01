// Writes answers to the wire: JSON, text, and files with ranges.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stringifyJson } from "../http/json.ts";
import type { ArtifactFile } from "../ports/source.ts";
import type { Answer } from "./route.ts";

/** Sends the whole answer. A file that fails on the way ends in a cut connection, so that no client takes it for whole. */
export async function send(answer: Answer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (answer.kind) {
    case "json":
      return sendText(response, answer.status ?? 200, "application/json", jsonText(answer.body, answer.bare ?? false));
    case "text":
      return sendText(response, answer.status ?? 200, "text/html; charset=utf-8", answer.body);
    case "file":
      return sendFile(answer, request, response);
  }
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, { "content-type": type, "content-length": body.length });
  response.end(body);
}

/** Quotes inside a string are escaped, so that only a member can match. */
function jsonText(body: unknown, bare: boolean): string {
  const text = stringifyJson(body);
  return bare ? text.replace(/"value":"(NaN|-?Infinity)"/g, '"value":$1') : text;
}

interface Slice {
  readonly start: number;
  /** Bytes to send; undefined: all there are. */
  readonly length?: number;
}

async function sendFile(answer: Extract<Answer, { kind: "file" }>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { file, reader } = answer;
  const slice = sliceOf(file, request);
  if (slice === undefined) {
    response.writeHead(416, { "content-range": `bytes */${String(file.sizeBytes ?? "*")}` });
    response.end();
    return;
  }
  response.writeHead(isPart(slice, file) ? 206 : 200, fileHeaders(file, slice));
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  await pipeline(Readable.from(cut(reader.open(file, { offset: slice.start }), slice.length)), response);
}

/** Whole, or the one range that is asked for; undefined when the file has nothing there. Other ranges are ignored, as HTTP allows. */
function sliceOf(file: ArtifactFile, request: IncomingMessage): Slice | undefined {
  const size = file.sizeBytes;
  if (size === undefined) return { start: 0 };
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "");
  const condition = request.headers["if-range"];
  if (range === null || (condition !== undefined && condition !== etag(file))) return { start: 0, length: size };
  const [, first = "", last = ""] = range;
  if (first === "" && last === "") return { start: 0, length: size };
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, length: end - start } : undefined;
}

function isPart(slice: Slice, file: ArtifactFile): boolean {
  return slice.length !== undefined && slice.length !== file.sizeBytes;
}

function fileHeaders(file: ArtifactFile, slice: Slice): Record<string, string | number> {
  const { start, length } = slice;
  const tag = etag(file);
  return {
    "content-type": "application/octet-stream",
    // Never shown by a browser: a registry may hold pages with scripts.
    "content-disposition": "attachment",
    "x-content-type-options": "nosniff",
    ...(tag === undefined ? {} : { etag: tag }),
    ...(length === undefined ? {} : { "content-length": length, "accept-ranges": "bytes" }),
    ...(length === undefined || !isPart(slice, file)
      ? {}
      : { "content-range": `bytes ${String(start)}-${String(start + length - 1)}/${String(file.sizeBytes)}` }),
  };
}

function etag(file: ArtifactFile): string | undefined {
  return file.digest === undefined ? undefined : `"${file.digest}"`;
}

/** Ends after `length` bytes, and with it the reading behind. */
async function* cut(chunks: AsyncIterable<Uint8Array>, length = Infinity): AsyncGenerator<Uint8Array> {
  let left = length;
  if (left === 0) return;
  for await (const chunk of chunks) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return;
  }
}
