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
      if (revision === undefined || (await asking.toldApart) === false) return take(path, undefined, signal);
      const file = await take(path, revision, signal);
      // Asked for a revision that no notebook has, a workspace that knows of revisions refuses.
      if (file.lacking === "answer") return file;
      const tellsApart = file.lacking === undefined && (await tellsRevisions(asking, path, signal));
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
  toldApart?: Promise<boolean> | undefined;
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
  const name = wanted.path.slice(wanted.path.lastIndexOf("/") + 1);
  try {
    const { content, file_type: type } = await exported(asking, wanted, signal);
    const bytes = Buffer.from(content, "base64");
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as const;
    return { file: { path: `${NOTEBOOK_FOLDER}/${name}.${endingOf(asking.format, type)}`, sizeBytes: bytes.length, digest }, bytes };
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (!concernsOne(error)) throw error;
    const reason = `cannot read the notebook ${wanted.path}: ${error.message}`;
    return { file: { path: `${NOTEBOOK_FOLDER}/${name}`, sizeBytes: 0, unreadable: reason }, lacking: isNoSuch(error) ? "text" : "answer" };
  }
}

function endingOf(format: NotebookFormat, type: string): string {
  if (format === "html") return "html";
  if (format === "jupyter") return "ipynb";
  return /^[a-z0-9]{1,10}$/i.test(type) ? type.toLowerCase() : "txt";
}

/** One that is gone, that this login may not read, or that is too large. */
function concernsOne({ code, request }: MigrationError): boolean {
  return code === "NOT_FOUND" || code === "REQUEST_FAILED" || (code === "NOT_AUTHORISED" && request?.status === 403);
}

function isNoSuch({ code, request }: MigrationError): boolean {
  return code === "NOT_FOUND" || (code === "REQUEST_FAILED" && request?.status === 400);
}

function tellsRevisions(asking: Asking, path: string, signal: AbortSignal): Promise<boolean> {
  const known = (asking.toldApart ??= exported(asking, { path, revision: "1" }, signal).then(
    () => false,
    (thrown: unknown) => {
      if (isNoSuch(asMigrationError(thrown))) return true;
      throw thrown;
    },
  ));
  // What one caller broke off is no answer to the next.
  known.catch(() => (asking.toldApart = undefined));
  return known;
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
