// DBFS of the fake workspace, by its documented API: what lies there is held below `/dbfs`, beside what other routes reach.
import { compact, exists, fields, forbidden, invalid, missing, optional, Refused, Reply, required } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { DBFS } from "./file-places.ts";
import type { Routes } from "./routes.ts";
import type { State } from "./state.ts";

const API = String.raw`\/api\/2\.0\/dbfs`;

export const dbfsRoutes: Routes = [
  [new RegExp(`^GET ${API}\\/list$`), list],
  [new RegExp(`^GET ${API}\\/get-status$`), status],
  [new RegExp(`^GET ${API}\\/read$`), read],
  [new RegExp(`^POST ${API}\\/create$`), create],
  [new RegExp(`^POST ${API}\\/add-block$`), addBlock],
  [new RegExp(`^POST ${API}\\/close$`), close],
  [new RegExp(`^POST ${API}\\/put$`), put],
  [new RegExp(`^POST ${API}\\/delete$`), remove],
  // What MLflow's client reads and writes by (mlflow/store/artifact/dbfs_artifact_repo.py).
  [/^GET \/dbfs(?<path>\/.+)$/s, (state, call) => new Reply(200, fileAt(state, openPath(call.parts["path"] ?? "")))],
  [/^POST \/dbfs(?<path>\/.+)$/s, upload],
];

/** Decoded bytes of a block; a text of `put` counts as it is. */
const MOST_BYTES = 1024 * 1024;

interface Stream {
  readonly path: string;
  readonly blocks: Buffer[];
}

const streams = new WeakMap<State, Map<string, Stream>>();

function streamsOf(state: State): Map<string, Stream> {
  const known = streams.get(state) ?? new Map<string, Stream>();
  streams.set(state, known);
  return known;
}

/** Nobody comes by DBFS to what the workspace keeps for its users. */
function openPath(path: string): string {
  if (!path.startsWith("/")) throw invalid(`Path must be absolute: ${path}`);
  if (/^\/databricks\/mlflow-(tracking|registry)(\/|$)/.test(path)) throw forbidden(`Access to ${path} by DBFS is not permitted.`);
  return path;
}

const pathOf = (call: Call): string => openPath(required(fields(call), "path"));

function fileAt(state: State, path: string): Buffer {
  const bytes = state.files.get(`${DBFS}${path}`);
  if (bytes === undefined) throw missing(`No file or directory exists on path ${path}.`);
  return bytes;
}

function entriesOf(state: State, folder: string): Map<string, Json> {
  const entries = new Map<string, Json>();
  for (const [path, bytes] of state.files) {
    if (!path.startsWith(`${DBFS}${folder}/`)) continue;
    const [name = "", ...rest] = path.slice(DBFS.length + folder.length + 1).split("/");
    entries.set(name, entry(`${folder}/${name}`, rest.length > 0 ? undefined : bytes.length));
  }
  return entries;
}

function entry(path: string, size: number | undefined): Json {
  return { path, is_dir: size === undefined, file_size: size ?? 0, modification_time: 1_767_225_600_000 };
}

/** A file gives itself. An empty folder has no field `files`. */
function list(state: State, call: Call): Json {
  const path = pathOf(call);
  const bytes = state.files.get(`${DBFS}${path}`);
  if (bytes !== undefined) return { files: [entry(path, bytes.length)] };
  const entries = entriesOf(state, path);
  if (entries.size === 0) throw missing(`No file or directory exists on path ${path}.`);
  return compact({ files: [...entries.values()] });
}

function status(state: State, call: Call): Json {
  const path = pathOf(call);
  const isFolder = entriesOf(state, path).size > 0;
  return entry(path, isFolder ? undefined : fileAt(state, path).length);
}

function read(state: State, call: Call): Json {
  const bytes = fileAt(state, pathOf(call));
  const [offset, length] = [number(call, "offset", 0), number(call, "length", MOST_BYTES / 2)];
  if (offset < 0 || length < 0) throw invalid("offset and length must not be negative");
  if (length > MOST_BYTES) throw new Refused(400, "MAX_READ_SIZE_EXCEEDED", `Reads of more than ${String(MOST_BYTES)} bytes are refused.`);
  const block = bytes.subarray(offset, offset + length);
  return compact({ bytes_read: block.length === 0 ? undefined : block.length, data: block.toString("base64") });
}

function number(call: Call, name: string, usual: number): number {
  const text = optional(fields(call), name);
  return text === undefined ? usual : Number(text);
}

/** The file is there at once, empty, and has nothing of what is sent before the stream is closed. */
function create(state: State, call: Call): Json {
  const path = pathOf(call);
  takePath(state, call, path);
  const handle = state.number();
  streamsOf(state).set(handle, { path, blocks: [] });
  state.files.set(`${DBFS}${path}`, Buffer.alloc(0));
  return { handle: Number(handle) };
}

function takePath(state: State, call: Call, path: string): void {
  if (entriesOf(state, path).size > 0) throw exists(`A directory exists on path ${path}.`);
  if (state.files.has(`${DBFS}${path}`) && call.body["overwrite"] !== true) throw exists(`A file exists on path ${path}.`);
}

function streamAt(state: State, call: Call): Stream {
  const handle = required(call.body, "handle");
  const stream = streamsOf(state).get(handle);
  if (stream === undefined) throw missing(`No open handle ${handle}.`);
  return stream;
}

function addBlock(state: State, call: Call): Json {
  const block = Buffer.from(required(call.body, "data"), "base64");
  const stream = streamAt(state, call);
  if (block.length > MOST_BYTES) throw tooLarge();
  stream.blocks.push(block);
  return {};
}

const tooLarge = (): Refused => new Refused(400, "MAX_BLOCK_SIZE_EXCEEDED", `Blocks of more than ${String(MOST_BYTES)} bytes are refused.`);

function close(state: State, call: Call): Json {
  const { path, blocks } = streamAt(state, call);
  streamsOf(state).delete(required(call.body, "handle"));
  state.files.set(`${DBFS}${path}`, Buffer.concat(blocks));
  return {};
}

function put(state: State, call: Call): Json {
  const path = pathOf(call);
  const contents = required(call.body, "contents");
  if (contents.length > MOST_BYTES) throw tooLarge();
  takePath(state, call, path);
  state.files.set(`${DBFS}${path}`, Buffer.from(contents, "base64"));
  return {};
}

function remove(state: State, call: Call): Json {
  const path = pathOf(call);
  if (entriesOf(state, path).size > 0) throw new Refused(400, "IO_ERROR", `The directory ${path} is not empty.`);
  state.files.delete(`${DBFS}${path}`);
  return {};
}

function upload(state: State, call: Call): Reply {
  state.files.set(`${DBFS}${openPath(call.parts["path"] ?? "")}`, call.bytes);
  return new Reply(200);
}
