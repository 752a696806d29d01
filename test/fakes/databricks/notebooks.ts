// Notebooks of the fake workspace: imported with each text as a revision of its own, exported in the documented forms.
import { exists, fields, forbidden, invalid, missing, optional, Refused, Reply, required } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import type { Routes } from "./routes.ts";
import type { State } from "./state.ts";

export const notebookRoutes: Routes = [
  [/^GET \/api\/2\.0\/workspace\/export$/, exportNotebook],
  [/^POST \/api\/2\.0\/workspace\/import$/, importNotebook],
];

/** A folder or a notebook. */
export interface WorkspaceObject {
  readonly type: "DIRECTORY" | "NOTEBOOK";
  readonly id: string;
  readonly language?: Language;
  /** Texts by revision, a time in epoch ms, the newest last. */
  readonly revisions?: ReadonlyMap<string, string>;
  /** Nobody but its owner may read it. */
  readonly owner?: string;
}

const LANGUAGES = { PYTHON: "py", SCALA: "scala", R: "r", SQL: "sql" } as const;
type Language = keyof typeof LANGUAGES;
const isLanguage = (text: string): text is Language => text in LANGUAGES;

/** MAX_NOTEBOOK_SIZE_EXCEEDED beyond it. */
const MOST_BYTES = 10 * 1024 * 1024;

function exportNotebook(state: State, call: Call): Json | Reply {
  const from = fields(call);
  const path = required(from, "path");
  const notebook = state.objects.get(path);
  if (notebook === undefined) throw missing(`Path (${path}) doesn't exist.`);
  if (notebook.owner !== undefined && notebook.owner !== call.user)
    throw forbidden(`${call.user} does not have Read permissions on ${path}.`);
  if (notebook.type === "DIRECTORY") throw invalid(`${path} is a directory, and only notebooks are exported here.`);
  const text = textOf(state, notebook, revisionOf(call));
  const { bytes, type } = formed(text, optional(from, "format") ?? "SOURCE", notebook);
  if (bytes.length > MOST_BYTES)
    throw new Refused(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", `The size of ${path} exceeds the limit of 10485760 bytes.`);
  if (optional(from, "direct_download") === "true") return new Reply(200, bytes, { "content-type": "application/octet-stream" });
  return { content: bytes.toString("base64"), file_type: type };
}

/** In the query, as the SDK writes what is nested, or in the body that mlflow-export-import sends. */
function revisionOf({ query, body }: Call): string | undefined {
  const nested = body["revision"];
  const fromBody = typeof nested === "object" && nested !== null ? optional(nested as Json, "revision_timestamp") : undefined;
  return query.get("revision.revision_timestamp") ?? fromBody;
}

function textOf(state: State, { revisions = new Map() }: WorkspaceObject, revision: string | undefined): string {
  const newest = [...revisions.values()].at(-1) ?? "";
  if (revision === undefined || state.rules.notebookRevisions === "ignored") return newest;
  if (state.rules.notebookRevisions === "refused") throw invalid("Unrecognized field: revision");
  const text = revisions.get(revision);
  if (text === undefined) throw missing(`Revision ${revision} does not exist.`);
  return text;
}

function formed(text: string, format: string, { language = "PYTHON" }: WorkspaceObject): { readonly bytes: Buffer; readonly type: string } {
  switch (format) {
    case "SOURCE":
      return { bytes: Buffer.from(text), type: LANGUAGES[language] };
    case "HTML":
      return { bytes: Buffer.from(`<!DOCTYPE html><html><body><pre>${text.replaceAll("<", "&lt;")}</pre></body></html>`), type: "html" };
    case "JUPYTER": {
      const cell = { cell_type: "code", execution_count: null, metadata: {}, outputs: [], source: [text] };
      return { bytes: Buffer.from(JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 0 })), type: "ipynb" };
    }
    default:
      throw invalid(`Format ${format} is not supported.`);
  }
}

function importNotebook(state: State, call: Call): Json {
  const path = required(call.body, "path");
  const before = state.objects.get(path);
  if (before !== undefined && call.body["overwrite"] !== true) throw exists(`Path (${path}) already exists.`);
  if ((optional(call.body, "format") ?? "SOURCE") !== "SOURCE") throw invalid("Only source is imported here.");
  const language = required(call.body, "language");
  if (!isLanguage(language)) throw invalid(`Unknown language ${language}.`);
  if (state.objects.get(path.slice(0, path.lastIndexOf("/")))?.type !== "DIRECTORY")
    throw missing(`The parent folder of ${path} does not exist.`);
  const text = Buffer.from(required(call.body, "content"), "base64").toString();
  const revisions = new Map([...(before?.revisions ?? []), [String(state.now()), text] as const]);
  state.objects.set(path, { type: "NOTEBOOK", id: before?.id ?? state.number(), language, revisions });
  return {};
}
