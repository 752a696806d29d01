// Connections to servers: one client each, with its credentials and its way; one pacer per host, so that two places on one host share
// its limits.
import { connectDatabricks } from "../adapters/databricks/connect.ts";
import type { DatabricksServer } from "../adapters/databricks/connect.ts";
import { DATABRICKS_RATES } from "../adapters/databricks/rates.ts";
import { withUnityCatalog } from "../adapters/unity-catalog/unity-catalog.ts";
import type { OssOptions } from "../adapters/unity-catalog-oss/catalog.ts";
import { withOpenCatalog } from "../adapters/unity-catalog-oss/paired.ts";
import { openUnityCatalogOss } from "../adapters/unity-catalog-oss/unity-catalog-oss.ts";
import { createStoreClients } from "../adapters/mlflow/store-clients.ts";
import { connectMlflow } from "../adapters/mlflow/connect.ts";
import type { ConnectOptions } from "../adapters/mlflow/connect.ts";
import type { MlflowServer, OpenSourceServer } from "../adapters/mlflow/server.ts";
import type { LevelChange } from "../http/adaptive.ts";
import { createHttpClient } from "../http/client.ts";
import type { HttpClientOptions, RetryEvent } from "../http/client.ts";
import { createPacer } from "../http/pace.ts";
import type { Pacer, PaceReport } from "../http/pace.ts";
import { createStores } from "../stores/open.ts";
import type { Stores } from "../stores/open.ts";
import type { StoreSettings } from "../stores/settings.ts";
import type { Target } from "../ports/target.ts";
import { credentialsOf, unityCredentials } from "./credentials.ts";
import type { Credentials } from "./credentials.ts";
import { databricksLogin } from "./databricks-login.ts";
import { rootRulesOf } from "./file-flags.ts";
import type { RootFlags } from "./file-flags.ts";
import type { PaceFlags } from "./flags.ts";
import { hostsOf, isDatabricks } from "./location.ts";
import type { DatabricksLocation, Location, MlflowLocation, Role, ServerLocation, UnityLocation } from "./location.ts";
import { routeOf } from "./route.ts";
import { signedUrlsFor, storeSettingsFor } from "./store-settings.ts";
import type { Terminal } from "./terminal.ts";

export interface ConnectionsOptions {
  readonly terminal: Pick<Terminal, "env" | "version" | "secrets" | "now">;
  readonly pace: PaceFlags;
  readonly roots: RootFlags;
  /** All locations that will be opened. */
  readonly locations: readonly Location[];
  readonly onRetry: (event: RetryEvent) => void;
  readonly onWait: (reason: string, ms: number) => void;
  /** A host is given more or fewer requests at a time than before. */
  readonly onLevel: (host: string, change: LevelChange) => void;
}

