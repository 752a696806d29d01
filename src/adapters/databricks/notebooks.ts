// Notebooks of a workspace, as files of the runs that they made: fetched once for all runs of a job that share one, as far as memory allows.
import { createHash } from "node:crypto";
import { asMigrationError, MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import { NOTEBOOK_FOLDER } from "../../model/notebook.ts";
import type { Notebook, NotebookFormat } from "../../model/notebook.ts";
import type { ArtifactFile, ArtifactReader } from "../../ports/source.ts";
import { get } from "../mlflow/calls.ts";
import { createSlots } from "./slots.ts";
import { wire } from "./wire.ts";

/** A notebook as a file of a run; without bytes where it cannot be had. */
export interface NotebookFile {
  readonly file: ArtifactFile;
  readonly bytes?: Uint8Array;
  /** Why there are none: the workspace has no such text, which another request would not change, or it could not be asked. */
  readonly lacking?: "text" | "answer";
}

export interface Notebooks {
  /** Throws what concerns more than this notebook, such as a lost connection. */
  fileOf(notebook: Notebook, signal: AbortSignal): Promise<NotebookFile>;
}

/** Bytes of notebooks that are held for further runs. One has 10 MB at most: more the workspace does not export. */
const HELD_BYTES = 64 * 1024 * 1024;
/** Each is held twice while it is unpacked. */
const AT_ONCE = 2;

export function createNotebooks(http: HttpClient, format: NotebookFormat, heldBytes = HELD_BYTES): Notebooks {
  const asking: Asking = { http, format, held: createHeld(heldBytes) };
  const slots = createSlots(AT_ONCE);
  const take = (path: string, revision: string | undefined, signal: AbortSignal): Promise<NotebookFile> =>
    asking.held.of(JSON.stringify([path, revision]), () => slots.run(() => fetchOne(asking, { path, revision }, signal)));
  return {
    async fileOf({ path, revision }, signal) {
      if (revision === undefined || asking.toldApart === false) return take(path, undefined, signal);
      const file = await take(path, revision, signal);
      if (file.lacking === "answer") return file;
      const tellsApart = file.lacking === undefined && (await tellsRevisions(asking, path, signal));
      if (typeof tellsApart === "object") return tellsApart;
      if (!tellsApart) return take(path, undefined, signal);
      return { ...file, file: { ...file.file, path: file.file.path.replace(/(\.[^./]*)$/, `@${revision}$1`) } };
    },
  };
}

interface Asking {
  readonly http: HttpClient;
  readonly format: NotebookFormat;
  readonly held: Held;
  /** Whether the workspace gives the text of a revision, and not always the newest; undefined before it was asked. */
  toldApart?: boolean;
  /** The question of that, while it is under way. */
  asked?: Promise<boolean | NotebookFile> | undefined;
}

interface Wanted {
  readonly path: string;
  readonly revision: string | undefined;
}

const ROUTE = "/api/2.0/workspace/export";

/**
 * The parameter with the revision is documented nowhere; public tools pass it (mlflow-export-import, notebook/download_notebook.py) in a body
 * of JSON, which is this query in the form that databricks-sdk gives to nested parameters.
 */
function exported({ http, format }: Asking, { path, revision }: Wanted, signal: AbortSignal) {
  const query = [
    ["path", path],
    ["format", format.toUpperCase()],
    ...(revision === undefined ? [] : [["revision.revision_timestamp", revision] as const]),
  ] as const;
  return get(http, ROUTE, { query, schema: wire.notebook, signal });
}

async function fetchOne(asking: Asking, wanted: Wanted, signal: AbortSignal): Promise<NotebookFile> {
  try {
    const { content, file_type: type } = await exported(asking, wanted, signal);
    const bytes = Buffer.from(content, "base64");
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as const;
    return { file: { path: `${placeOf(wanted)}.${endingOf(asking.format, type)}`, sizeBytes: bytes.length, digest }, bytes };
  } catch (thrown) {
    return lackingFile(wanted, thrown);
  }
}

function placeOf({ path }: Pick<Wanted, "path">): string {
  return `${NOTEBOOK_FOLDER}/${path.slice(path.lastIndexOf("/") + 1)}`;
}

/** One that is gone, that this login may not read, or that is too large. Rethrows what concerns more than this one. */
function lackingFile(wanted: Pick<Wanted, "path">, thrown: unknown): NotebookFile {
  const error = asMigrationError(thrown);
  const { code, request } = error;
  if (code !== "NOT_FOUND" && code !== "REQUEST_FAILED" && !(code === "NOT_AUTHORISED" && request?.status === 403)) throw error;
  const unreadable = `cannot read the notebook ${wanted.path}: ${error.message}`;
  const isRefused = request?.status !== undefined && request.status < 500;
  return { file: { path: placeOf(wanted), sizeBytes: 0, unreadable }, lacking: isRefused ? "text" : "answer" };
}

function endingOf(format: NotebookFormat, type: string): string {
  if (format === "html") return "html";
  if (format === "jupyter") return "ipynb";
  return /^[a-z0-9]{1,10}$/i.test(type) ? type.toLowerCase() : "txt";
}

/** A workspace that knows of revisions refuses one that no notebook has. Gives the notebook as one that cannot be had where no answer came. */
function tellsRevisions(asking: Asking, path: string, signal: AbortSignal): Promise<boolean | NotebookFile> {
  if (asking.toldApart !== undefined) return Promise.resolve(asking.toldApart);
  asking.asked ??= refusesRevision(asking, path, signal).finally(() => (asking.asked = undefined));
  return asking.asked;
}

async function refusesRevision(asking: Asking, path: string, signal: AbortSignal): Promise<boolean | NotebookFile> {
  try {
    await exported(asking, { path, revision: "1" }, signal);
    return (asking.toldApart = false);
  } catch (thrown) {
    const { code, request } = asMigrationError(thrown);
    if (code === "NOT_FOUND" || (code === "REQUEST_FAILED" && request?.status === 400)) return (asking.toldApart = true);
    return { ...lackingFile({ path }, thrown), lacking: "answer" };
  }
}

interface Held {
  /** What is held under the key, else what `fetch` gives, which is called once for all who ask at a time. */
  of(key: string, fetch: () => Promise<NotebookFile>): Promise<NotebookFile>;
}

/** Holds what was used last. */
function createHeld(most: number): Held {
  const held = new Map<string, NotebookFile>();
  const coming = new Map<string, Promise<NotebookFile>>();
  let bytes = 0;
  const keep = (key: string, file: NotebookFile): void => {
    if (file.lacking === "answer") return;
    held.set(key, file);
    bytes += weightOf(file);
    for (const [oldest, other] of held) {
      if (bytes <= most || oldest === key) return;
      bytes -= weightOf(other);
      held.delete(oldest);
    }
  };
  return {
    of(key, fetch) {
      const known = held.get(key);
      if (known !== undefined) {
        held.delete(key);
        held.set(key, known);
        return Promise.resolve(known);
      }
      const fetched =
        coming.get(key) ??
        fetch()
          .then((file) => (keep(key, file), file))
          .finally(() => coming.delete(key));
      coming.set(key, fetched);
      return fetched;
    },
  };
}

/** With something for the names, so that those without bytes count too. */
function weightOf({ bytes }: NotebookFile): number {
  return 1000 + (bytes?.length ?? 0);
}

/** The files of a run and its notebook, after them. The digest tells it from a file of the run that has its name. */
export function withNotebook(reader: ArtifactReader, find: () => Promise<NotebookFile>): ArtifactReader {
  return {
    ...reader,
    async *list() {
      const { file } = await find();
      let isTaken = false;
      for await (const own of reader.list()) {
        isTaken ||= own.path === file.path;
        yield own;
      }
      if (!isTaken) yield file;
      else yield { path: `${file.path} (notebook)`, sizeBytes: 0, unreadable: `the run has a file of its own that is called ${file.path}` };
    },
    async *open(file, options) {
      if (file.digest === undefined) {
        yield* reader.open(file, options);
        return;
      }
      const { bytes } = await find();
      if (bytes === undefined) throw gone(file);
      yield bytes.subarray(options?.offset ?? 0);
    },
  };
}

function gone({ path }: ArtifactFile): MigrationError {
  return new MigrationError("ARTIFACT_UNREADABLE", `cannot read ${path}: the notebook is gone since it was listed`, {
    side: "source",
    hint: "run the same command again",
  });
}
