// What an open server is to those who read and write it.
import type { ServerFeatures } from "./features.ts";
import type { RegistryHalf } from "./registry-half.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import type { Workspace } from "./workspaces.ts";

/** An open server with both its halves. */
export interface MlflowServer extends TrackingHalf {
  readonly registry: RegistryHalf;
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
