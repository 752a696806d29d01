// Opens a Databricks workspace: which one it is, and how it is asked.
import { originId } from "../../model/keys.ts";
import { systemClock } from "../../http/clock.ts";
import { createHttpClient } from "../../http/client.ts";
import type { HttpClient, HttpClientOptions } from "../../http/client.ts";
import type { OriginId } from "../../model/entities.ts";
import type { Stores } from "../../stores/open.ts";
import { unlessNotFound } from "../mlflow/calls.ts";
import type { MlflowServer } from "../mlflow/server.ts";
import { createStoreClients } from "../mlflow/store-clients.ts";
import { parseWire, wire as mlflowWire } from "../mlflow/wire.ts";
import { workspaceCapabilities } from "./capabilities.ts";
import { readingCosts, writingCosts } from "./costs.ts";
import { databricksDialect } from "./dialect.ts";
import { createDatabricksFiles } from "./files.ts";
import type { DatabricksFiles } from "./files.ts";
import { rateGroupOf } from "./rates.ts";
import { createWorkspaceRegistry } from "./registry.ts";
import { wire } from "./wire.ts";

/** An open workspace. */
export interface DatabricksServer extends MlflowServer {
  /** As the workspace tells it: a long number. Absent where it does not. */
  readonly workspaceId?: string;
}

export interface DatabricksOptions extends Omit<HttpClientOptions, "groupOf" | "onHeaders"> {
  /** For buckets that experiments name; without them such files cannot be reached. */
  readonly stores?: Stores;
  /** Longest value of a run's param. Default: 500, as documented; newer workspaces are said to take 6000. */
  readonly paramValueChars?: number;
  /** See DatabricksFilesOptions. */
  readonly files?: { readonly multipartBytes?: number; readonly partBytes?: number };
}

/**
 * Connects with one request, or with two where answers do not tell which workspace it is. The pacer should have the groups DATABRICKS_RATES. Throws SERVER_UNREACHABLE, NOT_AUTHORISED or
 * NOT_A_REGISTRY.
 */
export async function connectDatabricks(options: DatabricksOptions, signal: AbortSignal): Promise<DatabricksServer> {
  let header: string | undefined;
  const http = createHttpClient({
    ...options,
    groupOf: rateGroupOf,
    onHeaders: (headerOf) => (header ??= headerOf("x-databricks-org-id")),
  });
  try {
    // First what nobody is answered without a login: discovery is open to all, and would make a wrong login look like one that has ended.
    await firstCall(http, signal);
    const workspaceId = header ?? (await discoveredId(http, signal));
    const files = filesOf(http, options);
    return {
      http,
      uri: http.baseUrl,
      origin: originOf(workspaceId ?? http.baseUrl),
      capabilities: workspaceCapabilities({ paramValueChars: options.paramValueChars ?? PARAM_VALUE_CHARS }),
      costs: { reading: readingCosts, writing: writingCosts },
      dialect: databricksDialect,
      registry: createWorkspaceRegistry({ http, files, clock: options.clock ?? systemClock }),
      files,
      ...(workspaceId === undefined ? {} : { workspaceId }),
    };
  } catch (thrown) {
    await http.close();
    throw thrown;
  }
}

function filesOf(http: HttpClient, options: DatabricksOptions): DatabricksFiles {
  const { stores, files } = options;
  return createDatabricksFiles({
    http,
    clients: createStoreClients(options),
    ...files,
    ...(stores === undefined ? {} : { stores }),
  });
}

/** Documented for runs/log-parameter. */
const PARAM_VALUE_CHARS = 500;

/** From the workspace's id, as MLflow's is from the database: it stays when the workspace gets another address. */
function originOf(workspace: string): OriginId {
  return originId("databricks", workspace);
}

async function discoveredId(http: HttpClient, signal: AbortSignal): Promise<string | undefined> {
  const path = "/.well-known/databricks-config";
  const answer = await unlessNotFound(http.json({ method: "GET", path, repeat: "safe" }, signal));
  return answer === undefined ? undefined : parseWire(wire.discovery, answer, path).workspace_id;
}

/** Shows that the login is good and that MLflow answers there. */
async function firstCall(http: HttpClient, signal: AbortSignal): Promise<void> {
  const path = "/api/2.0/mlflow/experiments/search";
  parseWire(mlflowWire.experiments, await http.json({ method: "POST", path, body: { max_results: 1 }, repeat: "safe" }, signal), path);
}
