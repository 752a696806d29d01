// What a place is called on the command line, and what each form means. Looks at the disk, opens nothing.
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { MigrationError } from "../errors.ts";
import type { Config, Registry } from "./config.ts";

export type Location =
  | MlflowLocation
  | DatabricksLocation
  | UnityLocation
  | { readonly place: "bundle"; readonly path: string }
  /** A bundle through stdin where it is read, through stdout where it is written. */
  | { readonly place: "pipe" };

/** A server, as far as its location tells. */
interface ServerAddress {
  /** Without a slash at its end; never holds a credential. */
  readonly url: string;
  /** `host:port`, the port always written out. */
  readonly host: string;
  /** Its entry in mlferry.yaml, where it was named. */
  readonly registry?: Registry;
}

export interface MlflowLocation extends ServerAddress {
  readonly place: "mlflow";
  /** Which of the server's workspaces; absent where nobody said. */
  readonly workspace?: ChosenWorkspace;
}

/**
 * A Databricks workspace: its MLflow with its own registry, or with Unity Catalog. Its address stands in a profile or in the environment,
 * and is looked up when the location is read; the credential is looked for when the place is opened.
 */
export interface DatabricksLocation extends ServerAddress {
  readonly place: "databricks" | "databricks-uc";
  /** The profile that was named; absent where the environment or the default profile says which workspace is meant. */
  readonly profile?: string;
}

/** An open-source Unity Catalog. */
export interface UnityLocation extends ServerAddress {
  readonly place: "uc";
  /** The server that holds the runs which its versions name. Absent: none is known. */
  readonly tracking?: MlflowLocation;
  /** What a flag called that; absent where mlferry.yaml says it. */
  readonly trackingFlag?: string;
}

/** A location of a bundle. */
export type BundleLocation = Extract<Location, { readonly place: "bundle" | "pipe" }>;

/** A location behind which a server answers. */
export type ServerLocation = Exclude<Location, BundleLocation>;

/** How a pipe is written. */
export const PIPE = "-";

/** A place that has a name of its own. */
export type NamedLocation = Exclude<Location, { readonly place: "pipe" }>;

export type Role = "source" | "target";

export interface ChosenWorkspace {
  readonly name: string;
  /** Not named in the command or mlferry.yaml, but by MLFLOW_WORKSPACE: that counts only for servers that have workspaces. */
  readonly ambient?: boolean;
  /** It is one of several that the command goes through. */
  readonly among?: boolean;
  /** The target does not have it yet, and it is to be created so. */
  readonly missing?: { readonly description: string };
}

export interface LocationOptions {
  readonly role: Role;
  /** Default: what the role does. */
  readonly use?: "read" | "write";
  /** What is known by name. Default: nothing. */
  readonly config?: Config;
  /** Looks up where a workspace is, as workspaceUrlIn of databricks-login.ts does. Default: Databricks is no place. */
  readonly workspaceUrl?: WorkspaceUrl;
}

/** The address of the workspace that a profile, or else the environment, names for a role. Throws what is wrong with it. */
export type WorkspaceUrl = (profile: string | undefined, role: Role) => string;

/**
 * Reads a location as the command line has it: an address; a Databricks workspace; a path, with a slash in it or `.tar` at its end; the
 * name of a registry; or the name of a file or folder that is there. What is to be read must look like something that can be. Throws
 * LOCATION_UNKNOWN, USAGE for a login within the address, NOT_FOUND for a bundle that is not there.
 */
export function parseLocation(text: string, options: LocationOptions): Location {
  const { role, use = role === "source" ? "read" : "write", config } = options;
  const server = serverLocation(text, options);
  if (server !== undefined) return server;
  const registry = config?.registries.get(text);
  if (registry !== undefined) return registryLocation(registry, options);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && UNSUPPORTED.test(scheme)) throw unsupported(text, scheme);
  if (scheme !== undefined) throw unknown(text, `${role} ${quoted(text)} has the unknown form ${scheme}:`);
  if (text === PIPE) return { place: "pipe" };
  if (text.trim() === "") throw unknown(text, `${role} ${quoted(text)} names no place`);
  if (use === "read") return readableBundle(text, { role, config });
  // A mistyped name must not become a new folder.
  if (!isPath(text) && !existsSync(text)) throw unknownName(text, { role, config });
  return { place: "bundle", path: text };
}

