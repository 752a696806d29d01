// Bytes of the fake workspace: the Files API, folders, and the stores behind signed URLs, which take no bearer token.
import { compact, fields, forbidden, invalid, missing, Refused, Reply, required } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { isPathOfRuns } from "./file-places.ts";
import type { Routes } from "./routes.ts";
import type { State } from "./state.ts";

const FILES = String.raw`\/api\/2\.0\/fs\/files(?<path>\/.+)`;
const FOLDERS = String.raw`\/api\/2\.0\/fs\/directories(?<path>\/.*)`;

export const fileRoutes: Routes = [
  [new RegExp(`^PUT ${FILES}$`, "s"), put],
  [new RegExp(`^GET ${FILES}$`, "s"), (state, call) => served(fileAt(state, call), call)],
  [new RegExp(`^HEAD ${FILES}$`, "s"), (state, call) => new Reply(200, "", { "content-length": String(fileAt(state, call).length) })],
  [new RegExp(`^DELETE ${FILES}$`, "s"), (state, call) => (fileAt(state, call), state.files.delete(pathOf(call)), new Reply(204))],
  [new RegExp(`^PUT ${FOLDERS}$`, "s"), () => new Reply(204)],
  [new RegExp(`^HEAD ${FOLDERS}$`, "s"), (state, call) => (requireFolder(state, call), new Reply(200))],
  [new RegExp(`^GET ${FOLDERS}$`, "s"), listFolder],
  [/^POST \/api\/2\.0\/fs\/create-upload-url$/, (state, call) => signed(state, call, "PUT")],
  [/^POST \/api\/2\.0\/fs\/create-download-url$/, (state, call) => signed(state, call, "GET")],
  [/^(GET|PUT|PATCH|DELETE) \/signed\/(?<ticket>[0-9a-f]+)(?<path>\/.+)$/s, useSigned],
];

type Method = "GET" | "PUT" | "DELETE";

/** What is behind signed URLs that were given out: what may be done with them, and how often still. */
const tickets = new WeakMap<State, Map<string, { readonly method: Method; readonly path: string; uses: number }>>();

const pathOf = (call: Call): string => (call.parts["path"] ?? "").replace(/\/+$/, "");

/** What is closed answers as for a path that nobody may see. Folders of models can be listed all the same. */
function open(state: State, path: string, what: "file" | "folder" = "file"): string {
  const isClosedModel = path.startsWith("/Models/") && what === "file" && !state.rules.modelsFilesApi;
  if (isClosedModel || (isPathOfRuns(path) && !state.rules.runsFilesApi)) throw forbidden(`You do not have permission to access ${path}.`);
  return path;
}

function put(state: State, call: Call): Reply {
  const path = open(state, pathOf(call));
  if (call.query.get("action") !== undefined) throw new Refused(404, "ENDPOINT_NOT_FOUND", "multipart uploads are not offered here");
  if (state.files.has(path) && call.query.get("overwrite") !== "true")
    throw new Refused(409, "ALREADY_EXISTS", `The file ${path} already exists.`);
  state.files.set(path, call.bytes);
  return new Reply(204);
}

function fileAt(state: State, call: Call): Buffer {
  const path = open(state, pathOf(call));
  const bytes = state.files.get(path);
  if (bytes === undefined) throw new Refused(404, "NOT_FOUND", `The file ${path} does not exist.`);
  return bytes;
}

function served(bytes: Buffer, call: Call): Reply {
  const [, from = ""] = /^bytes=(\d+)-$/.exec(String(call.headers["range"] ?? "")) ?? [];
  if (from === "") return new Reply(200, bytes, { "content-type": "application/octet-stream" });
  if (Number(from) >= bytes.length) return new Reply(416);
  const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
  return new Reply(206, bytes.subarray(Number(from)), { "content-type": "application/octet-stream", "content-range": range });
}

function entriesOf(state: State, folder: string): Map<string, Json> {
  const entries = new Map<string, Json>();
  for (const [path, bytes] of state.files) {
    if (!path.startsWith(`${folder}/`)) continue;
    const [name = "", ...rest] = path.slice(folder.length + 1).split("/");
    const isFolder = rest.length > 0;
    const size = isFolder ? {} : { file_size: bytes.length };
    entries.set(name, { path: `${folder}/${name}`, name, is_directory: isFolder, ...size, last_modified: 1_767_225_600_000 });
  }
  return entries;
}

function requireFolder(state: State, call: Call): string {
  const folder = open(state, pathOf(call), "folder");
  if (entriesOf(state, folder).size === 0) throw new Refused(404, "NOT_FOUND", `The directory ${folder} does not exist.`);
  return folder;
}

function listFolder(state: State, call: Call): Json {
  return compact({ contents: [...entriesOf(state, requireFolder(state, call)).values()] });
}

