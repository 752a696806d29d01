// How connections are made: straight or through a proxy, and which certificates are trusted.
import { Agent, EnvHttpProxyAgent, Pool } from "undici";
import type { Dispatcher } from "undici";

/** The way to a server. */
export interface Route {
  /** The address of a proxy; a user and password in it are for the proxy alone. */
  readonly proxy?: string;
  /** Hosts that are reached without a proxy, in the form of the variable NO_PROXY. */
  readonly noProxy?: string;
  /** Certificates (PEM) of the authorities that are trusted. Default: what Node trusts. */
  readonly ca?: readonly string[];
}

/** uvicorn closes idle connections after 5 s; one that is dropped a second earlier is not reset under a request. */
const KEEP_ALIVE_MS = 4000;

/**
 * A pool opens a connection only when all others are busy, so the pacer's limit is the connections' limit as well. `timeoutMs` is the
 * longest silence of the server.
 */
export function createAgent(timeoutMs: number, route: Route = {}): Dispatcher {
  const tls = route.ca === undefined ? {} : { ca: [...route.ca] };
  const limits = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  };
  const { proxy, noProxy = "" } = route;
  if (proxy === undefined) return new Agent({ ...limits, connect: tls });
  return new EnvHttpProxyAgent({
    ...limits,
    connect: tls,
    requestTls: tls,
    proxyTls: tls,
    // All three are given, even when empty: what is absent, undici takes from the environment itself.
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy,
    // A request that a proxy passes on without a tunnel gets its pool without the limits otherwise.
    factory: (origin, options) => new Pool(origin, { ...(options as Pool.Options), ...limits }),
  });
}

/** A proxy's address for messages: without its user and password. */
export function shownProxy(proxy: string): string {
  return URL.parse(proxy)?.origin ?? "of an address that cannot be read";
}
