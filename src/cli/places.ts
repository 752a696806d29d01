// Opens places from their locations: one client per server, one pacer per host, so that two places on one host share its limits.
import { resolve } from "node:path";
import { bundleCapabilities } from "../adapters/bundle/capabilities.ts";
import { openBundleSource } from "../adapters/bundle/source.ts";
import { createBundleTarget } from "../adapters/bundle/target.ts";
import { createMemory } from "../adapters/memory/memory.ts";
import { connectMlflow } from "../adapters/mlflow/connect.ts";
import type { MlflowServer } from "../adapters/mlflow/connect.ts";
import { createMlflowSource } from "../adapters/mlflow/source.ts";
import { requireFileStore } from "../adapters/mlflow/target-files.ts";
import { createMlflowTarget } from "../adapters/mlflow/target.ts";
import type { RetryEvent } from "../http/client.ts";
import { createPacer } from "../http/pace.ts";
import type { Pacer } from "../http/pace.ts";
import type { Source } from "../ports/source.ts";
import type { Target } from "../ports/target.ts";
import { createStores } from "../stores/open.ts";
import { bundleAsTarget } from "./bundle-as-target.ts";
import { credentialsFor } from "./credentials.ts";
import { rootRulesOf } from "./file-flags.ts";
import type { RootFlags } from "./file-flags.ts";
import type { PaceFlags } from "./flags.ts";
import type { Location, Role } from "./location.ts";
import { signedUrlsFor, storeSettingsFor } from "./store-settings.ts";
import type { Terminal } from "./terminal.ts";

export interface PlacesOptions {
  readonly terminal: Pick<Terminal, "env" | "version">;
  readonly pace: PaceFlags;
  readonly roots: RootFlags;
  /** All locations that will be opened. */
  readonly locations: readonly Location[];
  readonly onRetry: (event: RetryEvent) => void;
  readonly onWait: (reason: string, ms: number) => void;
}

/** What is written: for `force` and `reopen` (default: false) see BundleTargetOptions. */
interface WriteUse {
  readonly for: "write";
  readonly source: Source;
  readonly selection: unknown;
  readonly created: Date;
  /** Whether files are to be written: then the package and the credentials for it must be there. */
  readonly withFiles: boolean;
  readonly force: boolean;
  readonly reopen?: boolean;
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
      if (location.place === "bundle") return keep(await openBundleSource(location.path, { signal }));
      return keep(createMlflowSource(await connect.open(location, "source", signal)));
    },
    async target(location, use, signal) {
      if (location.place === "bundle") return keep(await bundleTarget(location.path, use, { version: options.terminal.version, signal }));
      const server = await connect.open(location, "target", signal);
      if (use.for === "write" && use.withFiles) await requireFileStore(server, signal);
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
        signedUrls: signedUrlsFor(role, options.terminal.env),
        stores: createStores({ settings: storeSettingsFor(role, options.terminal.env), rules: rootRulesOf(options.roots, role) }),
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

async function bundleTarget(path: string, use: TargetUse, { version, signal }: { version: string; signal: AbortSignal }): Promise<Target> {
  switch (use.for) {
    case "verify":
      return bundleAsTarget(await openBundleSource(path, { signal }));
    case "plan":
      // A bundle is always written anew: what is to be done shows on an empty place that holds what a bundle holds.
      return createMemory({ uri: path, origin: use.source.origin, capabilities: bundleCapabilities(), newIds: false });
    case "write":
      return createBundleTarget(resolve(path), {
        tool: `mlferry ${version}`,
        source: { uri: use.source.uri, origin: use.source.origin },
        selection: use.selection,
        created: use.created,
        force: use.force,
        reopen: use.reopen ?? false,
      });
  }
}
