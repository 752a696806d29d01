// Clients of the stores that signed URLs lead to. Nothing of the server's credentials goes there.
import { createHttpClient } from "../../http/client.ts";
import type { HttpClient, HttpClientOptions, Query } from "../../http/client.ts";

/** A signed URL as a client of its host takes it. */
export interface StoreAddress {
  readonly client: HttpClient;
  readonly request: { readonly path: string; readonly query: Query };
}

/** One client for each host. */
export interface StoreClients {
  at(url: string): StoreAddress;
  close(): Promise<void>;
}

/** `options` are the server's: how requests travel is the same. */
export function createStoreClients({ pacer, userAgent, timeoutMs, route, onRetry }: HttpClientOptions): StoreClients {
  const clients = new Map<string, HttpClient>();
  return {
    at(url) {
      const { origin, pathname, searchParams } = new URL(url);
      const options = {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(route === undefined ? {} : { route }),
        ...(onRetry === undefined ? {} : { onRetry }),
      };
      const client = clients.get(origin) ?? createHttpClient({ baseUrl: origin, pacer, userAgent, maxAttempts: ATTEMPTS, ...options });
      clients.set(origin, client);
      return { client, request: { path: pathname, query: [...searchParams] } };
    },
    async close() {
      for (const client of clients.values()) await client.close();
    },
  };
}

/** Fewer than the server gets: there is another way. */
const ATTEMPTS = 3;
