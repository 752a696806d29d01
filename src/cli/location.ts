// What a place is called on the command line, and what each form means. Looks at the disk, opens nothing.
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { MigrationError } from "../errors.ts";

export type Location =
  | {
      readonly place: "mlflow";
      /** Without a slash at its end; never holds a credential. */
      readonly url: string;
      /** `host:port`, the port always written out. */
      readonly host: string;
    }
  | { readonly place: "bundle"; readonly path: string }
  /** A bundle through stdin where it is read, through stdout where it is written. */
  | { readonly place: "pipe" };

/** How a pipe is written. */
export const PIPE = "-";

export type Role = "source" | "target";

/**
 * Reads a location as the command line has it. What is to be read must look like something that can be; any path can be
 * written. `use` is that of the role unless told. Throws LOCATION_UNKNOWN, USAGE for a login within the address, NOT_FOUND
 * for a bundle that is not there.
 */
export function parseLocation(text: string, role: Role, use: "read" | "write" = role === "source" ? "read" : "write"): Location {
  if (/^https?:\/\//i.test(text)) return serverLocation(text, role);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (/^databricks(-uc)?$/.test(text) || (scheme !== undefined && UNSUPPORTED.test(scheme))) throw unsupported(text, scheme ?? text);
  if (scheme !== undefined) throw unknown(text, `${role} ${quoted(text)} has the unknown form ${scheme}:`);
  if (text === PIPE) return { place: "pipe" };
  if (text.trim() === "") throw unknown(text, `${role} ${quoted(text)} names no place`);
  return use === "read" ? readableBundle(text, role) : { place: "bundle", path: text };
}

/** Two locations are one place when both are the same server or the same path. */
export function isSamePlace(a: Location, b: Location): boolean {
  if (a.place === "pipe") return b.place === "pipe";
  if (a.place === "mlflow") return b.place === "mlflow" && a.url === b.url;
  return b.place === "bundle" && resolve(a.path) === resolve(b.path);
}

const UNSUPPORTED = /^(databricks|databricks-uc|uc|sqlite|file|mysql|postgresql|mssql|s3|gs|abfss?|wasbs?|dbfs|hdfs|viewfs)(\+.*)?$/;

const FORMS = "known forms: http(s)://host[:port][/path] (an MLflow server), NAME.tar or a folder (a bundle), - (a bundle through a pipe)";

function serverLocation(text: string, role: Role): Location {
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

function unsupported(text: string, scheme: string): MigrationError {
  return new MigrationError("LOCATION_UNKNOWN", `${quoted(text)}: ${scheme} is not supported in this version`, {
    hint: `${FORMS}; a store without a server can be reached through: mlflow server --backend-store-uri …`,
  });
}

function unknown(text: string, message: string): MigrationError {
  const meant = /^[\w.-]+:\d+(\/.*)?$/.test(text) ? `did you mean http://${text}? ` : "";
  return new MigrationError("LOCATION_UNKNOWN", message, { hint: `${meant}${FORMS}` });
}

function readableBundle(path: string, role: Role): Location {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (!/[/\\]|\.tar$/.test(path)) throw unknown(path, `${role} ${quoted(path)} names no known place, and no file or folder is called so`);
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