/** A new bundle's path as `--output` has it: no name of a registry can be meant. Throws USAGE for a server's address. */
export function outputLocation(text: string): BundleLocation {
  if (!/^[a-z][a-z0-9+.-]+:|^-?$/i.test(text.trim())) return { place: "bundle", path: text };
  const location = SERVER.test(text) ? undefined : parseLocation(text, { role: "target" });
  if (location !== undefined && !isServer(location)) return location;
  throw new MigrationError("USAGE", "export writes bundles, and the output is a server's address", {
    hint: "use mlferry copy SRC DST to write to a server",
  });
}

/** Whether a server answers there. */
export function isServer(location: Location): location is ServerLocation {
  return location.place !== "bundle" && location.place !== "pipe";
}

/** Whether it is a Databricks workspace, with either of its registries. */
export function isDatabricks(location: Location): location is DatabricksLocation {
  return location.place === "databricks" || location.place === "databricks-uc";
}

/** The MLflow server of a place: itself, or the one that it is paired with. */
export function trackingOf(location: Location): MlflowLocation | undefined {
  if (location.place === "mlflow") return location;
  return location.place === "uc" ? location.tracking : undefined;
}

/** Whether it is a catalog whose runs are at no known server. */
export function isCatalogAlone(location: Location): location is UnityLocation {
  return location.place === "uc" && location.tracking === undefined;
}

/** Hosts that are asked at a place. */
export function hostsOf(location: Location): readonly string[] {
  if (!isServer(location)) return [];
  const tracking = location.place === "uc" ? location.tracking : undefined;
  return [location.host, ...(tracking === undefined ? [] : [tracking.host])];
}

/** Two locations are one place when both are the same path, or the same registry of the same server: a workspace has two. */
export function isSamePlace(a: Location, b: Location): boolean {
  if (a.place === "pipe") return b.place === "pipe";
  if (a.place === "bundle") return b.place === "bundle" && resolve(a.path) === resolve(b.path);
  return isServer(b) && a.place === b.place && a.url === b.url && workspaceOf(a) === workspaceOf(b);
}

function workspaceOf(location: ServerLocation): string {
  return (location.place === "mlflow" ? location.workspace?.name : undefined) ?? "default";
}

const SERVER = /^(https?|databricks|databricks-uc|uc):/i;

function isPath(text: string): boolean {
  return /[/\\]|\.tar$/.test(text);
}

const UNSUPPORTED = /^(sqlite|file|mysql|postgresql|mssql|s3|gs|abfss?|wasbs?|dbfs|hdfs|viewfs)(\+.*)?$/;

const FORMS =
  "known forms: http(s)://host[:port][/path] (an MLflow server), databricks[-uc][://PROFILE] (a workspace), uc:http(s)://HOST (an open-source Unity Catalog), NAME.tar or ./FOLDER (a bundle), - (a bundle through a pipe), a name in mlferry.yaml";

