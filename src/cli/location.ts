// What a place is called on the command line, and what each form means. Looks at the disk, opens nothing.
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { MigrationError } from "../errors.ts";
import type { Config, Registry } from "./config.ts";

export type Location =
  | {
      readonly place: "mlflow";
      /** Without a slash at its end; never holds a credential. */
      readonly url: string;
      /** `host:port`, the port always written out. */
      readonly host: string;
      /** Its entry in mlferry.yaml, where it was named. */
      readonly registry?: Registry;
      /** Which of the server's workspaces; absent where nobody said. */
      readonly workspace?: ChosenWorkspace;
    }
  | { readonly place: "bundle"; readonly path: string }
  /** A bundle through stdin where it is read, through stdout where it is written. */
  | { readonly place: "pipe" };

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
}

/**
 * Reads a location as the command line has it: an address; a path, with a slash in it or `.tar` at its end; the name of a registry; or the
 * name of a file or folder that is there. What is to be read must look like something that can be. Throws LOCATION_UNKNOWN, USAGE for a
 * login within the address, NOT_FOUND for a bundle that is not there.
 */
export function parseLocation(text: string, { role, use = role === "source" ? "read" : "write", config }: LocationOptions): Location {
  if (/^https?:\/\//i.test(text)) return serverLocation(text, role);
  const registry = config?.registries.get(text);
  if (registry !== undefined) return registryLocation(registry, role);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (/^databricks(-uc)?$/.test(text) || (scheme !== undefined && UNSUPPORTED.test(scheme))) throw unsupported(text, scheme ?? text);
  if (scheme !== undefined) throw unknown(text, `${role} ${quoted(text)} has the unknown form ${scheme}:`);
  if (text === PIPE) return { place: "pipe" };
  if (text.trim() === "") throw unknown(text, `${role} ${quoted(text)} names no place`);
  if (use === "read") return readableBundle(text, { role, config });
  // A mistyped name must not become a new folder.
  if (!isPath(text) && !existsSync(text)) throw unknownName(text, { role, config });
  return { place: "bundle", path: text };
}

/** A new bundle's path as `--output` has it: no name of a registry can be meant. */
export function outputLocation(text: string): Location {
  const isOther = /^[a-z][a-z0-9+.-]+:|^-?$/i.test(text.trim());
  return isOther ? parseLocation(text, { role: "target" }) : { place: "bundle", path: text };
}

/** Two locations are one place when both are the same path, or the same workspace of the same server. */
export function isSamePlace(a: Location, b: Location): boolean {
  if (a.place === "pipe") return b.place === "pipe";
  if (a.place === "bundle") return b.place === "bundle" && resolve(a.path) === resolve(b.path);
  return b.place === "mlflow" && a.url === b.url && workspaceOf(a) === workspaceOf(b);
}

function workspaceOf({ workspace }: Location & { readonly place: "mlflow" }): string {
  return workspace?.name ?? "default";
}

function isPath(text: string): boolean {
  return /[/\\]|\.tar$/.test(text);
}

const UNSUPPORTED = /^(databricks|databricks-uc|uc|sqlite|file|mysql|postgresql|mssql|s3|gs|abfss?|wasbs?|dbfs|hdfs|viewfs)(\+.*)?$/;

const FORMS =
  "known forms: http(s)://host[:port][/path] (an MLflow server), NAME.tar or ./FOLDER (a bundle), - (a bundle through a pipe), a name in mlferry.yaml";

function serverLocation(text: string, role: Role): Location & { readonly place: "mlflow" } {
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
  return { place: "mlflow", url: `${url.origin}${url.pathname}`.replace(/\/+$/, ""), host: `${url.hostname}:${port}` };
}

function registryLocation(registry: Registry, role: Role): Location {
  const { workspace } = registry;
  const named = workspace === undefined ? {} : { workspace: { name: workspace } };
  return { ...serverLocation(registry.uri, role), registry, ...named };
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
