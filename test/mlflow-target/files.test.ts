// Where files of an artifact root go.
import { describe, expect, it } from "vitest";
import { createDirectFiles } from "../../src/adapters/mlflow/direct-files.ts";
import { artifactUriBelow, createSender, proxyPath } from "../../src/adapters/mlflow/target-files.ts";
import { noSignedUrls } from "../fakes/no-signed-urls.ts";
import type { HttpClient, UploadRequest } from "../../src/http/client.ts";

const base = "http://tracking:5000/ml";

function uploads(): { http: HttpClient; requests: UploadRequest[] } {
  const requests: UploadRequest[] = [];
  const refuse = (): never => {
    throw new Error("not part of this test");
  };
  const http: HttpClient = {
    json: refuse,
    items: refuse,
    text: refuse,
    download: refuse,
    withHeaders: refuse,
    close: refuse,
    baseUrl: base,
    requests: 0,
    credential: undefined,
    clockSkewMs: undefined,
    upload: async (request) => {
      requests.push(request);
      return {};
    },
  };
  return { http, requests };
}

async function send(root: string, path: string, sizeBytes?: number): Promise<unknown> {
  const { http, requests } = uploads();
  const sender = createSender({ http, direct: createDirectFiles(), signed: noSignedUrls }, root, new AbortController().signal);
  await sender({ path, ...(sizeBytes === undefined ? {} : { sizeBytes }) }, async function* () {});
  return requests[0];
}

describe("an artifact root", () => {
  it("is found behind the server's own proxy", () => {
    const roots = {
      "mlflow-artifacts:/1/r/artifacts": "1/r/artifacts",
      "mlflow-artifacts:///1/r": "1/r",
      "mlflow-artifacts://tracking:5000/1/r": "1/r",
      "http://tracking:5000/api/2.0/mlflow-artifacts/artifacts/1/r": "1/r",
    };
    for (const [uri, path] of Object.entries(roots)) expect(proxyPath(uri, base)).toBe(path);
  });

  it("is not behind it elsewhere", () => {
    const roots = ["mlflow-artifacts://other/1/r", "http://other/api/2.0/mlflow-artifacts/artifacts/1", "s3://b/1", "file:///m/1", "/m/1"];
    for (const uri of roots) expect(proxyPath(uri, base)).toBeUndefined();
  });

  it("has folders", () => {
    expect(artifactUriBelow("mlflow-artifacts:/1/r/artifacts/", "a/b")).toBe("mlflow-artifacts:/1/r/artifacts/a/b");
    expect(artifactUriBelow("s3://b/p", "")).toBe("s3://b/p");
  });
});

describe("sending a file", () => {
  it("encodes each part of its path once", async () => {
    expect(await send("mlflow-artifacts:/1/r/artifacts", "a b/q?x/100%/ü", 5)).toEqual({
      path: "/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/a%20b/q%3Fx/100%25/%C3%BC",
      sizeBytes: 5,
    });
  });

  it("refuses a name that would become another", async () => {
    await expect(send("mlflow-artifacts:/1/r", "a%20b")).rejects.toMatchObject({ code: "NAME_ILLEGAL" });
  });

  it("refuses a root that the server does not serve, with a hint", async () => {
    await expect(send("/var/mlruns/1/r", "x")).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      hint: expect.stringContaining("--serve-artifacts") as string,
    });
  });
});
