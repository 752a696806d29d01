// Listings and files: below a run, a logged model, a version, or anywhere below mlflow-artifacts:/.
import type { ModelVersion } from "../model/entities.ts";
import type { ArtifactFile } from "../ports/source.ts";
import { optionalText, requiredText } from "./fields.ts";
import { notFound } from "./refusals.ts";
import { artifactRoot, resolvePath } from "./registry.ts";
import type { FileOwner } from "./registry.ts";
import { json } from "./route.ts";
import type { Answer, Call, Route, Served } from "./route.ts";

export const ARTIFACT_ROUTES: readonly Route[] = [
  { methods: ["GET"], path: "2.0/mlflow/artifacts/list", handler: listRunFiles },
  { methods: ["GET"], path: "2.0/mlflow/logged-models/{}/artifacts/directories", handler: listModelFiles },
  { methods: ["GET"], path: "2.0/mlflow/logged-models/{}/artifacts/files", handler: getModelFile },
  { methods: ["GET"], path: "2.0/mlflow-artifacts/artifacts", handler: listProxiedFiles },
  { methods: ["GET"], path: "2.0/mlflow-artifacts/artifacts/{...}", handler: getProxiedFile },
];

/** Routes without the /api prefix. */
export const DOWNLOAD_ROUTES: readonly Route[] = [
  { methods: ["GET"], path: "get-artifact", handler: getRunFile },
  { methods: ["GET"], path: "model-versions/get-artifact", handler: getVersionFile },
];

async function listRunFiles({ fields }: Call, served: Served): Promise<Answer> {
  const run = served.holdings.run(requiredText(fields, "run_id", "run_uuid"));
  return listing(run, optionalText(fields, "path"), served);
}

async function listModelFiles({ fields, parts: [id = ""] }: Call, served: Served): Promise<Answer> {
  return listing(served.holdings.loggedModel(id), optionalText(fields, "artifact_directory_path"), served);
}

async function listing(owner: FileOwner, path: string | undefined, served: Served): Promise<Answer> {
  const entries = folderEntries(await served.holdings.files(owner), path ?? "");
  const files = entries.map((entry) => ({ path: entry.path, is_dir: entry.file === undefined, file_size: sizeOf(entry.file) }));
  return json({ root_uri: `mlflow-artifacts:/${artifactRoot(owner)}`, files: files.length === 0 ? undefined : files });
}

/** Unlike the others this listing gives base names only. */
async function listProxiedFiles({ fields }: Call, served: Served): Promise<Answer> {
  const found = resolvePath(served.holdings.registry, optionalText(fields, "path") ?? "");
  if (found === undefined) return json({});
  const entries = folderEntries(await served.holdings.files(found.owner), found.path);
  const files = entries.map(({ path, file }) => ({
    path: path.slice(path.lastIndexOf("/") + 1),
    is_dir: file === undefined,
    file_size: sizeOf(file),
  }));
  return json(files.length === 0 ? {} : { files });
}

async function getRunFile({ fields }: Call, served: Served): Promise<Answer> {
  const run = served.holdings.run(requiredText(fields, "run_id", "run_uuid"));
  return fileAnswer(run, requiredText(fields, "path"), served);
}

async function getModelFile({ fields, parts: [id = ""] }: Call, served: Served): Promise<Answer> {
  return fileAnswer(served.holdings.loggedModel(id), requiredText(fields, "artifact_file_path"), served);
}

async function getVersionFile({ fields }: Call, served: Served): Promise<Answer> {
  const version = served.holdings.version(requiredText(fields, "name"), requiredText(fields, "version"));
  return fileAnswer(version, requiredText(fields, "path"), served);
}

async function getProxiedFile({ parts: [path = ""] }: Call, served: Served): Promise<Answer> {
  const found = resolvePath(served.holdings.registry, path);
  if (found === undefined) throw notFound(`No such artifact: ${path}`);
  return fileAnswer(found.owner, found.path, served);
}

async function fileAnswer(owner: FileOwner | ModelVersion, path: string, { holdings, signal }: Served): Promise<Answer> {
  const file = (await holdings.files(owner)).get(path);
  if (file === undefined) throw notFound(`No such artifact: ${path}`);
  return { kind: "file", file, reader: holdings.source.artifacts(owner, signal) };
}

interface Entry {
  /** From the owner's root. */
  readonly path: string;
  /** Absent for a folder. */
  readonly file?: ArtifactFile;
}

/** What lies directly in a folder; nothing where the folder is a file or not there. */
function folderEntries(files: ReadonlyMap<string, ArtifactFile>, folder: string): readonly Entry[] {
  const trimmed = folder.replace(/\/+$/, "");
  const below = trimmed === "" ? "" : `${trimmed}/`;
  const entries = new Map<string, Entry>();
  for (const [path, file] of files) {
    if (!path.startsWith(below)) continue;
    const slash = path.indexOf("/", below.length);
    if (slash < 0) entries.set(path, { path, file });
    else entries.set(path.slice(0, slash), { path: path.slice(0, slash) });
  }
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** An empty file has no size on the wire. */
function sizeOf(file: ArtifactFile | undefined): number | undefined {
  return file?.sizeBytes === 0 ? undefined : file?.sizeBytes;
}
