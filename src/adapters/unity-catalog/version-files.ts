// Files of a version in Unity Catalog: by the Files API where the workspace opens it to models, else by URLs that its default storage signs,
// or in the store of the customer, with credentials that the workspace lends.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { WritableWay } from "../databricks/file-ways.ts";
import { filesApi } from "../databricks/files-api.ts";
import type { Credential, SignedFiles } from "../databricks/signed-files.ts";
import { parseWire } from "../mlflow/wire.ts";
import { beginningWith, openLent } from "../../stores/lent.ts";
import type { StoreSettings } from "../../stores/settings.ts";
import { lentBy, wayOver } from "./lent.ts";
import type { TemporaryCredentials } from "./lent.ts";
import { UNITY_API } from "./reads.ts";
import type { CatalogReads } from "./reads.ts";
import { wire } from "./wire.ts";

export interface VersionId {
  readonly model: string;
  readonly version: number;
}

export interface VersionFileAccess {
  /** The way to a version's files; to be written only as long as the version is pending. */
  way(id: VersionId, use: "read" | "write", signal: AbortSignal): Promise<WritableWay>;
}

export interface VersionFilesOptions {
  readonly http: HttpClient;
  readonly reads: CatalogReads;
  readonly signed: SignedFiles;
  /** How stores are reached that versions lie in. */
  readonly settings: StoreSettings;
}

export function createVersionFiles({ http, reads, signed, settings }: VersionFilesOptions): VersionFileAccess {
  let open: Promise<boolean> | undefined;
  return {
    async way(id, use, signal) {
      const root = `/Models/${id.model.split(".").join("/")}/${String(id.version)}`;
      open ??= isFilesApiOpen(http, signal);
      // What one caller broke off is no answer to the next.
      open.catch(() => (open = undefined));
      const direct = filesApi(http, root);
      if (await open) return direct;
      const ask = (): Promise<TemporaryCredentials> => credentialsFor(http, id, { use, signal });
      const first = await ask();
      if (first.storage_mode === "DEFAULT_STORAGE") return signedWay({ http, signed }, direct, root);
      return lentWay(reads, id, { first, ask, settings, signal });
    },
  };
}

interface Lending {
  readonly first: TemporaryCredentials;
  readonly ask: () => Promise<TemporaryCredentials>;
  readonly settings: StoreSettings;
  readonly signal: AbortSignal;
}

/** Straight to the customer's own store. */
async function lentWay(
  reads: CatalogReads,
  { model, version }: VersionId,
  { first, ask, settings, signal }: Lending,
): Promise<WritableWay> {
  const location = (await reads.version(model, version, signal))?.location ?? "";
  const next = beginningWith(first, ask);
  const store = await openLent(location, async () => lentBy(await next()), settings);
  return wayOver(store, location);
}

async function isFilesApiOpen(http: HttpClient, signal: AbortSignal): Promise<boolean> {
  const path = `${UNITY_API}/registered-models:is-databricks-sdk-models-artifact-repository-enabled`;
  const answer = await http.json({ method: "GET", path, repeat: "safe" }, signal);
  return parseWire(wire.filesApi, answer, path).is_databricks_sdk_models_artifact_repository_enabled;
}

async function credentialsFor(
  http: HttpClient,
  { model, version }: VersionId,
  { use, signal }: { readonly use: "read" | "write"; readonly signal: AbortSignal },
): Promise<TemporaryCredentials> {
  const path = `${UNITY_API}/model-versions/generate-temporary-credentials`;
  const operation = use === "read" ? "MODEL_VERSION_OPERATION_READ" : "MODEL_VERSION_OPERATION_READ_WRITE";
  const body = { name: model, version: String(version), operation };
  return parseWire(wire.credentials, await http.json({ method: "POST", path, body, repeat: "safe" }, signal), path).credentials;
}

/** The folder is listed by the Files API in either case. */
function signedWay(access: { readonly http: HttpClient; readonly signed: SignedFiles }, direct: WritableWay, root: string): WritableWay {
  const { http, signed } = access;
  const ask = (route: string, path: string, signal: AbortSignal) => async (): Promise<Credential> => {
    const body = { path: `${root}/${path}` };
    const answer = await http.json({ method: "POST", path: route, body, repeat: "safe" }, signal);
    const { url, headers } = parseWire(wire.signedUrl, answer, route);
    return { signed_uri: url, headers, type: "AWS_PRESIGNED_URL" };
  };
  return {
    name: direct.name,
    list: (folder, signal) => direct.list(folder, signal),
    read: (path, offset, signal) => signed.download(ask("/api/2.0/fs/create-download-url", path, signal), offset, signal),
    write({ path, sizeBytes }, open, signal) {
      if (sizeBytes === undefined) throw new MigrationError("INTERNAL", `the size of ${path} is not known before it is sent`);
      return signed.upload({ path, sizeBytes, open }, ask("/api/2.0/fs/create-upload-url", path, signal), signal);
    },
  };
}
