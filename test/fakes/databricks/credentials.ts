// Signed URLs for the files of runs and logged models, as databricks_artifact_repo.py asks for them, and listings of them.
import { compact, fields, optional, required } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { below, filesOfLoggedModel, filesOfRun } from "./file-places.ts";
import { signedUrl } from "./files.ts";
import { loggedModelRoot } from "./logged-models.ts";
import type { Routes } from "./routes.ts";
import { there } from "./state.ts";
import type { LoggedModel, State } from "./state.ts";
import { runId, runRoot } from "./tracking.ts";

export const credentialRoutes: Routes = [
  [/^GET \/api\/2\.0\/mlflow\/artifacts\/list$/, listArtifacts],
  [/^GET \/api\/2\.0\/mlflow\/logged-models\/(?<id>m-[0-9a-f]+)\/artifacts\/directories$/, listModelArtifacts],
  [/^POST \/api\/2\.0\/mlflow\/artifacts\/credentials-for-(?<use>read|write)$/, forRun],
  [/^POST \/api\/2\.0\/mlflow\/logged-models\/(?<id>m-[0-9a-f]+)\/artifacts\/credentials-for-(?<use>upload|download)$/, forLoggedModel],
];

/** One level; a path that is a file gives itself. */
function listArtifacts(state: State, call: Call): Json {
  const from = fields(call);
  const run = state.run(runId(from));
  const path = (optional(from, "path") ?? "").replace(/\/+$/, "");
  return compact({ root_uri: runRoot(run), files: levelOf(below(state.files, filesOfRun(run)), path) });
}

function listModelArtifacts(state: State, call: Call): Json {
  const model = modelOf(state, call);
  const path = (optional(fields(call), "artifact_directory_path") ?? "").replace(/\/+$/, "");
  return compact({ root_uri: loggedModelRoot(model), files: levelOf(below(state.files, filesOfLoggedModel(model)), path) });
}

const modelOf = (state: State, call: Call): LoggedModel =>
  there(state.loggedModels.get(call.parts["id"] ?? ""), `Logged model with ID '${call.parts["id"] ?? ""}' not found.`);

/** The entries directly below a folder among files by path. */
export function levelOf(files: ReadonlyMap<string, Buffer>, folder: string): Json[] {
  const itself = files.get(folder);
  if (itself !== undefined) return [{ path: folder, is_dir: false, file_size: itself.length }];
  const entries = new Map<string, Json>();
  const prefix = folder === "" ? "" : `${folder}/`;
  for (const [path, bytes] of files) {
    if (!path.startsWith(prefix)) continue;
    const [name = "", ...rest] = path.slice(prefix.length).split("/");
    const size = rest.length > 0 ? {} : { file_size: bytes.length };
    entries.set(name, { path: `${prefix}${name}`, is_dir: rest.length > 0, ...size });
  }
  return [...entries.values()];
}

interface Wanted {
  readonly root: string;
  readonly paths: readonly string[];
  readonly method: "GET" | "PUT";
}

function forRun(state: State, call: Call): Json {
  const run = state.run(required(call.body, "run_id"));
  const paths = (call.body["path"] ?? []) as string[];
  const method = call.parts["use"] === "read" ? "GET" : "PUT";
  const credentials = credentialsFor(state, call, { root: filesOfRun(run), paths, method });
  return { credential_infos: credentials.map((credential) => ({ run_id: run.id, ...credential })) };
}

function forLoggedModel(state: State, call: Call): Json {
  const model = modelOf(state, call);
  const paths = (call.body["paths"] ?? []) as string[];
  const method = call.parts["use"] === "download" ? "GET" : "PUT";
  const credentials = credentialsFor(state, call, { root: filesOfLoggedModel(model), paths, method });
  return { credentials: credentials.map((credential) => ({ model_id: model.id, credential_info: credential })) };
}

function credentialsFor(state: State, call: Call, { root, paths, method }: Wanted): Json[] {
  const headers =
    method === "PUT" && state.rules.signedUrls === "AWS_PRESIGNED_URL" ? [{ name: "x-amz-server-side-encryption", value: "AES256" }] : [];
  return paths.map((path) => ({
    path,
    signed_uri: signedUrl(state, call, { method, path: `${root}/${path}` }),
    type: state.rules.signedUrls,
    headers,
  }));
}
