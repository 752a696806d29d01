// A reverse proxy inside this process that does to single requests what networks and gateways do.
import { Agent, createServer, request as send } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { pipeline } from "node:stream/promises";

/** A request as the proxy sees it. */
export interface Seen {
  /** From 1, since the start or the last `behave`. */
  readonly number: number;
  readonly method: string;
  /** With the query, without the base path. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * What becomes of a request. `pass`: all is well. `lose-answer`: the server carries it out, and the connection is cut before
 * its answer comes back. `cut-answer`: the same in the middle of the answer's body. `refuse`: cut before the server sees it.
 */
export type Fate = "pass" | "lose-answer" | "cut-answer" | "refuse" | { readonly status: number; readonly headers?: OutgoingHttpHeaders };
export type Behaviour = (seen: Seen) => Fate | Promise<Fate>;

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Requests since the start or the last `behave`. */
  readonly requests: number;
  /** Sets what becomes of requests, and counts them anew. */
  behave(behaviour: Behaviour): void;
  /** Resolves when the server has answered all that was passed on: a killed client's requests go on without it. */
  idle(): Promise<void>;
  /** Stops listening and cuts what is open: the address is as dead as that of a server that is down. */
  down(): Promise<void>;
  /** Listens again, at the same address. */
  up(): Promise<void>;
}

export interface ProxyOptions {
  /** Under this path alone the server is reached, everything else is 404. Default: none. */
  readonly basePath?: string;
  /** Speaks TLS with this key and certificate (PEM). */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Starts a proxy on 127.0.0.1 before the server at `target`. */
export async function startProxy(target: string, { basePath = "", tls }: ProxyOptions = {}): Promise<Proxy> {
  // Upstream one connection per request: on a reused one, small answers of MLflow's server wait 44 ms.
  const agent = new Agent({ keepAlive: false });
  const open = new Set<Promise<void>>();
  let behaviour: Behaviour = () => "pass";
  let requests = 0;
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const path = incoming.url ?? "/";
    if (!path.startsWith(`${basePath}/`)) return void outgoing.writeHead(404).end("no such page");
    const { authorization } = incoming.headers;
    const seen = {
      number: ++requests,
      method: incoming.method ?? "GET",
      path: path.slice(basePath.length),
      authorization,
      headers: incoming.headers,
    };
    const work = treat(seen, { behaviour, incoming, outgoing, target, agent }).catch(() => void outgoing.destroy());
    open.add(work);
    void work.finally(() => open.delete(work));
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  const listen = (at: number): Promise<void> => new Promise((resolve) => void server.listen(at, "127.0.0.1", () => resolve()));
  await listen(0);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const down = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}${basePath}`,
    get requests() {
      return requests;
    },
    behave(next) {
      behaviour = next;
      requests = 0;
    },
    async idle() {
      while (open.size > 0) await Promise.all(open);
    },
    down,
    up: () => listen(port),
    async [Symbol.asyncDispose]() {
      await down();
      agent.destroy();
    },
  };
}

interface Treatment {
  readonly behaviour: Behaviour;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly target: string;
  readonly agent: Agent;
}

async function treat(seen: Seen, { behaviour, incoming, outgoing, target, agent }: Treatment): Promise<void> {
  const fate = await behaviour(seen);
  if (fate === "refuse") return void outgoing.destroy();
  if (typeof fate === "object") return answerItself(fate, incoming, outgoing);
  const answer = await forward(seen, incoming, target, agent);
  if (fate === "lose-answer") {
    answer.resume();
    await new Promise((resolve) => answer.once("close", resolve));
    return void outgoing.destroy();
  }
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  if (fate === "cut-answer") return cut(answer, outgoing);
  // A client that is gone does not stop the server's work, which is waited for.
  await pipeline(answer, outgoing).catch(() => void answer.resume());
}

async function answerItself(fate: Exclude<Fate, string>, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  incoming.resume();
  outgoing.writeHead(fate.status, { "content-type": "application/json", ...fate.headers }).end("{}");
}

function forward(seen: Seen, incoming: IncomingMessage, target: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { host: _host, connection: _connection, ...headers } = incoming.headers;
    const upstream = send(`${target}${seen.path}`, { method: seen.method, headers, agent }, resolve);
    upstream.on("error", reject);
    pipeline(incoming, upstream).catch(reject);
  });
}

async function cut(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  await new Promise<void>((resolve) => outgoing.write(body.subarray(0, Math.floor(body.length / 2)), () => resolve()));
  outgoing.destroy();
}
