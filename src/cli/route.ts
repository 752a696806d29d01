// The way to a server, as the environment and mlferry.yaml say: proxies, and certificates of one's own authority.
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { asMigrationError, MigrationError } from "../errors.ts";
import type { Route } from "../http/client.ts";
import type { ServerLocation } from "./location.ts";
import type { Environment } from "./terminal.ts";

/**
 * Proxies as other programs have them: HTTPS_PROXY for https addresses, HTTP_PROXY for http ones, none for the hosts in NO_PROXY; in lower
 * case they win. Certificates of `ca_file`, or of the file that MLflow's MLFLOW_TRACKING_SERVER_CERT_PATH names, are trusted beside the
 * usual ones. Throws USAGE for a proxy's address that is none, and for a file that cannot be read.
 */
export function routeOf(location: ServerLocation, env: Environment): Route {
  const proxy = proxyOf(location.url.startsWith("https:") ? "https_proxy" : "http_proxy", env);
  const noProxy = variable("no_proxy", env);
  const caFile = location.registry?.caFile ?? env["MLFLOW_TRACKING_SERVER_CERT_PATH"] ?? "";
  return {
    ...(proxy === undefined ? {} : { proxy }),
    ...(noProxy === "" ? {} : { noProxy }),
    ...(caFile === "" ? {} : { ca: [...getCACertificates("default"), readCertificates(caFile)] }),
  };
}

function proxyOf(name: string, env: Environment): string | undefined {
  const value = variable(name, env);
  if (value === "") return undefined;
  const url = URL.parse(/^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  // The value may hold a password.
  throw new MigrationError("USAGE", `${name.toUpperCase()} is no address of a proxy`, { hint: "write it as http://host:port" });
}

function variable(name: string, env: Environment): string {
  return env[name] ?? env[name.toUpperCase()] ?? "";
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw new MigrationError("USAGE", `the certificates cannot be read: ${asMigrationError(thrown).message}`, {
      cause: thrown,
      hint: "check ca_file in mlferry.yaml, or MLFLOW_TRACKING_SERVER_CERT_PATH",
    });
  }
}
