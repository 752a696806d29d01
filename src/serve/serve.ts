// Any source as a read-only MLflow server, for MLflow's own client and for mlferry. Objects are indexed at the start, so memory is
// proportional to their number; metric points and files are read from the source when they are asked for. Nothing here writes.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { asMigrationError, MigrationError } from "../errors.ts";
import type { Source } from "../ports/source.ts";
import { ABSENT_ROUTES } from "./absent.ts";
import { send } from "./answering.ts";
import { ARTIFACT_ROUTES, DOWNLOAD_ROUTES } from "./artifacts.ts";
import { bodyFields, queryFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { openHoldings } from "./holdings.ts";
import { MODEL_ROUTES } from "./models.ts";
import { invalid, READ_ONLY, wireError } from "./refusals.ts";
import { createMatcher } from "./route.ts";
import type { Answer, Served } from "./route.ts";
import { INFO_ROUTES, SERVER_ROUTES } from "./server-info.ts";
import { TRACKING_ROUTES } from "./tracking.ts";

export interface ServeOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Default: 127.0.0.1, so that nothing outside the machine can read the registry: there is no login. */
  readonly host?: string;
  /** Gets one line per request: method, path, status, milliseconds. */
  readonly log?: (line: string) => void;
}

export interface RunningServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Cuts open connections. The source stays open: whoever opened it closes it. */
  close(): Promise<void>;
}

/** Requests of readers are small; longer bodies are refused. */
const MOST_BODY_BYTES = 1_000_000;

/** Tries the routes in their order. */
const findRoute = createMatcher([...INFO_ROUTES, ...TRACKING_ROUTES, ...ABSENT_ROUTES, ...ARTIFACT_ROUTES, ...MODEL_ROUTES]);
const findPlainRoute = createMatcher([...SERVER_ROUTES, ...DOWNLOAD_ROUTES]);

/**
 * Starts serving; resolves when the server listens. Every write is answered 403 PERMISSION_DENIED. Throws USAGE when the port
 * is taken or the address is not this machine's.
 */
export async function serveRegistry(source: Source, options: ServeOptions): Promise<RunningServer> {
  const { port, host = "127.0.0.1", log } = options;
  const stop = new AbortController();
  const served: Served = { holdings: await openHoldings(source, stop.signal), signal: stop.signal };
  const server = createServer((request, response) => {
    const started = performance.now();
    response.on("close", () => {
      log?.(`${request.method ?? ""} ${request.url ?? ""} ${String(response.statusCode)} ${(performance.now() - started).toFixed(0)} ms`);
    });
    void respond(served, host, request, response);
  });
  await listen(server, port, host);
  return {
    url: urlOf(server, host),
    close: () =>
      new Promise((resolve) => {
        stop.abort();
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: Error) => {
      const message = `cannot listen on ${host} port ${String(port)}: ${"code" in cause ? String(cause.code) : cause.message}`;
      reject(new MigrationError("USAGE", message, { cause, hint: "choose another port, or 0 for any free one" }));
    });
    server.listen(port, host, resolve);
  });
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${String(port)}`;
}

async function respond(served: Served, host: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await send(await answerTo(served, host, request), request, response);
  } catch (thrown) {
    // Once bytes are out there is no other way left to tell the client.
    if (response.headersSent) response.destroy(asMigrationError(thrown));
    else await send({ kind: "json", ...wireError(thrown) }, request, response);
  }
}

async function answerTo(served: Served, host: string, request: IncomingMessage): Promise<Answer> {
  if (!isOwnName(request.headers.host, host)) {
    return { kind: "text", status: 403, body: "Invalid Host header: this server answers to its address and to localhost" };
  }
  const url = new URL(request.url ?? "/", "http://server");
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
  const match = /^\/(?:(?:ajax-)?api\/)(.*)$/.exec(url.pathname);
  const route = match === null ? findPlainRoute(method, url.pathname.slice(1)) : findRoute(method, match[1] ?? "");
  if (route !== undefined) return route.handler({ fields: await fieldsOf(request, url), parts: route.parts }, served);
  if (method !== "GET") return { kind: "json", ...READ_ONLY };
  return { kind: "text", status: 404, body: "<!doctype html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n" };
}

/** A page of another site that points its own name at this address (DNS rebinding) names that site as the host. */
function isOwnName(header: string | undefined, host: string): boolean {
  if (header === undefined) return true;
  const name = header.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === host || isIP(name) !== 0;
}

async function fieldsOf(request: IncomingMessage, url: URL): Promise<Fields> {
  if (request.method !== "POST") return queryFields(url.searchParams);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES) throw invalid(`The request body is longer than ${String(MOST_BODY_BYTES)} bytes`);
    chunks.push(chunk);
  }
  return bodyFields(Buffer.concat(chunks).toString("utf8"));
}
