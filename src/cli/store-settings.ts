// What the environment says about stores: MLflow's own variables and those of the clouds that their SDKs do not read by themselves.
import { MigrationError } from "../errors.ts";
import type { SignedUrlOptions } from "../adapters/mlflow/signed-urls.ts";
import type { AzureSettings, GcsSettings, S3Settings, StoreSettings } from "../stores/settings.ts";
import type { Role } from "./location.ts";
import type { Environment } from "./terminal.ts";

/**
 * Settings for the stores of one side. Each variable may be given as MLFERRY_SOURCE_… or MLFERRY_TARGET_… for that side alone. What else
 * the SDKs find (AWS profiles and roles, Azure's and Google's default logins), they find by themselves. Throws USAGE for what cannot be read.
 */
export function storeSettingsFor(role: Role, env: Environment): StoreSettings {
  const read = reader(role, env);
  const timeoutS = numberOf(read, "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT");
  const partBytes = numberOf(read, "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE");
  return {
    // -1 stands for no limit, as in MLflow.
    ...(timeoutS === undefined ? {} : { timeoutMs: timeoutS < 0 ? LONGEST_TIMER_MS : Math.min(timeoutS * 1000, LONGEST_TIMER_MS) }),
    ...(partBytes === undefined ? {} : { partBytes: Math.max(partBytes, LEAST_PART_BYTES) }),
    s3: s3Settings(read),
    azure: azureSettings(read),
    gcs: gcsSettings(read),
  };
}

/** What MLflow's client is told of multipart transfers past the proxy; mlferry makes them unless told not to. */
export function signedUrlsFor(role: Role, env: Environment): SignedUrlOptions {
  const read = reader(role, env);
  const leastBytes = numberOf(read, "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE");
  const partBytes = numberOf(read, "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE");
  const isOn = (name: string): boolean => !/^(false|0)$/i.test(read(name) ?? "");
  return {
    ways: { upload: isOn("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"), download: isOn("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD") },
    ...(leastBytes === undefined ? {} : { leastBytes }),
    ...(partBytes === undefined ? {} : { partBytes: Math.max(partBytes, LEAST_PART_BYTES) }),
  };
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** S3 takes no smaller parts, but for the last. */
const LEAST_PART_BYTES = 5 * 1024 * 1024;

interface Read {
  (name: string): string | undefined;
  /** Only where it is set for this side: the SDK reads the plain variable itself. */
  own(name: string): string | undefined;
}

function reader(role: Role, env: Environment): Read {
  const valueOf = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const own = (name: string): string | undefined => valueOf(`MLFERRY_${role.toUpperCase()}_${name}`);
  return Object.assign((name: string) => own(name) ?? valueOf(name), { own });
}

function s3Settings(read: Read): S3Settings {
  const endpoint = read("MLFLOW_S3_ENDPOINT_URL");
  // The SDK for JavaScript does not know the second name, which Python's does.
  const region = read("AWS_REGION") ?? read("AWS_DEFAULT_REGION");
  const addressing = read("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE");
  const owner = read("MLFLOW_S3_EXPECTED_BUCKET_OWNER");
  const profile = read.own("AWS_PROFILE");
  const [accessKeyId, secretAccessKey] = [read.own("AWS_ACCESS_KEY_ID"), read.own("AWS_SECRET_ACCESS_KEY")];
  const sessionToken = read.own("AWS_SESSION_TOKEN");
  const keys = accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey };
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(addressing === "path" || addressing === "virtual" ? { addressing } : {}),
    ...(/^(true|1)$/i.test(read("MLFLOW_S3_IGNORE_TLS") ?? "") ? { ignoreTls: true } : {}),
    ...(owner === undefined ? {} : { expectedBucketOwner: owner }),
    ...(profile === undefined ? {} : { profile }),
    ...(keys === undefined ? {} : { credentials: { ...keys, ...(sessionToken === undefined ? {} : { sessionToken }) } }),
    ...uploadArgsOf(read),
  };
}

function uploadArgsOf(read: Read): Pick<S3Settings, "uploadArgs"> {
  const text = read("MLFLOW_S3_UPLOAD_EXTRA_ARGS");
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { uploadArgs: value as Record<string, unknown> };
  } catch {
    // Told below, without the text: it may hold a key.
  }
  throw new MigrationError("USAGE", "MLFLOW_S3_UPLOAD_EXTRA_ARGS is not a JSON object", {
    hint: 'write it as in {"ServerSideEncryption": "aws:kms"}',
  });
}

function azureSettings(read: Read): AzureSettings {
  const connectionString = read("AZURE_STORAGE_CONNECTION_STRING");
  const accessKey = read("AZURE_STORAGE_ACCESS_KEY");
  const sasToken = read("AZURE_STORAGE_SAS_TOKEN");
  return {
    ...(connectionString === undefined ? {} : { connectionString }),
    ...(accessKey === undefined ? {} : { accessKey }),
    ...(sasToken === undefined ? {} : { sasToken }),
  };
}

function gcsSettings(read: Read): GcsSettings {
  const keyFile = read.own("GOOGLE_APPLICATION_CREDENTIALS");
  return keyFile === undefined ? {} : { keyFile };
}

function numberOf(read: Read, name: string): number | undefined {
  const text = read(name);
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text))
    throw new MigrationError("USAGE", `${name} is not a whole number`, { hint: `set ${name} to a number, or not at all` });
  return Number(text);
}
