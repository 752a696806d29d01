// Opens places from their locations, and closes them again.
import { originId } from "../model/keys.ts";
import { resolve } from "node:path";
import { bundleCapabilities } from "../adapters/bundle/capabilities.ts";
import { examineBundle } from "../adapters/bundle/examine.ts";
import { openBundleSource } from "../adapters/bundle/source.ts";
import type { Compression } from "../adapters/bundle/spool.ts";
import type { OpenTar } from "../adapters/bundle/member-store.ts";
import { createBundleStream, createBundleTarget } from "../adapters/bundle/target.ts";
import type { DatabricksServer } from "../adapters/databricks/connect.ts";
import { examineDatabricks } from "../adapters/databricks/examine.ts";
import { createDatabricksSource } from "../adapters/databricks/source.ts";
import { createDatabricksTarget } from "../adapters/databricks/target.ts";
import { examineUnityCatalogOss } from "../adapters/unity-catalog-oss/examine.ts";
import { createMemory } from "../adapters/memory/memory.ts";
import type { MlflowServer, OpenSourceServer } from "../adapters/mlflow/server.ts";
import { examineMlflow } from "../adapters/mlflow/examine.ts";
import { createMlflowSource } from "../adapters/mlflow/source.ts";
import { createMlflowTarget } from "../adapters/mlflow/target.ts";
import { createWorkspace } from "../adapters/mlflow/workspaces.ts";
import type { Workspace } from "../adapters/mlflow/workspaces.ts";
import { sharesTracking } from "../engine/same-tracking.ts";
import { MigrationError } from "../errors.ts";
import type { Examined, ExamineOptions } from "../ports/checks.ts";
import type { Source } from "../ports/source.ts";
import type { Target } from "../ports/target.ts";
import type { UnreadWorkspaces } from "../report/unread-workspaces.ts";
import { bundleAsTarget } from "./bundle-as-target.ts";
import { createConnections } from "./connections.ts";
import type { Connections, ConnectionsOptions } from "./connections.ts";
import { isCatalogAlone, isDatabricks, isServer, trackingOf } from "./location.ts";
import type { BundleLocation, Location, MlflowLocation, NamedLocation, Role, ServerLocation } from "./location.ts";
import { otherWorkspaces } from "./other-workspaces.ts";
import { refuseTerminals, spoolStdin, stdoutSink, temporaryFolder } from "./pipe.ts";
import type { Terminal } from "./terminal.ts";

export interface PlacesOptions extends ConnectionsOptions {
  readonly terminal: ConnectionsOptions["terminal"] & Pick<Terminal, "bytes">;
  /** Told what a user should know of the places, a line each. */
  readonly onNote: (line: string) => void;
}

/** What is written: for `force`, `reopen` (default: false) and `compression` see BundleTargetOptions. */
interface WriteUse {
  readonly for: "write";
  readonly source: Source;
  readonly selection: unknown;
  readonly created: Date;
  /** Whether files are to be written: then the package and the credentials for it must be there. */
  readonly withFiles: boolean;
  readonly force: boolean;
  readonly reopen?: boolean;
  readonly compression?: Compression;
}

/** What a target is opened for: only `write` begins a bundle. */
export type TargetUse = WriteUse | { readonly for: "plan"; readonly source: Source } | { readonly for: "verify" };

