// What a user should know of a server's workspaces beside the one that is opened.
import type { OpenSourceServer } from "../adapters/mlflow/server.ts";
import { DEFAULT_WORKSPACE } from "../adapters/mlflow/workspaces.ts";
import type { UnreadWorkspaces } from "../report/unread-workspaces.ts";
import type { MlflowLocation, Role } from "./location.ts";

export interface OtherWorkspaces {
  /** At a source. */
  readonly unread?: UnreadWorkspaces;
  /** What is to be said at once. */
  readonly notes: readonly string[];
}

/** Nothing is said where each workspace is gone through, or where there is but one. */
export function otherWorkspaces({ workspace }: MlflowLocation, server: OpenSourceServer, role: Role): OtherWorkspaces {
  if (server.workspaces === undefined) {
    const ignored = workspace?.ambient === true && workspace.name !== DEFAULT_WORKSPACE;
    return { notes: ignored ? [`note: MLFLOW_WORKSPACE is ${workspace.name}, but ${server.uri} has no workspaces`] : [] };
  }
  const opened = workspace?.name ?? DEFAULT_WORKSPACE;
  const names = server.workspaces.map(({ name }) => name).filter((name) => name !== opened);
  if (names.length === 0 || workspace?.among === true) return { notes: [] };
  if (role === "source") return { unread: { names, agreed: workspace !== undefined }, notes: [] };
  const others = `--target-workspace names another: ${names.join(", ")}`;
  return { notes: workspace === undefined ? [`note: the workspace ${opened} of ${server.uri} is the target; ${others}`] : [] };
}
