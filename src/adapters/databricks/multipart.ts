// Large files of runs, sent to S3 in parts: each part has a URL of its own, and the whole is put together at the end.
import type { HttpClient } from "../../http/client.ts";
import { inParts } from "../mlflow/file-parts.ts";
import type { PartedFile } from "../mlflow/file-parts.ts";
import { parseWire } from "../mlflow/wire.ts";
import { PART_BYTES } from "./signed-files.ts";
import type { Credential, SignedFiles } from "./signed-files.ts";
import { wire } from "./wire.ts";

/** Of S3. */
const MOST_PARTS = 10_000;
const API = "/api/2.0/mlflow/artifacts";

export interface MultipartParts {
  readonly http: HttpClient;
  readonly signed: SignedFiles;
  /** Default: 10 MiB. */
  readonly partBytes?: number;
}

/** Sends a file of a run. What was sent is given up again where a part fails, so that nobody pays for it. */
export async function sendInParts(parts: MultipartParts, runId: string, file: PartedFile, signal: AbortSignal): Promise<void> {
  const { http, signed } = parts;
  const partBytes = Math.max(parts.partBytes ?? PART_BYTES, Math.ceil(file.sizeBytes / MOST_PARTS));
  const target = { run_id: runId, path: file.path };
  const route = `${API}/create-multipart-upload`;
  const body = { ...target, num_parts: Math.ceil(file.sizeBytes / partBytes) };
  const created = parseWire(wire.multipart, await http.json({ method: "POST", path: route, body, repeat: "safe" }, signal), route);
  const upload = { ...target, upload_id: created.upload_id };
  try {
    const tags: { part_number: number; etag: string }[] = [];
    for await (const part of inParts(file, partBytes)) {
      const number = tags.length + 1;
      const given = [created.upload_credential_infos[number - 1]].filter((one) => one !== undefined);
      const etag = await signed.putPart(part, async () => given.pop() ?? (await partUrl(http, upload, number, signal)), signal);
      tags.push({ part_number: number, etag });
    }
    const path = `${API}/complete-multipart-upload`;
    await http.json({ method: "POST", path, body: { ...upload, part_etags: tags }, repeat: "safe" }, signal);
  } catch (thrown) {
    // The failure that led here is what is told.
    const abort = created.abort_credential_info;
    if (abort !== undefined) await signed.abandon(abort, signal).catch(() => undefined);
    throw thrown;
  }
}

interface Upload {
  readonly run_id: string;
  readonly path: string;
  readonly upload_id: string;
}

async function partUrl(http: HttpClient, upload: Upload, number: number, signal: AbortSignal): Promise<Credential> {
  const path = `${API}/get-presigned-upload-part-url`;
  const query = [
    ["run_id", upload.run_id],
    ["path", upload.path],
    ["upload_id", upload.upload_id],
    ["part_number", String(number)],
  ] as const;
  return parseWire(wire.partUrl, await http.json({ method: "GET", path, query, repeat: "safe" }, signal), path).upload_credential_info;
}
