// Opens an MLflow server: finds out that it is one, what it offers, and which registry it is.
import { createHash } from "node:crypto";
import { MigrationError } from "../../errors.ts";
import { createHttpClient } from "../../http/client.ts";
import type { HttpClient, HttpClientOptions } from "../../http/client.ts";
import type { OriginId } from "../../model/entities.ts";
import type { Stores } from "../../stores/open.ts";
import { createDirectFiles } from "./direct-files.ts";
import type { DirectFiles } from "./direct-files.ts";
import { createSignedUrls } from "./signed-urls.ts";
import type { SignedUrlOptions, SignedUrls } from "./signed-urls.ts";
import { parseWire, wire } from "./wire.ts";
import type { WireExperiment } from "./wire.ts";

/** An open server, shared by its reading and its writing half. */
export interface MlflowServer {
  readonly http: HttpClient;
  /** Without credentials. */
  readonly uri: string;
  /** As `/version` tells it, such as `3.17.2`. */
  readonly version: string;
  readonly origin: OriginId;
  /** Whether the server passes artifacts on (`--serve-artifacts`, its default). */
  readonly servesArtifacts: boolean;
  /** Large files that go past its proxy. */
  readonly signed: SignedUrls;
  /** Files that are read and written without the server. */
  readonly direct: DirectFiles;
  /** Where its first experiment keeps files, and so most likely new ones; unknown where that is gone. */
  readonly artifactRoot?: string;
}

export interface ConnectOptions extends HttpClientOptions {
  /** Without them everything goes through the server. */
  readonly stores?: Stores;
  readonly signedUrls?: SignedUrlOptions;
}

/**
 * Connects with three requests. Throws SERVER_UNREACHABLE, NOT_AUTHORISED or NOT_A_REGISTRY. The origin is made from the creation
 * time of experiment 0, which every database gets when it is set up: it stays when the server moves to another address.
 */
export async function connectMlflow(options: ConnectOptions, signal: AbortSignal): Promise<MlflowServer> {
  const http = createHttpClient(options);
  try {
    const version = await probeVersion(http, signal);
    // One after the other: a server that has just started was seen to break on simultaneous first requests (3.17.2).
    const offer = await artifactOffer(http, signal);
    const first = await firstExperiment(http, signal);
    const identity = first === undefined ? ["mlflow", http.baseUrl] : ["mlflow", String(first.creation_time)];
    const origin = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 32) as OriginId;
    const root = first === undefined ? {} : { artifactRoot: first.artifact_location };
    const signed = createSignedUrls({ http, options, settings: options.signedUrls ?? {}, offered: offer.multipart });
    const direct = createDirectFiles(options.stores);
    return { http, uri: http.baseUrl, version, origin, servesArtifacts: offer.serving, signed, direct, ...root };
  } catch (thrown) {
    await http.close();
    throw thrown;
  }
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

async function artifactOffer(http: HttpClient, signal: AbortSignal): Promise<{ serving: boolean; multipart: boolean }> {
  const path = "/api/3.0/mlflow/server-info";
  const answer = await unlessNotFound(http.json({ method: "GET", path, repeat: "safe" }, signal));
  if (answer === undefined) return { serving: true, multipart: false };
  const info = parseWire(wire.serverInfo, answer, path);
  return { serving: info.artifact_serving_enabled, multipart: info.artifact_serving_enabled && info.multipart_uploads_enabled };
}

async function firstExperiment(http: HttpClient, signal: AbortSignal): Promise<WireExperiment | undefined> {
  const path = "/api/2.0/mlflow/experiments/get";
  const answer = await unlessNotFound(http.json({ method: "GET", path, query: [["experiment_id", "0"]], repeat: "safe" }, signal));
  return answer === undefined ? undefined : parseWire(wire.experiment, answer, path).experiment;
}

/** The answer, or undefined where the server says that there is no such thing. */
export async function unlessNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof MigrationError && thrown.code === "NOT_FOUND") return undefined;
    throw thrown;
  }
}

function notARegistry(http: HttpClient, cause?: unknown): MigrationError {
  return new MigrationError("NOT_A_REGISTRY", `${http.baseUrl} is not an MLflow server`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "give the address of the tracking server, with its base path if it has one, such as http://host:5000/mlflow",
  });
}
