// An HTTP proxy inside this process: delays every request as a network would, and counts what comes through, by route.
import { Agent, createServer, request as send } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";

export interface ProxyOptions {
  /** The server's address, such as `http://127.0.0.1:5000`. */
  readonly target: string;
  /** Before each request is passed on. Default: 0, which only counts. */
  readonly delayMs?: number;
  /** Requests under way above which it answers 429 by itself, as gateways do. Default: none. */
  readonly mostInFlight?: number;
  /** Default: a free one. */
  readonly port?: number;
}

export interface CountingProxy extends AsyncDisposable {
  readonly url: string;
  /** Requests since the start or the last {@link CountingProxy.take}, by method and route. */
  readonly counts: ReadonlyMap<string, number>;
  /** The counts until now; those to come begin at nothing. */
  take(): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Starts the proxy on 127.0.0.1. Bodies are passed on as they come, in both directions, and never held. */
export async function startProxy({ target, delayMs = 0, mostInFlight = Infinity, port = 0 }: ProxyOptions): Promise<CountingProxy> {
  // One connection per request: on a reused one, small answers of MLflow's server wait 44 ms for the other side's acknowledgement,
  // which would be measured in place of the programs.
  const agent = new Agent({ keepAlive: false });
  let counts = new Map<string, number>();
  let inFlight = 0;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
    const route = inFlight < mostInFlight ? routeOf(incoming) : REFUSED;
    counts.set(route, (counts.get(route) ?? 0) + 1);
    if (route === REFUSED) return refuse(incoming, outgoing);
    inFlight += 1;
    void forward(incoming, outgoing, { target, agent, delayMs }).finally(() => (inFlight -= 1));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
      agent.destroy();
    });
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`,
    get counts() {
      return counts;
    },
    take() {
      const taken = counts;
      counts = new Map();
      return taken;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What is counted for a request that was answered with 429. */
export const REFUSED = "refused";

function refuse(incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.resume();
  outgoing.writeHead(429, { "content-type": "text/plain" }).end("too many requests at a time");
}

/** Requests in all. */
export function totalOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Longer than any pause of the programs: a connection that the proxy closed would have to be told from a fault. */
const KEEP_ALIVE_MS = 120_000;

interface Way {
  readonly target: string;
  readonly agent: Agent;
  readonly delayMs: number;
}

async function forward(incoming: IncomingMessage, outgoing: ServerResponse, { target, agent, delayMs }: Way): Promise<void> {
  try {
    if (delayMs > 0) await delay(delayMs);
    const { method, headers, url = "/" } = incoming;
    const upstream = send(target + url, { method, agent, headers: withoutConnection(headers) });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once("response", resolve);
      upstream.once("error", reject);
    });
    const [answer] = await Promise.all([answered, pipeline(incoming, upstream)]);
    outgoing.writeHead(answer.statusCode ?? 502, withoutConnection(answer.headers));
    await pipeline(answer, outgoing);
  } catch (thrown) {
    // The program on the other side sees a broken connection, as it would without a proxy.
    outgoing.destroy(thrown instanceof Error ? thrown : undefined);
  }
}

/** What is agreed between two neighbours is not passed on (RFC 9110, 7.6.1). */
function withoutConnection(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  const { connection: _, "keep-alive": __, ...passed } = headers;
  return passed;
}

/** `GET /api/2.0/mlflow/runs/get`; ids and file paths that stand in a path become `*`. */
function routeOf({ method = "GET", url = "/" }: IncomingMessage): string {
  const [path = "/"] = url.split("?", 1);
  const route = path.replace(/(\/mlflow-artifacts\/artifacts\/).+$/, "$1*").replace(/\/m-[0-9a-f]{32}(?=\/|$)/, "/*");
  return `${method} ${route}`;
}
