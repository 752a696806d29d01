// Whom a workspace takes us for.
import type { HttpClient } from "../../http/client.ts";
import type { Principal } from "../mlflow/sight.ts";
import { parseWire } from "../mlflow/wire.ts";
import { wire } from "./wire.ts";

/** A user, or a service principal under its application id. */
export interface WorkspacePrincipal extends Principal {
  /** Names of the groups that the workspace says it is in. */
  readonly groups: readonly string[];
}

/** Administrators of a workspace are in the group `admins`. */
export async function whoAmI(http: HttpClient, signal: AbortSignal): Promise<WorkspacePrincipal> {
  const path = "/api/2.0/preview/scim/v2/Me";
  const answer = parseWire(wire.me, await http.json({ method: "GET", path, repeat: "safe" }, signal), path);
  const groups = (answer.groups ?? []).map(({ display }) => display);
  return { name: answer.userName, isAdmin: groups.includes("admins"), groups };
}