export interface Connections {
  /** Connects anew; whoever asks closes it. */
  open(location: MlflowLocation, role: Role, signal: AbortSignal): Promise<OpenSourceServer>;
  /** The same for a Databricks workspace, whichever its registry half is to be. */
  openWorkspace(location: DatabricksLocation, role: Role, signal: AbortSignal): Promise<DatabricksServer>;
  /** An open-source Unity Catalog, for reading and for writing. */
  openCatalog(location: UnityLocation, role: Role, signal: AbortSignal): Promise<Target>;
  /** An open server as it is, or with the catalog that the location pairs it with; this closes with its files. */
  complete(server: OpenSourceServer, location: ServerLocation, role: Role, signal: AbortSignal): Promise<MlflowServer>;
  /** Requests sent so far, by host, over connections that are closed too. */
  requests(): ReadonlyMap<string, number>;
  /** How each host that was asked was paced. */
  pace(): ReadonlyMap<string, PaceReport>;
  /** File transfers that may be under way now: see Job.transfers. */
  transfers(): number;
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { terminal } = options;
  const pacers = createPacers(options);
  const servers: Opened[] = [];
  const storage = (role: Role): Storage => storageFor(role, options);
  const clientOf = (location: ServerLocation): HttpClientOptions => clientFor(location, pacers.of(location.host), options);
  const catalog = (location: UnityLocation, role: Role): OssOptions => {
    const http = createHttpClient({ ...clientOf(location), ...unityCredentials(location, role, terminal) });
    servers.push({ host: location.host, server: { http } });
    return { http, ...storage(role) };
  };
  return {
    async open(location, role, signal) {
      const { stores } = storage(role);
      const server = await connectMlflow({ ...clientOf(location), ...mlflowOptions(location, role, terminal), stores }, signal);
      servers.push({ host: location.host, server });
      return server;
    },
    async openWorkspace(location, role, signal) {
      const login = await databricksLogin(location, role, { ...terminal, signal });
      const client = { ...clientOf(location), ...login };
      const { stores, settings } = storage(role);
      const own = await connectDatabricks({ ...client, stores }, signal);
      const server = location.place === "databricks" ? own : withUnityCatalog(own, { clients: createStoreClients(client), settings });
      servers.push({ host: location.host, server });
      return server;
    },
    openCatalog: (location, role, signal) => openUnityCatalogOss(catalog(location, role), signal),
    async complete(server, location, role, signal) {
      return location.place === "uc" ? withOpenCatalog(server, catalog(location, role), signal) : server;
    },
    requests: () => requestsOf(servers),
    pace: () => pacers.reports(),
    transfers: () => pacers.transfers(),
  };
}

type MlflowClient = Omit<ConnectOptions, keyof HttpClientOptions | "stores"> & Credentials;

/** What clients of MLflow servers have. */
function mlflowOptions(location: MlflowLocation, role: Role, terminal: ConnectionsOptions["terminal"]): MlflowClient {
  const { workspace } = location;
  return {
    writes: role === "target",
    ...credentialsOf(location, role, terminal),
    signedUrls: signedUrlsFor(role, terminal.env),
    ...(workspace === undefined ? {} : { workspace: { name: workspace.name, ifAny: workspace.ambient === true } }),
  };
}

/** How files are reached that a server names, or lends credentials for. */
interface Storage {
  readonly stores: Stores;
  readonly settings: StoreSettings;
}

function storageFor(role: Role, { terminal, roots }: ConnectionsOptions): Storage {
  const settings = storeSettingsFor(role, terminal.env);
  return { settings, stores: createStores({ settings, rules: rootRulesOf(roots, role) }) };
}

/** What clients of all servers have. */
function clientFor(location: ServerLocation, pacer: Pacer, { terminal, onRetry }: ConnectionsOptions): HttpClientOptions {
  const userAgent = `mlferry/${terminal.version}`;
  return { baseUrl: location.url, pacer, userAgent, onRetry, route: routeOf(location, terminal.env) };
}

interface Opened {
  readonly host: string;
  readonly server: Pick<OpenSourceServer, "http">;
}

function requestsOf(servers: readonly Opened[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { host, server } of servers) counts.set(host, (counts.get(host) ?? 0) + server.http.requests);
  return counts;
}

interface Pacers {
  /** The one of the host. */
  of(host: string): Pacer;
  reports(): ReadonlyMap<string, PaceReport>;
  transfers(): number;
}

/** One pacer per host. */
function createPacers({ pace, locations, onWait, onLevel }: ConnectionsOptions): Pacers {
  const hosts = locations.flatMap(hostsOf);
  const workspaces = new Set(locations.flatMap((one) => (isDatabricks(one) ? [one.host] : [])));
  const pacers = new Map<string, Pacer>();
  const create = (host: string): Pacer =>
    createPacer({
      inFlight: pace.concurrency,
      adapt: true,
      onWait: (reason, ms) => onWait(`${host}: ${reason}`, ms),
      onLevel: (change) => onLevel(host, change),
      ...(pace.rate === undefined ? {} : { ratePerSecond: pace.rate }),
      ...(workspaces.has(host) ? { groups: DATABRICKS_RATES } : {}),
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
