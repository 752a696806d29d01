// Files of runs and logged models by the credential service: a signed URL for each file, and a listing of the workspace's own.
import type { HttpClient, Query } from "../../http/client.ts";
import { MigrationError } from "../../errors.ts";
import { parseWire } from "../mlflow/wire.ts";
import { sizeOf } from "./file-ways.ts";
import type { Entry, WritableWay } from "./file-ways.ts";
import { sendInParts } from "./multipart.ts";
import type { Ask, SignedFiles } from "./signed-files.ts";
import { wire } from "./wire.ts";
import type { WireCredential } from "./wire.ts";

export interface CredentialFiles {
  readonly http: HttpClient;
  readonly signed: SignedFiles;
  /** Files of runs from this size on go up in parts, each with a URL of its own, where the store is S3. */
  readonly multipartBytes: number;
}

/** Whose files: those of a run, or of a logged model. */
export interface FilesOwner {
  readonly kind: "run" | "logged-model";
  readonly id: string;
}

export function credentialFiles(files: CredentialFiles, owner: FilesOwner): WritableWay {
  const { http, signed } = files;
  const ask = (use: "read" | "write", path: string, signal: AbortSignal): Ask => {
    return () => askFor(http, owner, { use, path }, signal);
  };
  return {
    name: `${owner.kind}:${owner.id}`,
    list: (folder, signal) => list(http, owner, folder, signal),
    read: (path, offset, signal) => signed.download(ask("read", path, signal), offset, signal),
    async write(file, open, signal) {
      const sizeBytes = await sizeOf(file, open);
      const sending = { path: file.path, sizeBytes, open };
      const renew = ask("write", file.path, signal);
      if (owner.kind === "run" && sizeBytes >= files.multipartBytes) {
        const first = await renew();
        if (first.type === "AWS_PRESIGNED_URL") return sendInParts(files, owner.id, sending, signal);
      }
      await signed.upload(sending, renew, signal);
    },
  };
}

const API = "/api/2.0/mlflow";

async function list(http: HttpClient, { kind, id }: FilesOwner, folder: string, signal: AbortSignal): Promise<Entry[]> {
  const path = kind === "run" ? `${API}/artifacts/list` : `${API}/logged-models/${id}/artifacts/directories`;
  const owner: Query = kind === "run" ? [["run_id", id]] : [];
  const below: Query = folder === "" ? [] : [[kind === "run" ? "path" : "artifact_directory_path", folder]];
  const entries: Entry[] = [];
  let token: string | undefined;
  do {
    const query: Query = [...owner, ...below, ...(token === undefined ? [] : [["page_token", token] as const])];
    const page = parseWire(wire.files, await http.json({ method: "GET", path, query, repeat: "safe" }, signal), path);
    // A path that is a file gives itself, and is no folder.
    const inside = page.files.filter((file) => file.path !== folder);
    entries.push(...inside.map((file) => ({ path: file.path, isDirectory: file.is_dir, sizeBytes: Number(file.file_size ?? 0n) })));
    token = page.next_page_token === "" ? undefined : page.next_page_token;
  } while (token !== undefined);
  return entries;
}

interface Wanted {
  readonly use: "read" | "write";
  readonly path: string;
}

async function askFor(http: HttpClient, owner: FilesOwner, { use, path }: Wanted, signal: AbortSignal): Promise<WireCredential> {
  const [credential] =
    owner.kind === "run" ? await forRun(http, owner.id, { use, path }, signal) : await forModel(http, owner.id, { use, path }, signal);
  if (credential !== undefined) return credential;
  throw new MigrationError("REQUEST_FAILED", `the workspace gave no URL for ${path} of ${owner.kind}:${owner.id}`, {
    hint: "check that this user may use the experiment's files",
  });
}

async function forRun(http: HttpClient, id: string, { use, path }: Wanted, signal: AbortSignal): Promise<readonly WireCredential[]> {
  const route = `${API}/artifacts/credentials-for-${use}`;
  const answer = await http.json({ method: "POST", path: route, body: { run_id: id, path: [path] }, repeat: "safe" }, signal);
  return parseWire(wire.runCredentials, answer, route).credential_infos;
}

async function forModel(http: HttpClient, id: string, { use, path }: Wanted, signal: AbortSignal): Promise<readonly WireCredential[]> {
  const route = `${API}/logged-models/${id}/artifacts/credentials-for-${use === "read" ? "download" : "upload"}`;
  const answer = await http.json({ method: "POST", path: route, body: { paths: [path] }, repeat: "safe" }, signal);
  return parseWire(wire.modelCredentials, answer, route).credentials.map(({ credential_info: credential }) => credential);
}
