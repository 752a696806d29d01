// Opens places from their locations: one client per server, one pacer per host, so that two places on one host share its limits.
import { resolve } from "node:path";
import { bundleCapabilities } from "../adapters/bundle/capabilities.ts";
import { openBundleSource } from "../adapters/bundle/source.ts";
import { examineBundle } from "../adapters/bundle/examine.ts";
import { createBundleTarget } from "../adapters/bundle/target.ts";
import { createMemory } from "../adapters/memory/memory.ts";
import { connectMlflow } from "../adapters/mlflow/connect.ts";
import type { MlflowServer } from "../adapters/mlflow/connect.ts";
import { examineMlflow } from "../adapters/mlflow/examine.ts";
import { createMlflowSource } from "../adapters/mlflow/source.ts";
import { createMlflowTarget } from "../adapters/mlflow/target.ts";
import type { RetryEvent } from "../http/client.ts";
import { createPacer } from "../http/pace.ts";
import type { Pacer, PaceReport } from "../http/pace.ts";
import type { LevelChange } from "../http/adaptive.ts";
import type { Examined, ExamineOptions } from "../ports/checks.ts";
import type { Source } from "../ports/source.ts";
import type { Target } from "../ports/target.ts";
import { bundleAsTarget } from "./bundle-as-target.ts";
import { credentialsFor } from "./credentials.ts";
import type { PaceFlags } from "./flags.ts";
import type { Location, Role } from "./location.ts";
import type { Terminal } from "./terminal.ts";

export interface PlacesOptions {
  readonly terminal: Pick<Terminal, "env" | "version">;
  readonly pace: PaceFlags;
  /** All locations that will be opened. */
  readonly locations: readonly Location[];
  readonly onRetry: (event: RetryEvent) => void;
  readonly onWait: (reason: string, ms: number) => void;
  /** A host is given more or fewer requests at a time than before. */
  readonly onLevel: (host: string, change: LevelChange) => void;
}

/** What is written: for `force` and `reopen` (default: false) see BundleTargetOptions. */
interface WriteUse {
  readonly for: "write";
  readonly source: Source;
  readonly selection: unknown;
  readonly created: Date;
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
  /** How each host that was asked was paced. */
  pace(): ReadonlyMap<string, PaceReport>;
  /** File transfers that may be under way now: see Job.transfers. */
  transfers(): number;
  /** Looks at a place before a job, with what it is to be used for. Throws INTERRUPTED only. */
  examine(location: Location, role: Role, options: ExamineOptions): AsyncGenerator<Examined>;
  /** Closes every place that was opened. */
  close(): Promise<void>;
}

export function createPlaces(options: PlacesOptions): Places {
  const pacers = createPacers(options);
  const connect = createConnector(options, pacers);
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
      return keep(createMlflowTarget(server, createMlflowSource(server)));
    },
    examine(location, role, examination) {
      if (location.place === "bundle") return examineBundle(location.path, examination);
      return examineMlflow(async () => {
        const server = await connect.open(location, role, examination.signal);
        opened.push({ close: () => server.http.close() });
        return server;
      }, examination);
    },
    requests: () => connect.requests(),
    pace: () => pacers.reports(),
    transfers: () => pacers.transfers(),
    async close() {
      for (const place of opened.reverse()) await place.close();
    },
  };
}

interface Connector {
  open(location: Location & { readonly place: "mlflow" }, role: Role, signal: AbortSignal): Promise<MlflowServer>;
  requests(): ReadonlyMap<string, number>;
}

function createConnector(options: PlacesOptions, pacers: Pacers): Connector {
  const servers: { readonly host: string; readonly server: MlflowServer }[] = [];
  return {
    async open(location, role, signal) {
      const auth = credentialsFor(role, options.terminal.env);
      const client = {
        baseUrl: location.url,
        pacer: pacers.of(location.host),
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

interface Pacers {
  /** The one of the host. */
  of(host: string): Pacer;
  reports(): ReadonlyMap<string, PaceReport>;
  transfers(): number;
}

/** One pacer per host. */
function createPacers({ pace, locations, onWait, onLevel }: PlacesOptions): Pacers {
  const hosts = locations.flatMap((location) => (location.place === "mlflow" ? [location.host] : []));
  const pacers = new Map<string, Pacer>();
  const create = (host: string): Pacer =>
    createPacer({
      inFlight: pace.concurrency,
      adapt: true,
      onWait: (reason, ms) => onWait(`${host}: ${reason}`, ms),
      onLevel: (change) => onLevel(host, change),
      ...(pace.rate === undefined ? {} : { ratePerSecond: pace.rate }),
    });
  return {
    of(host) {
      const pacer = pacers.get(host) ?? create(host);
      pacers.set(host, pacer);
      return pacer;
    },
    reports: () => new Map([...pacers].map(([host, pacer]) => [host, pacer.report()])),
    transfers() {
      const level = Math.min(pace.concurrency, ...[...pacers.values()].map((pacer) => pacer.level));
      // A file on its way within one host takes a reading and a writing request at once.
      return new Set(hosts).size < hosts.length ? Math.floor(level / 2) : level;
    },
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
