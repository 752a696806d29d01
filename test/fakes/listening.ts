// What every fake server does alike: listens on a free port, reads bodies whole, and loses answers where a test says so.
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export interface Listening {
  readonly url: string;
  /** Ends the server and every connection to it. */
  close(): Promise<void>;
}

/** Starts a server on a free port of this machine. */
export async function listen(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** `before`: the request never took effect. `after`: it did, and the answer is lost. */
export type Loss = "before" | "after";

export interface Losses {
  /** The next answers of routes whose `METHOD /path` matches are lost. */
  lose(route: RegExp, ...when: readonly Loss[]): void;
  /** What becomes of a request that has come; each loss befalls one. */
  next(name: string): Loss | undefined;
}

export function createLosses(): Losses {
  const planned: { readonly route: RegExp; readonly when: Loss[] }[] = [];
  return {
    lose: (route, ...when) => void planned.push({ route, when: [...when] }),
    next: (name) => planned.find(({ route, when }) => when.length > 0 && route.test(name))?.when.shift(),
  };
}
