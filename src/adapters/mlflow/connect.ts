// Opens an MLflow server: finds out that it is one, what it offers, and which registry it is.
import { originId } from "../../model/keys.ts";
import type { z } from "zod";
import { MigrationError } from "../../errors.ts";
import { createHttpClient } from "../../http/client.ts";
import type { HttpClient, HttpClientOptions } from "../../http/client.ts";
import type { OriginId } from "../../model/entities.ts";
import type { Stores } from "../../stores/open.ts";
import { mlflowCapabilities } from "./capabilities.ts";
import { createDirectFiles } from "./direct-files.ts";
import { unlessNotFound } from "./calls.ts";
import { probeFeatures } from "./features.ts";
import type { OpenSourceServer } from "./server.ts";
import { ownDialect } from "./own-dialect.ts";
import { createOwnRegistry } from "./own-registry.ts";
import { createServerFiles } from "./server-files.ts";
import { createSignedUrls } from "./signed-urls.ts";
import type { SignedUrlOptions } from "./signed-urls.ts";
import { parseWire, wire } from "./wire.ts";
import type { WireExperiment } from "./wire.ts";
import { DEFAULT_WORKSPACE, listWorkspaces, WORKSPACE_HEADER } from "./workspaces.ts";
import type { Workspace } from "./workspaces.ts";

export interface ConnectOptions extends HttpClientOptions {
  /** Which workspace. Default: the server's own default. `ifAny`: a server without workspaces is taken as it is. */
  readonly workspace?: { readonly name: string; readonly ifAny: boolean };
  /** Whether the server is to be written; default: false. */
  readonly writes?: boolean;
  /** Without them everything goes through the server. */
  readonly stores?: Stores;
  readonly signedUrls?: SignedUrlOptions;
}

/**
 * Connects with five requests, one more where there are workspaces and one more to write. Throws SERVER_UNREACHABLE, NOT_AUTHORISED,
 * NOT_A_REGISTRY, or for the workspace NOT_SUPPORTED or NOT_FOUND.
 */
export async function connectMlflow(options: ConnectOptions, signal: AbortSignal): Promise<OpenSourceServer> {
  const http = createHttpClient(options);
  try {
    const version = await probeVersion(http, signal);
    // One after the other: a server that has just started was seen to break on simultaneous first requests (3.17.2).
    const info = await serverInfo(http, signal);
    const first = await firstExperiment(http, signal);
    const features = await probeFeatures(http, { writes: options.writes ?? false }, signal);
    const workspaces = info?.workspaces_enabled === true ? await listWorkspaces(http, signal) : undefined;
    const workspace = chosenWorkspace(options.workspace, workspaces, http);
    const servesArtifacts = info?.artifact_serving_enabled ?? true;
    const scoped = workspace === undefined ? http : http.withHeaders({ [WORKSPACE_HEADER]: workspace });
    const offered = servesArtifacts && info?.multipart_uploads_enabled === true;
    return {
      http: scoped,
      uri: isDefault(workspace) ? http.baseUrl : `${http.baseUrl} (workspace ${workspace})`,
      version,
      origin: originOf(first === undefined ? http.baseUrl : String(first.creation_time), workspace),
      knownBy: first === undefined ? "address" : "database",
      servesArtifacts,
      features,
      capabilities: mlflowCapabilities({ version, features }),
      dialect: ownDialect,
      registry: createOwnRegistry(scoped),
      files: createServerFiles({
        http: scoped,
        servesArtifacts,
        signed: createSignedUrls({ http: scoped, options, settings: options.signedUrls ?? {}, offered }),
        direct: createDirectFiles(options.stores),
        ...(first === undefined ? {} : { artifactRoot: first.artifact_location }),
      }),
      ...(workspaces === undefined ? {} : { workspaces }),
    };
  } catch (thrown) {
    await http.close();
    throw thrown;
  }
}

/**
 * Made from the creation time of experiment 0, which every database gets when it is set up: it stays when the server moves to another
 * address. The default workspace is what the server was before it had workspaces, so it keeps that origin; each other one has its own.
 */
function originOf(server: string, workspace: string | undefined): OriginId {
  const identity = ["mlflow", server, ...(isDefault(workspace) ? [] : ["workspace", workspace])];
  return originId(...identity);
}

function isDefault(workspace: string | undefined): workspace is undefined | typeof DEFAULT_WORKSPACE {
  return workspace === undefined || workspace === DEFAULT_WORKSPACE;
}

/** The name that requests are to carry; undefined where none was asked for, or where the server has none and that is fine. */
function chosenWorkspace(
  asked: ConnectOptions["workspace"],
  workspaces: readonly Workspace[] | undefined,
  http: HttpClient,
): string | undefined {
  if (asked === undefined) return undefined;
  if (workspaces === undefined) {
    if (asked.ifAny) return undefined;
    throw new MigrationError("NOT_SUPPORTED", `${http.baseUrl} has no workspaces, and ${asked.name} is asked for`, {
      hint: "leave the workspace out, or start the server with --enable-workspaces",
    });
  }
  if (workspaces.some(({ name }) => name === asked.name)) return asked.name;
  const visible = workspaces.map(({ name }) => name).join(", ");
  throw new MigrationError("NOT_FOUND", `${http.baseUrl} has no workspace ${asked.name}, or does not show it to this user`, {
    hint: visible === "" ? "no workspace is visible with these credentials" : `visible: ${visible}`,
  });
}

async function probeVersion(http: HttpClient, signal: AbortSignal): Promise<string> {
  const answer = await http.text({ path: "/version" }, signal).catch((thrown: unknown) => {
    // A server in trouble, a lost connection and a redirect tell their own story.
    const status = thrown instanceof MigrationError && thrown.code !== "NOT_AUTHORISED" ? (thrown.request?.status ?? 0) : 0;
    throw status >= 400 && status < 500 ? notARegistry(http, thrown) : thrown;
  });
  const version = answer.trim();
  if (!/^\d+\.\d+[\w.+-]*$/.test(version)) throw notARegistry(http);
  return version;
}

/** Undefined on servers that are too old to tell. */
async function serverInfo(http: HttpClient, signal: AbortSignal): Promise<z.infer<typeof wire.serverInfo> | undefined> {
  const path = "/api/3.0/mlflow/server-info";
  const answer = await unlessNotFound(http.json({ method: "GET", path, repeat: "safe" }, signal));
  return answer === undefined ? undefined : parseWire(wire.serverInfo, answer, path);
}

/** Of the default workspace. Undefined where it was purged, or may not be seen: then the address must do. */
async function firstExperiment(http: HttpClient, signal: AbortSignal): Promise<WireExperiment | undefined> {
  const path = "/api/2.0/mlflow/experiments/get";
  try {
    const answer = await http.json({ method: "GET", path, query: [["experiment_id", "0"]], repeat: "safe" }, signal);
    return parseWire(wire.experiment, answer, path).experiment;
  } catch (thrown) {
    if (thrown instanceof MigrationError && (thrown.code === "NOT_FOUND" || thrown.request?.status === 403)) return undefined;
    throw thrown;
  }
}

function notARegistry(http: HttpClient, cause?: unknown): MigrationError {
  return new MigrationError("NOT_A_REGISTRY", `${http.baseUrl} is not an MLflow server`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "give the address of the tracking server, with its base path if it has one, such as http://host:5000/mlflow",
  });
}