/** In the JSON form of models and in the query form of the SDK alike. */
function signed(state: State, call: Call, method: "GET" | "PUT"): Json {
  const path = required(fields(call), "path");
  if (method === "GET" && !state.files.has(path)) throw new Refused(404, "NOT_FOUND", `The file ${path} does not exist.`);
  return { url: signedUrl(state, call, { method, path }), headers: [] };
}

/** A URL that needs no other credential, as long as it has uses left. */
export function signedUrl(
  state: State,
  call: Pick<Call, "headers">,
  { method, path, uses = state.rules.signedUrlUses }: { method: Method; path: string; uses?: number },
): string {
  const known = tickets.get(state) ?? new Map<string, { method: Method; path: string; uses: number }>();
  tickets.set(state, known);
  const ticket = state.hex();
  known.set(ticket, { method, path, uses });
  return `http://${String(call.headers["host"])}/signed/${ticket}${path.split("/").map(encodeURIComponent).join("/")}?X-Signature=${ticket}`;
}

function useSigned(state: State, call: Call): Reply {
  if (call.headers["authorization"] !== undefined) throw invalid("Only one auth mechanism allowed; a bearer token was sent to a store.");
  const ticket = tickets.get(state)?.get(call.parts["ticket"] ?? "");
  if (ticket === undefined || ticket.path !== call.parts["path"]) throw missing("no such signed URL");
  if (ticket.uses <= 0) return new Reply(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
  ticket.uses -= 1;
  if (call.method === "GET") {
    const bytes = state.files.get(ticket.path);
    return bytes === undefined ? new Reply(404, "<Error><Code>NoSuchKey</Code></Error>") : served(bytes, call);
  }
  if (call.method === "DELETE" && ticket.method === "DELETE") return new Reply(204);
  return ticket.method === "PUT" ? stored(state, ticket.path, call) : new Reply(403, "<Error><Code>AccessDenied</Code></Error>");
}

/** What a store takes, each in its own protocol. */
function stored(state: State, path: string, call: Call): Reply {
  switch (state.rules.signedUrls) {
    case "AWS_PRESIGNED_URL":
    case "GCP_SIGNED_URL":
      if (call.method !== "PUT") return new Reply(405);
      state.files.set(path, call.bytes);
      return new Reply(200, "", { etag: `"${String(call.bytes.length)}"` });
    case "AZURE_SAS_URI":
      return storedAsBlocks(state, path, call);
    case "AZURE_ADLS_GEN2_SAS_URI":
      return storedByAppending(state, path, call);
  }
}

/** Blocks are set aside until a list names them: https://learn.microsoft.com/rest/api/storageservices/put-block-list */
function storedAsBlocks(state: State, path: string, call: Call): Reply {
  const block = (id: string): string => `/.blocks${path}/${id}`;
  if (call.query.get("comp") === "block") {
    state.files.set(block(call.query.get("blockid") ?? ""), call.bytes);
    return new Reply(201);
  }
  if (call.query.get("comp") !== "blocklist") {
    if (call.headers["x-ms-blob-type"] !== "BlockBlob") return new Reply(400, "<Error><Code>MissingRequiredHeader</Code></Error>");
    state.files.set(path, call.bytes);
    return new Reply(201);
  }
  const parts = [...call.bytes.toString().matchAll(/<(?:Latest|Uncommitted)>([^<]+)</g)].map(([, id = ""]) => state.files.get(block(id)));
  if (parts.some((part) => part === undefined)) return new Reply(400, "<Error><Code>InvalidBlockList</Code></Error>");
  state.files.set(path, Buffer.concat(parts.filter((part) => part !== undefined)));
  return new Reply(201);
}

/** https://learn.microsoft.com/rest/api/storageservices/datalakestoragegen2/path/update */
function storedByAppending(state: State, path: string, call: Call): Reply {
  const draft = `/.appended${path}`;
  if (call.method === "PUT" && call.query.get("resource") === "file") {
    state.files.set(draft, Buffer.alloc(0));
    return new Reply(201);
  }
  const before = state.files.get(draft);
  if (call.method !== "PATCH" || before === undefined) return new Reply(404, "<Error><Code>PathNotFound</Code></Error>");
  const isAppend = call.query.get("action") === "append";
  const position = Number(call.query.get("position"));
  if (isAppend && position !== before.length) return new Reply(400, "<Error><Code>InvalidFlushPosition</Code></Error>");
  const after = isAppend ? Buffer.concat([before, call.bytes]) : before;
  state.files.set(draft, after);
  if (call.query.get("flush") === "true" || call.query.get("action") === "flush") {
    if (!isAppend && position !== after.length) return new Reply(400, "<Error><Code>InvalidFlushPosition</Code></Error>");
    state.files.set(path, after);
  }
  return new Reply(isAppend ? 202 : 200);
}
