// The JSON of a workspace's own routes, beside those that it shares with MLflow. Shapes: databricks-sdk (service/ml.py, files.py), MLflow's
// databricks_artifacts.proto and its clients.
import { z } from "zod";

const int64 = z.union([z.number(), z.string()]).transform((value) => BigInt(value));
const text = z.string().default("");
const nextPage = { next_page_token: z.string().optional() };
/** Headers that go with a signed URL, as an object. */
export const headers = z
  .array(z.object({ name: z.string(), value: text }))
  .default([])
  .transform((pairs) => Object.fromEntries(pairs.map(({ name, value }) => [name, value])));

/** Kinds of stores behind signed URLs, each with a protocol of its own. */
const CREDENTIAL_TYPES = ["AWS_PRESIGNED_URL", "GCP_SIGNED_URL", "AZURE_SAS_URI", "AZURE_ADLS_GEN2_SAS_URI"] as const;

const credential = z.object({ path: text, signed_uri: z.string(), type: z.enum(CREDENTIAL_TYPES).default("AWS_PRESIGNED_URL"), headers });
/** A signed URL for one file. */
export type WireCredential = z.infer<typeof credential>;

const dbfsFile = z.object({ path: z.string(), is_dir: z.boolean().default(false), file_size: int64.default(0n) });
const listedFiles = z.array(z.object({ path: z.string(), is_dir: z.boolean().default(false), file_size: int64.optional() })).default([]);

/** Answers by call. Parse with parseWire. */
export const wire = {
  discovery: z.object({ workspace_id: z.union([z.string(), z.number()]).transform(String).optional() }),
  me: z.object({ userName: text, groups: z.array(z.object({ display: text })).optional() }),
  folder: z.object({
    contents: z.array(z.object({ path: z.string(), is_directory: z.boolean().default(false), file_size: int64.optional() })).default([]),
    ...nextPage,
  }),
  dbfsFile,
  dbfsFiles: z.object({ files: z.array(dbfsFile).default([]) }),
  dbfsBlock: z.object({ bytes_read: int64.default(0n), data: text }),
  dbfsHandle: z.object({ handle: int64 }),
  notebook: z.object({ content: text, file_type: text }),
  files: z.object({ files: listedFiles, ...nextPage }),
  runCredentials: z.object({ credential_infos: z.array(credential).default([]), ...nextPage }),
  modelCredentials: z.object({ credentials: z.array(z.object({ credential_info: credential })).default([]), ...nextPage }),
  multipart: z.object({
    upload_id: text,
    upload_credential_infos: z.array(credential).default([]),
    abort_credential_info: credential.optional(),
  }),
  partUrl: z.object({ upload_credential_info: credential }),
  signedDownload: z.object({ signed_uri: z.string(), headers }),
} as const;
