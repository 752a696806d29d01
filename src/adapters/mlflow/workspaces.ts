// Workspaces of an MLflow server (3.10 and newer, started with --enable-workspaces): each is a registry of its own behind one address.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import { parseWire, wire } from "./wire.ts";
import type { WireWorkspace } from "./wire.ts";

/** Named by a request; without it the server means its default workspace. A server without workspaces answers 500 to it. */
export const WORKSPACE_HEADER = "x-mlflow-workspace";

/** Every server with workspaces has it; it holds what was there before they were enabled. */
export const DEFAULT_WORKSPACE = "default";

/** What a server takes for a new one (mlflow/store/workspace/abstract_store.py, WorkspaceNameValidator). */
export const WORKSPACE_NAME = {
  pattern: /^(?!(?:workspaces|api|ajax-api|static-files)$)[a-z0-9][-a-z0-9]{0,61}[a-z0-9]$/,
  wording: "2 to 63 lower-case letters, digits and - (not at an end)",
} as const;

export interface Workspace {
  readonly name: string;
  readonly description: string;
  /** Where its files go, if not below the server's own root. */
  readonly artifactRoot?: string;
}

const PATH = "/api/3.0/mlflow/workspaces";

/** All that may be seen with these credentials. */
export async function listWorkspaces(http: HttpClient, signal: AbortSignal): Promise<readonly Workspace[]> {
  const answer = await http.json({ method: "GET", path: PATH, repeat: "safe" }, signal);
  return parseWire(wire.workspaces, answer, PATH).workspaces.map(toWorkspace);
}

/** Creates a workspace below the server's artifact root; one of that name that is there already is as good. */
export async function createWorkspace(
  http: HttpClient,
  workspace: Pick<Workspace, "name" | "description">,
  signal: AbortSignal,
): Promise<void> {
  const { name, description } = workspace;
  try {
    await http.json({ method: "POST", path: PATH, body: { name, ...(description === "" ? {} : { description }) }, repeat: "safe" }, signal);
  } catch (thrown) {
    // Also the answer to a repeat of a request whose own answer was lost.
    if (thrown instanceof MigrationError && thrown.request?.serverCode === "RESOURCE_ALREADY_EXISTS") return;
    throw thrown;
  }
}

function toWorkspace({ name, description, default_artifact_root: root }: WireWorkspace): Workspace {
  return { name, description, ...(root === "" ? {} : { artifactRoot: root }) };
}