/** Undefined for what is no server's form. */
function serverLocation(text: string, { role, workspaceUrl }: LocationOptions): ServerLocation | undefined {
  if (/^https?:\/\//i.test(text)) return { place: "mlflow", ...serverAddress(text, role) };
  const workspace = /^databricks(?<unity>-uc)?(:\/\/(?<profile>.*?)\/?)?$/i.exec(text)?.groups;
  if (workspace !== undefined) {
    const { unity, profile } = workspace;
    const place = unity === undefined ? "databricks" : "databricks-uc";
    if (profile?.includes(":") === true) throw secretScope(text);
    if (profile === "") throw unknown(text, `${quoted(text)} names no profile`);
    if (workspaceUrl === undefined) throw unsupported(text, place);
    return { place, ...(profile === undefined ? {} : { profile }), ...serverAddress(workspaceUrl(profile, role), role) };
  }
  const [, address] = /^uc:(.*)$/i.exec(text) ?? [];
  if (address === undefined) return undefined;
  if (!/^https?:\/\//i.test(address)) throw unknown(text, `${quoted(text)} is no open-source Unity Catalog: write uc:http(s)://HOST`);
  if (workspaceUrl === undefined) throw unsupported(text, "uc");
  return { place: "uc", ...serverAddress(address, role) };
}

function serverAddress(text: string, role: Role): ServerAddress {
  const url = URL.parse(text);
  // The text is not repeated: it may hold a password.
  if (url === null) throw new MigrationError("LOCATION_UNKNOWN", `the ${role} is not a valid http address`, { hint: FORMS });
  if (url.username !== "" || url.password !== "") {
    throw new MigrationError("USAGE", `the address of the ${role} holds a user name or a password`, {
      hint: `give them as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFERRY_${role.toUpperCase()}_TRACKING_…: what stands in a command line, others can read`,
    });
  }
  if (url.search !== "" || url.hash !== "") {
    throw new MigrationError("LOCATION_UNKNOWN", `the address of the ${role} has a query or a fragment: ${url.origin}${url.pathname}`, {
      hint: "give the address up to the path, such as https://host/mlflow",
    });
  }
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return { url: `${url.origin}${url.pathname}`.replace(/\/+$/, ""), host: `${url.hostname}:${port}` };
}

function registryLocation(registry: Registry, options: LocationOptions): Location {
  const server = serverLocation(registry.uri, options);
  if (server === undefined) throw unknown(registry.uri, `registry ${registry.name} has the unknown form ${registry.uri}`);
  const { workspace } = registry;
  const named = workspace === undefined ? {} : { workspace: { name: workspace } };
  return { ...server, registry, ...named };
}

function secretScope(text: string): MigrationError {
  return new MigrationError(
    "LOCATION_UNKNOWN",
    `${quoted(text)} names a workspace by secrets of another one, which mlferry does not read`,
    {
      hint: "write its host and login as a profile in ~/.databrickscfg, and give databricks://PROFILE",
    },
  );
}

function unsupported(text: string, scheme: string): MigrationError {
  return new MigrationError("LOCATION_UNKNOWN", `${quoted(text)}: ${scheme} is not supported in this version`, {
    hint: `${FORMS}; a store without a server can be reached through: mlflow server --backend-store-uri …`,
  });
}

function unknown(text: string, message: string): MigrationError {
  const meant = /^[\w.-]+:\d+(\/.*)?$/.test(text) ? `did you mean http://${text}? ` : "";
  return new MigrationError("LOCATION_UNKNOWN", message, { hint: `${meant}${FORMS}` });
}

interface Naming {
  readonly role: Role;
  readonly config: Config | undefined;
}

function unknownName(text: string, { role, config }: Naming): MigrationError {
  const names = [...(config?.registries.keys() ?? [])];
  const message = `${role} ${quoted(text)} names no known place, and no file or folder is called so`;
  if (names.length === 0) return unknown(text, message);
  return new MigrationError("LOCATION_UNKNOWN", message, {
    hint: `${config?.path ?? "mlferry.yaml"} knows: ${names.join(", ")}; for a new folder write ./${text}`,
  });
}

function readableBundle(path: string, naming: Naming): Location {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (!isPath(path)) throw unknownName(path, naming);
    const left = existsSync(`${path}.partial`) ? `; ${path}.partial is an unfinished one: the export that began it continues it` : "";
    throw new MigrationError("NOT_FOUND", `there is no bundle at ${path}`, { hint: `check the path${left}` });
  }
  if (stat.isFile() || !stat.isDirectory() || existsSync(join(path, "header.json"))) return { place: "bundle", path };
  const mlruns = ["meta.yaml", "mlruns", "0"].some((name) => existsSync(join(path, name)));
  throw new MigrationError("LOCATION_UNKNOWN", `${path} is a folder, but no bundle: it holds no header.json`, {
    hint: mlruns
      ? "an mlruns folder is not read directly in this version: serve it with mlflow server --backend-store-uri, and give the address"
      : FORMS,
  });
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
