// What every comparison runs on: a temporary folder, a real server, and the delaying proxy before it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMlflow } from "../test/live/servers.ts";
import type { LiveServer } from "../test/live/servers.ts";
import { startProxy } from "./latency-proxy.ts";
import type { CountingProxy } from "./latency-proxy.ts";

export interface Stage extends AsyncDisposable {
  readonly server: LiveServer;
  /** Before the server. */
  readonly proxy: CountingProxy;
}

export interface StageOptions {
  readonly name: string;
  readonly latencyMs: number;
  /** See ProxyOptions. */
  readonly mostInFlight?: number;
  /** Processes of the server. Default 2. */
  readonly workers?: number;
  /** The server's; the proxy takes the next one. Undefined: free ones. */
  readonly port: number | undefined;
}

/** Starts an empty MLflow server and a proxy before it. */
export async function startStage({ name, latencyMs, mostInFlight, workers, port }: StageOptions): Promise<Stage> {
  // Of two equal options the server takes the last one.
  const args = workers === undefined ? {} : { args: ["--workers", String(workers)] };
  const server = await startMlflow({ name, ...args, ...(port === undefined ? {} : { port }) });
  try {
    const limit = mostInFlight === undefined ? {} : { mostInFlight };
    const proxy = await startProxy({ target: server.url, delayMs: latencyMs, ...limit, ...(port === undefined ? {} : { port: port + 1 }) });
    return {
      server,
      proxy,
      async [Symbol.asyncDispose]() {
        await proxy.close();
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (thrown) {
    await server[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** A folder for bundles and logs, gone at disposal. */
export async function scratch(name: string): Promise<AsyncDisposable & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), `mlferry-bench-${name}-`));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
