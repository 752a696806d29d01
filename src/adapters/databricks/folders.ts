// Folders of the workspace, in which experiments lie.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";

export interface Folders {
  /** Makes the folder in which a path lies, with those above it. Asks once for each. */
  makeFor(path: string, signal: AbortSignal): Promise<void>;
}

export function createFolders(http: HttpClient): Folders {
  const made = new Map<string, Promise<void>>();
  return {
    makeFor(path, signal) {
      const folder = path.slice(0, path.lastIndexOf("/"));
      if (folder === "") return Promise.resolve();
      const known = made.get(folder) ?? make(http, folder, signal);
      made.set(folder, known);
      known.catch(() => made.delete(folder));
      return known;
    },
  };
}

async function make(http: HttpClient, folder: string, signal: AbortSignal): Promise<void> {
  try {
    await http.json({ method: "POST", path: "/api/2.0/workspace/mkdirs", body: { path: folder }, repeat: "safe" }, signal);
  } catch (thrown) {
    if (!(thrown instanceof MigrationError) || thrown.request?.status === undefined || thrown.request.status === 401) throw thrown;
    const { code, request } = thrown;
    throw new MigrationError(code, `cannot make the folder ${folder}: ${thrown.message}`, {
      hint: "users have folders of their own only in workspaces that they belong to: map the experiments to a folder that may be written",
      cause: thrown,
      request,
    });
  }
}
