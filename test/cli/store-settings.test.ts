// What the environment says about stores, for both sides and for one.
import { describe, expect, it } from "vitest";
import { createSecrets } from "../../src/cli/secrets.ts";
import { signedUrlsFor, storeSettingsFor } from "../../src/cli/store-settings.ts";

describe("the settings of stores", () => {
  it("are those of MLflow and of the clouds", () => {
    const env = {
      MLFLOW_S3_ENDPOINT_URL: "http://minio:9000",
      AWS_DEFAULT_REGION: "eu-west-1",
      MLFLOW_S3_IGNORE_TLS: "true",
      MLFLOW_S3_UPLOAD_EXTRA_ARGS: '{"ServerSideEncryption": "aws:kms"}',
      AZURE_STORAGE_ACCESS_KEY: "key",
      MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT: "90",
    };
    expect(storeSettingsFor("source", env)).toEqual({
      timeoutMs: 90_000,
      s3: { endpoint: "http://minio:9000", region: "eu-west-1", ignoreTls: true, uploadArgs: { ServerSideEncryption: "aws:kms" } },
      azure: { accessKey: "key" },
      gcs: {},
    });
  });

  it("may be given for one side, with a login of its own", () => {
    const env = {
      MLFLOW_S3_ENDPOINT_URL: "http://both",
      MLFERRY_TARGET_MLFLOW_S3_ENDPOINT_URL: "http://target",
      AWS_PROFILE: "for the SDK itself",
      MLFERRY_TARGET_AWS_ACCESS_KEY_ID: "id",
      MLFERRY_TARGET_AWS_SECRET_ACCESS_KEY: "secret",
      MLFERRY_TARGET_GOOGLE_APPLICATION_CREDENTIALS: "/key.json",
    };
    expect(storeSettingsFor("source", env)).toEqual({ s3: { endpoint: "http://both" }, azure: {}, gcs: {} });
    expect(storeSettingsFor("target", env)).toEqual({
      s3: { endpoint: "http://target", credentials: { accessKeyId: "id", secretAccessKey: "secret" } },
      azure: {},
      gcs: { keyFile: "/key.json" },
    });
  });

  it("have no limit of time for -1, and parts that S3 takes", () => {
    const settings = storeSettingsFor("source", {
      MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT: "-1",
      MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: "1000",
    });
    expect(settings).toMatchObject({ timeoutMs: 2 ** 31 - 1, partBytes: 5 * 1024 * 1024 });
  });

  it.each([
    ["MLFLOW_S3_UPLOAD_EXTRA_ARGS", "{not json}"],
    ["MLFLOW_S3_UPLOAD_EXTRA_ARGS", "[]"],
    ["MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT", "soon"],
  ])("refuse %s=%s by its name, without repeating it", (name, value) => {
    const settings = (): unknown => storeSettingsFor("source", { [name]: value });
    expect(settings).toThrow(expect.objectContaining({ code: "USAGE", message: expect.stringContaining(name) as string }) as Error);
    expect(settings).not.toThrow(value);
  });

  it("keep their keys out of what is written", () => {
    const connection = "AccountName=me;AccountKey=12345678;";
    const { scrub } = createSecrets({ AZURE_STORAGE_ACCESS_KEY: "abcdefgh123", AZURE_STORAGE_CONNECTION_STRING: connection });
    expect(scrub(`with abcdefgh123, ${connection} and 12345678`)).toBe("with ***, *** and ***");
  });
});

it("signed URLs are used unless MLflow's switches say no", () => {
  expect(signedUrlsFor("target", {})).toEqual({ ways: { upload: true, download: true } });
  const env = { MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: "false", MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: "1000" };
  expect(signedUrlsFor("target", env)).toEqual({ ways: { upload: false, download: true }, leastBytes: 1000 });
});
