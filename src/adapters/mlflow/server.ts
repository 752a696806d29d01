// What an open server is to those who read and write it.
import type { HttpClient } from "../../http/client.ts";
import type { OriginId } from "../../model/entities.ts";
import type { Capabilities } from "../../ports/capabilities.ts";
import type { Dialect } from "./dialect.ts";
import type { ServerFeatures } from "./features.ts";
import type { FileAccess } from "./file-access.ts";
import type { Workspace } from "./workspaces.ts";

/** An open server that speaks MLflow's API, or one workspace of it, shared by its reading and its writing half. */
export interface MlflowServer {
  /** Its requests name the workspace. */
  readonly http: HttpClient;
  /** Without credentials; with the workspace where it is not the default one. */
  readonly uri: string;
  readonly origin: OriginId;
  readonly capabilities: Capabilities;
  readonly dialect: Dialect;
  readonly files: FileAccess;
}

/** One of the open-source project's servers. */
export interface OpenSourceServer extends MlflowServer {
  /** As `/version` tells it, such as `3.17.2`. */
  readonly version: string;
  /** What the origin is made from: by its address, the server is another registry under another one. */
  readonly knownBy: "database" | "address";
  /** Whether the server passes artifacts on (`--serve-artifacts`, its default). */
  readonly servesArtifacts: boolean;
  readonly features: ServerFeatures;
  /** Of the whole server, as far as these credentials may see them; absent where it has none. */
  readonly workspaces?: readonly Workspace[];
}
