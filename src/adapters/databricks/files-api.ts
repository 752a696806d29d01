// Files by the Files API: volumes, and the internal paths under which a workspace keeps the files of runs and logged models. The latter
// are documented nowhere: MLflow's client tries them first (mlflow/store/artifact/databricks_run_artifact_repo.py).
import type { HttpClient } from "../../http/client.ts";
import { unlessNotFound } from "../mlflow/calls.ts";
import { parseWire } from "../mlflow/wire.ts";
import type { Entry, WritableWay } from "./file-ways.ts";
import { wire } from "./wire.ts";

/** Below an absolute path of the Files API, such as `/Volumes/main/ml/files`. */
export function filesApi(http: HttpClient, root: string): WritableWay {
  const at = (path: string): string => encoded(path === "" ? root : `${root}/${path}`);
  return {
    name: root,
    async list(folder, signal) {
      const entries: Entry[] = [];
      let token: string | undefined;
      do {
        const path = `/api/2.0/fs/directories${at(folder)}`;
        const query = token === undefined ? [] : ([["page_token", token]] as const);
        const answer = await unlessNotFound(http.json({ method: "GET", path, query, repeat: "safe" }, signal));
        if (answer === undefined) return [];
        const page = parseWire(wire.folder, answer, path);
        for (const one of page.contents) {
          const below = one.path.slice(root.length + 1).replace(/\/+$/, "");
          entries.push({ path: below, isDirectory: one.is_directory, sizeBytes: Number(one.file_size ?? 0n) });
        }
        token = page.next_page_token === "" ? undefined : page.next_page_token;
      } while (token !== undefined);
      return entries;
    },
    read: (path, offset, signal) => http.download({ path: `/api/2.0/fs/files${at(path)}`, offset }, signal),
    async write(file, open, signal) {
      const size = file.sizeBytes === undefined ? {} : { sizeBytes: file.sizeBytes };
      const headers = { "content-type": "application/octet-stream" };
      await http.upload({ path: `/api/2.0/fs/files${at(file.path)}`, query: [["overwrite", "true"]], headers, ...size }, open, signal);
    },
  };
}

function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
