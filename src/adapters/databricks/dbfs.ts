// Files at paths of DBFS by its documented API, a block of at most 1 MiB a request. MLflow's client uses `/dbfs/PATH` instead: one request a
// file, but documented nowhere, and nobody says how large a body it takes, whether a cut one leaves half a file, or whether it reads from an offset.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import { get, unlessNotFound } from "../mlflow/calls.ts";
import { inParts } from "../mlflow/file-parts.ts";
import type { PartedFile } from "../mlflow/file-parts.ts";
import { parseWire } from "../mlflow/wire.ts";
import { sizeOf } from "./file-ways.ts";
import type { Entry, WritableWay } from "./file-ways.ts";
import { wire } from "./wire.ts";

const API = "/api/2.0/dbfs";
/** What a block holds before it is base64, as databricks-sdk reads and sends it (mixins/files.py). */
const BLOCK_BYTES = 1024 * 1024;
/** What one request writes whole: there the limit of 1 MB may be that of the base64 text. */
const WHOLE_BYTES = (BLOCK_BYTES / 4) * 3;
/** How often a file is begun anew whose stream was lost. */
const MOST_TRIES = 4;

/** The path of a URI that lies in DBFS as such: neither in a volume nor where a workspace lets nobody in by DBFS (mlflow/utils/uri.py). */
export function dbfsPath(uri: string): string | undefined {
  return /^dbfs:(?:\/\/[^/]*)?(\/(?!Volumes\/|databricks\/mlflow-(?:tracking|registry)\/).*?[^/])\/*$/s
    .exec(uri)?.[1]
    ?.replace(/\/{2,}/g, "/");
}

/** Below an absolute path of DBFS. */
export function dbfs(http: HttpClient, root: string): WritableWay {
  const at = (path: string): string => (path === "" ? root : `${root}/${path}`);
  return {
    name: `dbfs:${root}`,
    list: async (folder, signal) => {
      const entries = await list(http, at(folder), signal);
      return entries.map((entry) => ({ ...entry, path: entry.path.slice(root.length + 1) }));
    },
    read: (path, offset, signal) => read(http, { path: at(path), offset }, signal),
    write: async (file, open, signal) => write(http, { path: at(file.path), sizeBytes: await sizeOf(file, open), open }, signal),
  };
}

/** By absolute path. A file gives itself, and is no folder. */
async function list(http: HttpClient, path: string, signal: AbortSignal): Promise<Entry[]> {
  const answer = await unlessNotFound(get(http, `${API}/list`, { query: [["path", path]], schema: wire.dbfsFiles, signal }));
  const inside = answer?.files.filter((file) => file.path !== path) ?? [];
  return inside.map((file) => ({ path: file.path, isDirectory: file.is_dir, sizeBytes: Number(file.file_size) }));
}

/** A block that is shorter than what was asked for is the last one. */
async function* read(
  http: HttpClient,
  { path, offset }: { readonly path: string; readonly offset: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let position = offset; ;) {
    const query = [
      ["path", path],
      ["offset", String(position)],
      ["length", String(BLOCK_BYTES)],
    ] as const;
    const answer = await get(http, `${API}/read`, { query, schema: wire.dbfsBlock, signal });
    const block = Buffer.from(answer.data, "base64");
    if (block.length !== Number(answer.bytes_read)) {
      const message = `dbfs:${path} gave ${String(block.length)} bytes at ${String(position)} and says that these are ${String(answer.bytes_read)}`;
      throw new MigrationError("ARTIFACT_UNREADABLE", message, { side: "source", hint: "run the same command again" });
    }
    if (block.length > 0) yield block;
    if (block.length < BLOCK_BYTES) return;
    position += block.length;
  }
}

/** A file is never left with a block twice: where the answer to one is lost, or its stream has ended, it is begun anew from its first byte. */
async function write(http: HttpClient, file: PartedFile, signal: AbortSignal): Promise<void> {
  // An empty text may count as none.
  if (file.sizeBytes > 0 && file.sizeBytes <= WHOLE_BYTES) return writeWhole(http, file, signal);
  let begun = false;
  for (let tries = 1; ; tries += 1) {
    try {
      await writeBlocks(http, file, { onBegun: () => (begun = true), signal });
      return;
    } catch (thrown) {
      const isLost = thrown instanceof MigrationError && (thrown.code === "OUTCOME_UNKNOWN" || thrown.code === "NOT_FOUND");
      if (isLost && tries < MOST_TRIES) continue;
      if (!begun) throw thrown;
      // Half a file would look like a whole one. The failure that led here is what is told.
      const body = { path: file.path, recursive: false };
      await http.json({ method: "POST", path: `${API}/delete`, body, repeat: "safe" }, signal).catch(() => undefined);
      throw thrown;
    }
  }
}

async function writeWhole(http: HttpClient, file: PartedFile, signal: AbortSignal): Promise<void> {
  for await (const part of inParts(file, WHOLE_BYTES)) {
    const body = { path: file.path, contents: base64(part), overwrite: true };
    await http.json({ method: "POST", path: `${API}/put`, body, repeat: "safe" }, signal);
  }
}

async function writeBlocks(
  http: HttpClient,
  file: PartedFile,
  { onBegun, signal }: { readonly onBegun: () => void; readonly signal: AbortSignal },
): Promise<void> {
  const { path, sizeBytes } = file;
  const send = (route: string, body: object): Promise<unknown> =>
    http.json({ method: "POST", path: `${API}/${route}`, body, repeat: "once" }, signal);
  const { handle } = parseWire(wire.dbfsHandle, await send("create", { path, overwrite: true }), `${API}/create`);
  onBegun();
  for await (const part of inParts(file, BLOCK_BYTES)) await send("add-block", { handle, data: base64(part) });
  await send("close", { handle });
  const status = await get(http, `${API}/get-status`, { query: [["path", path]], schema: wire.dbfsFile, signal });
  if (status.file_size === BigInt(sizeBytes)) return;
  throw new MigrationError("REQUEST_FAILED", `dbfs:${path} has ${String(status.file_size)} bytes after ${String(sizeBytes)} were sent`, {
    hint: "see that nothing else writes there, and run the same command again",
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
