// What the tracking half of an open server is to those who read and write it: experiments, runs, logged models and their files.
import type { HttpClient } from "../../http/client.ts";
import type { OriginId } from "../../model/entities.ts";
import type { Capabilities } from "../../ports/capabilities.ts";
import type { RequestCosts } from "../../ports/costs.ts";
import type { Dialect } from "./dialect.ts";
import type { FileAccess } from "./file-access.ts";

/** An open server that speaks MLflow's API, or one workspace of it, shared by its reading and its writing half. */
export interface TrackingHalf {
  /** Its requests name the workspace. */
  readonly http: HttpClient;
  /** Without credentials; with the workspace where it is not the default one. */
  readonly uri: string;
  readonly origin: OriginId;
  /** See Source.tracking; default: the origin. */
  readonly tracking?: OriginId;
  readonly capabilities: Capabilities;
  /** Of servers that limit requests. */
  readonly costs?: { readonly reading: RequestCosts; readonly writing: RequestCosts };
  readonly dialect: Dialect;
  readonly files: FileAccess;
}
