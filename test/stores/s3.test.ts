// S3 as its SDK speaks it, to a server of the test's own: regions, parts, and what is left behind.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createStores } from "../../src/stores/open.ts";
import type { Store } from "../../src/stores/store.ts";

const signal = new AbortController().signal;
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function storeAt(answer: Answer, partBytes?: number): Promise<{ store: Store; requests: string[] }> {
  const requests: string[] = [];
  server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    request.resume().on("end", () => answer(request, response));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const s3 = { endpoint, region: "us-east-1", credentials: { accessKeyId: "id", secretAccessKey: "secret" } };
  const store = createStores({ settings: { s3, ...(partBytes === undefined ? {} : { partBytes }) } }).at("s3://bucket/root");
  if (store === undefined) throw new Error("no store");
  return { store, requests };
}

const xml = (response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void =>
  void response.writeHead(status, { "content-type": "application/xml", ...headers }).end(`<?xml version="1.0"?>${body}`);

async function* megabytes(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(1024 * 1024, index);
}

const MIB = 1024 * 1024;

describe("a bucket of S3", () => {
  it("in another region than is set is asked there", async () => {
    const { store } = await storeAt((request, response) => {
      if (request.headers.authorization?.includes("/eu-west-1/s3/") === true) {
        xml(response, 200, "<ListBucketResult><Contents><Key>root/a</Key><Size>3</Size></Contents></ListBucketResult>");
      } else xml(response, 301, "<Error><Code>PermanentRedirect</Code></Error>", { "x-amz-bucket-region": "eu-west-1" });
    });
    const found = [];
    for await (const file of store.list(signal)) found.push(file);
    expect(found).toEqual([{ path: "a", sizeBytes: 3 }]);
  });

  it("takes a large file in parts and is left without any when one fails for good", async () => {
    const { store, requests } = await storeAt((request, response) => {
      const url = request.url ?? "";
      if (url.includes("uploads"))
        xml(response, 200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>");
      else if (url.includes("partNumber=2")) xml(response, 403, "<Error><Code>AccessDenied</Code><Message>no more</Message></Error>");
      else response.writeHead(request.method === "DELETE" ? 204 : 200, { etag: '"e"' }).end();
    }, 5 * MIB);
    const writing = store.write("big", { sizeBytes: 12 * MIB, open: () => megabytes(12) }, signal);
    await expect(writing).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringContaining("s3://bucket: 403 AccessDenied: no more") as string,
    });
    expect(requests.filter((request) => request.startsWith("DELETE"))).toEqual([
      "DELETE /bucket/root/big?uploadId=u1&x-id=AbortMultipartUpload",
    ]);
  });

  it("is left without any when the file breaks off", async () => {
    const { store, requests } = await storeAt((request, response) => {
      if (request.url?.includes("uploads") === true)
        xml(response, 200, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>");
      else response.writeHead(request.method === "DELETE" ? 204 : 200, { etag: '"e"' }).end();
    }, 5 * MIB);
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield* megabytes(7);
      throw new RangeError("gone");
    };
    await expect(store.write("big", { sizeBytes: 12 * MIB, open: broken }, signal)).rejects.toThrow(RangeError);
    expect(requests.filter((request) => /^(DELETE|POST .*uploadId)/.test(request))).toEqual([
      "DELETE /bucket/root/big?uploadId=u1&x-id=AbortMultipartUpload",
    ]);
  });
});
