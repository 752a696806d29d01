// Files of registered versions: the registry keeps a copy of its own, which can be read and not written.
import type { HttpClient, Query } from "../../http/client.ts";
import { parseWire } from "../mlflow/wire.ts";
import type { Entry, FileWay } from "./file-ways.ts";
import type { SignedFiles } from "./signed-files.ts";
import { wire } from "./wire.ts";

const API = "/api/2.0/mlflow/model-versions";

/** Both routes are no part of the SDK, and what MLflow's client reads versions by (databricks_models_artifact_repo.py). */
export function versionFiles(
  { http, signed }: { readonly http: HttpClient; readonly signed: SignedFiles },
  { model, version }: { readonly model: string; readonly version: number },
): FileWay {
  const id: Query = [
    ["name", model],
    ["version", String(version)],
  ];
  return {
    name: `version ${String(version)} of ${model}`,
    list: (folder, signal) => list(http, [...id, ["path", folder]], signal),
    read(path, offset, signal) {
      const route = `${API}/get-signed-download-uri`;
      const ask = async (): Promise<{ signed_uri: string; headers: Record<string, string>; type: "AWS_PRESIGNED_URL" }> => {
        const answer = await http.json({ method: "GET", path: route, query: [...id, ["path", path]], repeat: "safe" }, signal);
        return { ...parseWire(wire.signedDownload, answer, route), type: "AWS_PRESIGNED_URL" };
      };
      return signed.download(ask, offset, signal);
    },
  };
}

async function list(http: HttpClient, query: Query, signal: AbortSignal): Promise<Entry[]> {
  const path = `${API}/list-artifacts`;
  const folder = query.at(-1)?.[1];
  const entries: Entry[] = [];
  let token: string | undefined;
  do {
    const next: Query = token === undefined ? query : [...query, ["page_token", token]];
    const page = parseWire(wire.files, await http.json({ method: "GET", path, query: next, repeat: "safe" }, signal), path);
    // A path that is a file gives itself, and is no folder.
    const inside = page.files.filter((file) => file.path !== folder);
    entries.push(...inside.map((file) => ({ path: file.path, isDirectory: file.is_dir, sizeBytes: Number(file.file_size ?? 0n) })));
    token = page.next_page_token === "" ? undefined : page.next_page_token;
  } while (token !== undefined);
  return entries;
}
