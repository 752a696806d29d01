// Where a workspace is, from whatever way its host was written.
import { MigrationError } from "../errors.ts";
import type { Settings } from "./settings.ts";

/**
 * The address of the workspace: https where nothing else is said, without a slash at its end and without port 443, as Databricks' own
 * clients have it. Throws USAGE where no host is set, or none that is one.
 */
export function workspaceAddress(settings: Settings): string {
  const host = settings.get("host");
  if (host === undefined) throw noHost(settings);
  const url = URL.parse(host.value.includes("://") ? host.value : `https://${host.value}`);
  // The value is not repeated: it may hold a password.
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new MigrationError("USAGE", `the host of the workspace is no address: see ${host.from}`, { hint: HINT });
  }
  if (url.username !== "" || url.password !== "") {
    throw new MigrationError("USAGE", `the host of the workspace holds a login: see ${host.from}`, { hint: HINT });
  }
  if (/^accounts(-dod)?\./.test(url.hostname)) {
    throw new MigrationError("USAGE", `${host.from} is the console of an account, which holds no models: ${url.hostname}`, { hint: HINT });
  }
  // What people copy from a browser: `?o=` names the workspace, the rest is a page.
  return url.origin + url.pathname.replace(/\/+$/, "");
}

const HINT = "write it as https://adb-1234567890.1.azuredatabricks.net, https://dbc-….cloud.databricks.com or the like";

function noHost(settings: Settings): MigrationError {
  const { whose, named } = settings;
  const hint = named
    ? "add host = https://… to the profile"
    : "set DATABRICKS_HOST (for one side of a command MLFERRY_SOURCE_DATABRICKS_HOST or MLFERRY_TARGET_DATABRICKS_HOST), or name a profile: databricks://PROFILE";
  const resource = settings.get("azure_workspace_resource_id");
  const azure = resource === undefined ? "" : `; ${resource.from} alone does not say it`;
  return new MigrationError("USAGE", `no host is set for the Databricks workspace in ${whose}${azure}`, { hint });
}
