// The workspaces that the environment names, and what a run of the suite calls its own in them.
import { randomBytes } from "node:crypto";
import { connectDatabricks } from "../../src/adapters/databricks/connect.ts";
import { DATABRICKS_RATES } from "../../src/adapters/databricks/rates.ts";
import { createPacer } from "../../src/http/pace.ts";
import { databricksLogin, workspaceUrlIn } from "../../src/cli/databricks-login.ts";
import { createSecrets } from "../../src/cli/secrets.ts";
import { isDatabricks, parseLocation } from "../../src/cli/location.ts";
import type { HttpClient } from "../../src/http/client.ts";

export interface Workspaces {
  /** Location of a workspace with its own model registry, such as `databricks://old`. */
  readonly source: string;
  /** Location of a workspace with Unity Catalog, such as `databricks-uc://new`. */
  readonly target: string;
  /** `catalog.schema`, in which models may be made. */
  readonly schema: string;
}

/** Throws an error that names what is missing. */
export function workspaces(env: NodeJS.ProcessEnv): Workspaces {
  const names = ["MLFERRY_LIVE_DATABRICKS_SOURCE", "MLFERRY_LIVE_DATABRICKS_TARGET", "MLFERRY_LIVE_UC"] as const;
  const [source = "", target = "", schema = ""] = names.map((name) => env[name] ?? "");
  const missing = names.filter((name) => (env[name] ?? "") === "");
  if (missing.length > 0) throw new Error(`set ${missing.join(", ")}: docs/live-testing.md says to what`);
  return { source, target, schema };
}

/** What every name begins with that a run makes, so that nothing else is touched. */
export interface Own {
  readonly folder: string;
  readonly prefix: string;
}

export function ownNames(): Own {
  const id = randomBytes(4).toString("hex");
  return { folder: `/Shared/mlferry-live-${id}`, prefix: `mlferry_live_${id}_` };
}

/** A client that is logged in as mlferry would be. */
export async function clientOf(text: string, role: "source" | "target", env: NodeJS.ProcessEnv): Promise<HttpClient> {
  const location = parseLocation(text, { role, workspaceUrl: workspaceUrlIn(env) });
  if (!isDatabricks(location)) throw new Error(`${text} is no Databricks workspace`);
  const secrets = createSecrets(env);
  const signal = new AbortController().signal;
  const login = await databricksLogin(location, role, { env, version: "live", now: Date.now, secrets, signal });
  const pacer = createPacer({ inFlight: 4, groups: DATABRICKS_RATES });
  return (await connectDatabricks({ baseUrl: location.url, pacer, ...login }, signal)).http;
}
