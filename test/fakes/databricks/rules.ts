// What is not known about the real Databricks, as switches: a migration must pass with each of them either way.

import type { Json } from "./answer.ts";

export interface Rules {
  /** Whether an undocumented route lists past activities and comments of a version. Default: no (404 ENDPOINT_NOT_FOUND). */
  readonly listsActivities: boolean;
  /** Whether the server itself refuses to finalize a Unity Catalog version without a signature. Default: no, only clients check. */
  readonly checksSignatures: boolean;
  /** Whether the server refuses to make a Unity Catalog version that depends on a table or the like which is not there. Default: no. */
  readonly checksDependencies: boolean;
  /** Whether `/Models/…` is open to the Files API: what the route with the long name answers. Default: yes. */
  readonly modelsFilesApi: boolean;
  /** Where versions of Unity Catalog lie that is no storage of the workspace's own, and the temporary credentials for it. Default: nowhere. */
  readonly customerStorage: { readonly root: string; readonly credentials: () => Json } | undefined;
  /** Whether runs' files go through the Files API (`WorkspaceInternal/…`). Where not, clients fall back to signed URLs. Default: yes. */
  readonly runsFilesApi: boolean;
  /** What kind of store signed URLs lead to. */
  readonly signedUrls: "AWS_PRESIGNED_URL" | "GCP_SIGNED_URL" | "AZURE_SAS_URI" | "AZURE_ADLS_GEN2_SAS_URI";
  /** How often a signed URL can be used before it is refused (403). Default: always. */
  readonly signedUrlUses: number;
  /** The same of the URLs for parts that come with a new upload; fresh ones follow signedUrlUses. */
  readonly partUrlUses: number;
  /** What a create in Unity Catalog does with a tag key that it does not allow. */
  readonly illegalTags: "refuse" | "drop";
  /** Whether listings may begin with an empty page that carries a token. Default: no. */
  readonly emptyPages: boolean;
  /** How many times a workspace model version is read as PENDING_REGISTRATION before it is READY. Default: 0. */
  readonly pendingReads: number;
  /** Whether a version can be made of a folder without files: the registry has nothing to copy then. Default: no. */
  readonly emptySources: boolean;
  /** What becomes of the undocumented parameter with which a revision of a notebook is exported. Default: the newest text is given. */
  readonly notebookRevisions: "told apart" | "ignored" | "refused";
  /** Longest value of a run parameter, in characters; documented as 500, newer servers take 6000. */
  readonly paramValueChars: number;
  /** Requests a second for each group of routes; beyond it 429. Default: no limits. */
  readonly ratePerSecond: Readonly<Partial<Record<"search" | "write" | "other", number>>>;
  /** Seconds that a 429 asks to wait for; undefined: it does not say. */
  readonly retryAfter: number | undefined;
  /** Seconds for which an OAuth token is good. */
  readonly tokenSeconds: number;
}

export const USUAL: Rules = {
  listsActivities: false,
  checksSignatures: false,
  checksDependencies: false,
  modelsFilesApi: true,
  customerStorage: undefined,
  runsFilesApi: true,
  signedUrls: "AWS_PRESIGNED_URL",
  signedUrlUses: Infinity,
  partUrlUses: Infinity,
  illegalTags: "refuse",
  emptyPages: false,
  pendingReads: 0,
  emptySources: false,
  notebookRevisions: "ignored",
  paramValueChars: 500,
  ratePerSecond: {},
  retryAfter: 1,
  tokenSeconds: 3600,
};