export interface Places {
  source(location: Location, signal: AbortSignal): Promise<Source>;
  target(location: Location, use: TargetUse, signal: AbortSignal): Promise<Target>;
  /** Those that may be seen. Throws NOT_SUPPORTED for a server that has none. */
  workspaces(location: MlflowLocation, role: Role, signal: AbortSignal): Promise<readonly Workspace[]>;
  /** Workspaces of the source server that were passed over; undefined where there are none. */
  unread(): UnreadWorkspaces | undefined;
  /** What was and may be sent to servers. */
  readonly sent: Pick<Connections, "requests" | "pace" | "transfers">;
  /** Looks at a place before a job, with what it is to be used for. Throws INTERRUPTED only. */
  examine(location: NamedLocation, role: Role, options: ExamineOptions): AsyncGenerator<Examined>;
  /** Closes every place that was opened. */
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

export function createPlaces(options: PlacesOptions): Places {
  const connections = createConnections(options);
  const opened: Closable[] = [];
  const keep = <T extends Closable>(place: T): T => {
    opened.push(place);
    return place;
  };
  const connecting = kept(connections, keep);
  const { connect, connectWorkspace, openCatalog } = connecting;
  let unread: UnreadWorkspaces | undefined;
  return {
    async source(location, signal) {
      if (!isServer(location)) return keep(await openBundleSource(await bundleToRead(location, options, signal), { signal }));
      if (isDatabricks(location)) return keep(createDatabricksSource(await connectWorkspace(location, "source", signal)));
      if (isCatalogAlone(location)) return openCatalog(location, "source", signal);
      const mlflow = requireMlflow(location);
      const server = await connect(mlflow, "source", signal);
      const { notes, unread: passedOver } = otherWorkspaces(mlflow, server, "source");
      unread = passedOver;
      notes.forEach(options.onNote);
      return keep(createMlflowSource(await connections.complete(server, location, "source", signal)));
    },
    async target(location, use, signal) {
      if (!isServer(location)) return keep(await bundleTarget(location, use, { terminal: options.terminal, signal }));
      if (isDatabricks(location)) return keep(workspaceTarget(await connectWorkspace(location, "target", signal), use, options.onNote));
      if (isCatalogAlone(location)) return openCatalog(location, "target", signal);
      const complete: Complete = (server) => connections.complete(server, location, "target", signal);
      return keep(await serverTarget(requireMlflow(location), use, { connect, complete, onNote: options.onNote, signal }));
    },
    async workspaces(location, role, signal) {
      return workspacesOf(await connect(wholeServer(location), role, signal));
    },
    unread: () => unread,
    sent: connections,
    examine: (location, role, examination) => examine({ ...connecting, location, role }, examination),
    async close() {
      for (const place of opened.reverse()) await place.close();
    },
  };
}

function workspacesOf({ workspaces, uri }: OpenSourceServer): readonly Workspace[] {
  if (workspaces !== undefined) return workspaces;
  throw new MigrationError("NOT_SUPPORTED", `${uri} has no workspaces, and --workspaces asks for them`, {
    hint: "leave --workspaces out, or start the server with --enable-workspaces",
  });
}

type Connect = Connections["open"];
type Complete = (server: OpenSourceServer) => Promise<MlflowServer>;

interface Connecting {
  readonly connect: Connect;
  readonly connectWorkspace: Connections["openWorkspace"];
  readonly openCatalog: Connections["openCatalog"];
}

/** Connections that end when the places are closed, whatever becomes of the place that they are for. */
function kept(connections: Connections, keep: <T extends Closable>(place: T) => T): Connecting {
  return {
    async connect(location, role, signal) {
      const server = await connections.open(location, role, signal);
      keep(server.http);
      return server;
    },
    async connectWorkspace(location, role, signal) {
      const server = await connections.openWorkspace(location, role, signal);
      keep(server.http);
      return server;
    },
    openCatalog: async (location, role, signal) => keep(await connections.openCatalog(location, role, signal)),
  };
}

interface Examination extends Connecting {
  readonly location: NamedLocation;
  readonly role: Role;
}

function examine(examination: Examination, options: ExamineOptions): AsyncGenerator<Examined> {
  const { location, role, connect, connectWorkspace, openCatalog } = examination;
  if (location.place === "bundle") return examineBundle(location.path, options);
  const { signal } = options;
  if (isDatabricks(location)) return examineDatabricks(() => connectWorkspace(location, role, signal), options);
  if (location.place === "uc") return examinePair(() => openCatalog(location, role, signal), examination, options);
  return examineMlflow(() => connect(location, role, signal), options);
}

/** The catalog, then the server with its runs: of that nothing is seen that a job would use but these, and its registry is not written. */
async function* examinePair(
  open: () => Promise<Target>,
  { location, role, connect }: Examination,
  options: ExamineOptions,
): AsyncGenerator<Examined> {
  yield* examineUnityCatalogOss(open, options);
  const server = trackingOf(location);
  if (server === undefined) return;
  for await (const examined of examineMlflow(() => connect(server, role, options.signal), { ...options, writeTest: false })) {
    if ("check" in examined) yield examined;
  }
}

function workspaceTarget(server: DatabricksServer, use: TargetUse, onNote: (line: string) => void): Target {
  const target = createDatabricksTarget(server, createDatabricksSource(server));
  tellShared(target, use, onNote);
  return target;
}

function tellShared(target: Target, use: TargetUse, onNote: (line: string) => void): void {
  if (use.for === "verify" || !sharesTracking({ source: use.source, target })) return;
  onNote("source and target are registries over the same runs: experiments, runs and logged models stay where they are");
}

interface ServerOpening {
  readonly connect: Connect;
  readonly complete: Complete;
  readonly onNote: (line: string) => void;
  readonly signal: AbortSignal;
}

async function serverTarget(
  location: MlflowLocation,
  use: TargetUse,
  { connect, complete, onNote, signal }: ServerOpening,
): Promise<Target> {
  const { workspace } = location;
  if (workspace?.missing !== undefined && use.for !== "verify") {
    const whole = await connect(wholeServer(location), "target", signal);
    if (use.for === "plan") return emptyWorkspace(whole, workspace.name);
    await requireStore(whole, use, signal);
    await createWorkspace(whole.http, { name: workspace.name, ...workspace.missing }, signal);
  }
  const server = await connect(location, "target", signal);
  await requireStore(server, use, signal);
  otherWorkspaces(location, server, "target").notes.forEach(onNote);
  const whole = await complete(server);
  const target = createMlflowTarget(whole, createMlflowSource(whole));
  tellShared(target, use, onNote);
  return target;
}

async function requireStore(server: OpenSourceServer, use: TargetUse, signal: AbortSignal): Promise<void> {
  if (use.for === "write" && use.withFiles) await server.files.ready(signal);
}

/** The MLflow server of the place. Throws NOT_SUPPORTED for one that has none. */
function requireMlflow(location: ServerLocation): MlflowLocation {
  const mlflow = trackingOf(location);
  if (mlflow !== undefined) return mlflow;
  throw new MigrationError("NOT_SUPPORTED", `${location.url} is no MLflow server, and this is for those`, {
    hint: "workspaces within a server are MLflow's",
  });
}

function wholeServer({ workspace: _none, ...location }: MlflowLocation): MlflowLocation {
  return location;
}

/** What is to be done shows on an empty place that holds what the server holds. */
function emptyWorkspace(server: OpenSourceServer, name: string): Target {
  const { uri } = server;
  const origin = originId("not created", uri, name);
  return createMemory({ uri: `${uri} (workspace ${name}, to be created)`, origin, capabilities: server.capabilities });
}

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
      return createBundleStream({ ...content, uri, sink: stdoutSink(terminal, signal), folder: temporaryFolder(terminal.env) });
    }
  }
}
