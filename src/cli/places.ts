// Opens places from their locations: one client per server, one pacer per host, so that two places on one host share its limits.
import { resolve } from "node:path";
import { bundleCapabilities } from "../adapters/bundle/capabilities.ts";
import { openBundleSource } from "../adapters/bundle/source.ts";
import type { Compression } from "../adapters/bundle/spool.ts";
import { createBundleStream, createBundleTarget } from "../adapters/bundle/target.ts";
import type { OpenTar } from "../adapters/bundle/store.ts";
import { createMemory } from "../adapters/memory/memory.ts";
import { connectMlflow } from "../adapters/mlflow/connect.ts";
import type { MlflowServer } from "../adapters/mlflow/connect.ts";
import { createMlflowSource } from "../adapters/mlflow/source.ts";
import { createMlflowTarget } from "../adapters/mlflow/target.ts";
import type { RetryEvent } from "../http/client.ts";
import { createPacer } from "../http/pace.ts";
import type { Pacer } from "../http/pace.ts";
import type { Source } from "../ports/source.ts";
import type { Target } from "../ports/target.ts";
import { bundleAsTarget } from "./bundle-as-target.ts";
import { credentialsFor } from "./credentials.ts";
import type { PaceFlags } from "./flags.ts";
import type { Location, Role } from "./location.ts";
import { refuseTerminals, spoolStdin, stdoutSink, temporaryFolder } from "./pipe.ts";
import type { Terminal } from "./terminal.ts";

export interface PlacesOptions {
  readonly terminal: Pick<Terminal, "env" | "version" | "stdin" | "stdout">;
  readonly pace: PaceFlags;
  /** All locations that will be opened. */
  readonly locations: readonly Location[];
  readonly onRetry: (event: RetryEvent) => void;
  readonly onWait: (reason: string, ms: number) => void;
}

/** What is written: for `force`, `reopen` (default: false) and `compression` see BundleTargetOptions. */
interface WriteUse {
  readonly for: "write";
  readonly source: Source;
  readonly selection: unknown;
  readonly created: Date;
  readonly force: boolean;
  readonly reopen?: boolean;
  readonly compression?: Compression;
}

/** What a target is opened for: only `write` begins a bundle. */
export type TargetUse = WriteUse | { readonly for: "plan"; readonly source: Source } | { readonly for: "verify" };

export interface Places {
  source(location: Location, signal: AbortSignal): Promise<Source>;
  target(location: Location, use: TargetUse, signal: AbortSignal): Promise<Target>;
  /** Requests sent so far, by host. */
  requests(): ReadonlyMap<string, number>;
  /** Closes every place that was opened. */
  close(): Promise<void>;
}

export function createPlaces(options: PlacesOptions): Places {
  const connect = createConnector(options);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(place: T): T => {
    opened.push(place);
    return place;
  };
  return {
    async source(location, signal) {
      if (location.place !== "mlflow") return keep(await openBundleSource(await bundleToRead(location, options, signal), { signal }));
      return keep(createMlflowSource(await connect.open(location, "source", signal)));
    },
    async target(location, use, signal) {
      if (location.place !== "mlflow") return keep(await bundleTarget(location, use, { terminal: options.terminal, signal }));
      const server = await connect.open(location, "target", signal);
      return keep(createMlflowTarget(server, createMlflowSource(server)));
    },
    requests: () => connect.requests(),
    async close() {
      for (const place of opened.reverse()) await place.close();
    },
  };
}

interface Connector {
  open(location: Location & { readonly place: "mlflow" }, role: Role, signal: AbortSignal): Promise<MlflowServer>;
  requests(): ReadonlyMap<string, number>;
}

function createConnector(options: PlacesOptions): Connector {
  const pacerOf = createPacers(options);
  const servers: { readonly host: string; readonly server: MlflowServer }[] = [];
  return {
    async open(location, role, signal) {
      const auth = credentialsFor(role, options.terminal.env);
      const client = {
        baseUrl: location.url,
        pacer: pacerOf(location.host),
        userAgent: `mlferry/${options.terminal.version}`,
        onRetry: options.onRetry,
        ...(auth === undefined ? {} : { auth }),
      };
      const server = await connectMlflow(client, signal);
      servers.push({ host: location.host, server });
      return server;
    },
    requests() {
      const counts = new Map<string, number>();
      for (const { host, server } of servers) counts.set(host, (counts.get(host) ?? 0) + server.http.requests);
      return counts;
    },
  };
}

/** One pacer per host. */
function createPacers({ pace, locations, onWait }: PlacesOptions): (host: string) => Pacer {
  const hosts = locations.flatMap((location) => (location.place === "mlflow" ? [location.host] : []));
  const pacers = new Map<string, Pacer>();
  return (host) => {
    const known = pacers.get(host);
    if (known !== undefined) return known;
    // A file on its way within one host takes a reading and a writing request at once.
    const least = hosts.filter((one) => one === host).length;
    const pacer = createPacer({
      inFlight: Math.max(pace.concurrency, least),
      onWait: (reason, ms) => onWait(`${host}: ${reason}`, ms),
      ...(pace.rate === undefined ? {} : { ratePerSecond: pace.rate }),
    });
    pacers.set(host, pacer);
    return pacer;
  };
}

type BundleLocation = Exclude<Location, { readonly place: "mlflow" }>;

/** The path of a bundle, or what came through stdin. */
export async function bundleToRead(
  location: BundleLocation,
  { terminal }: Pick<PlacesOptions, "terminal">,
  signal: AbortSignal,
): Promise<string | OpenTar> {
  if (location.place === "bundle") return location.path;
  refuseTerminals(terminal, { source: location });
  return spoolStdin(terminal, signal);
}

interface Opening {
  readonly terminal: PlacesOptions["terminal"];
  readonly signal: AbortSignal;
}

async function bundleTarget(location: BundleLocation, use: TargetUse, { terminal, signal }: Opening): Promise<Target> {
  const uri = location.place === "bundle" ? location.path : "stdout";
  switch (use.for) {
    case "verify":
      return bundleAsTarget(await openBundleSource(await bundleToRead(location, { terminal }, signal), { signal }));
    case "plan":
      // A bundle is always written anew: what is to be done shows on an empty place that holds what a bundle holds.
      return createMemory({ uri, origin: use.source.origin, capabilities: bundleCapabilities(), newIds: false });
    case "write": {
      const content = {
        tool: `mlferry ${terminal.version}`,
        source: { uri: use.source.uri, origin: use.source.origin },
        selection: use.selection,
        created: use.created,
        compression: use.compression ?? "auto",
      };
      if (location.place === "bundle") {
        return createBundleTarget(resolve(location.path), { ...content, force: use.force, reopen: use.reopen ?? false });
      }
      refuseTerminals(terminal, { target: location });
      return createBundleStream({ ...content, uri, sink: stdoutSink(terminal, signal), folder: temporaryFolder(terminal.env) });
    }
  }
}
