// Temporary credentials of a catalog, as its answers have them: for the files of one version, in the store of whoever owns them.
import { z } from "zod";
import { MigrationError } from "../../errors.ts";
import type { Lent, LentCredentials, S3Encryption } from "../../stores/lent.ts";
import type { Store } from "../../stores/store.ts";
import type { WritableWay } from "../databricks/file-ways.ts";

const text = z.string().nullish();
const keys = z.object({ access_key_id: z.string(), secret_access_key: z.string(), session_token: text }).nullish();

/** `TemporaryCredentials` of databricks_uc_registry_messages.proto, and of api/all.yaml of the open-source server. */
export const temporaryCredentials = z.object({
  storage_mode: z.string().nullish(),
  expiration_time: z.union([z.number(), z.string()]).nullish(),
  aws_temp_credentials: keys,
  r2_temp_credentials: keys,
  azure_user_delegation_sas: z.object({ sas_token: z.string() }).nullish(),
  gcp_oauth_token: z.object({ oauth_token: z.string() }).nullish(),
  encryption_details: z.object({ sse_encryption_details: z.object({ algorithm: text, aws_kms_key_arn: text }).nullish() }).nullish(),
});
export type TemporaryCredentials = z.infer<typeof temporaryCredentials>;

/** Throws NOT_SUPPORTED for credentials of another kind. */
export function lentBy(given: TemporaryCredentials): Lent {
  const credentials = credentialsIn(given);
  if (credentials !== undefined) return { credentials, ...expiryOf(given) };
  throw new MigrationError("NOT_SUPPORTED", "the catalog gave temporary credentials that are neither of S3, R2, Azure nor Google", {
    hint: "ask for the Files API to be opened to models in this workspace",
  });
}

function credentialsIn(given: TemporaryCredentials): LentCredentials | undefined {
  const aws = given.aws_temp_credentials ?? given.r2_temp_credentials;
  if (aws) {
    const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = aws;
    const encryption = encryptionIn(given);
    const named = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
    return { cloud: "s3", keys: named, ...(encryption === undefined ? {} : { encryption }) };
  }
  if (given.azure_user_delegation_sas) return { cloud: "azure", sasToken: given.azure_user_delegation_sas.sas_token };
  return given.gcp_oauth_token ? { cloud: "gcs", token: given.gcp_oauth_token.oauth_token } : undefined;
}

function encryptionIn({ encryption_details: details }: TemporaryCredentials): S3Encryption | undefined {
  const { algorithm, aws_kms_key_arn: keyArn } = details?.sse_encryption_details ?? {};
  if (algorithm === "AWS_SSE_S3") return { algorithm: "AES256" };
  return algorithm === "AWS_SSE_KMS" ? { algorithm: "aws:kms", ...(keyArn ? { keyArn } : {}) } : undefined;
}

function expiryOf({ expiration_time: time }: TemporaryCredentials): Pick<Lent, "expiresAt"> {
  return time === undefined || time === null ? {} : { expiresAt: Number(time) };
}

/** The files below a store's folder as those of a version. */
export function wayOver(store: Store, location: string): WritableWay {
  return {
    name: location,
    async list(folder, signal) {
      const entries = [];
      // All of them at once: a store lists at any depth.
      if (folder === "") for await (const { path, sizeBytes } of store.list(signal)) entries.push({ path, sizeBytes, isDirectory: false });
      return entries;
    },
    read: (path, offset, signal) => store.read(path, offset, signal),
    write: (file, open, signal) =>
      store.write(file.path, { ...(file.sizeBytes === undefined ? {} : { sizeBytes: file.sizeBytes }), open }, signal),
  };
}
