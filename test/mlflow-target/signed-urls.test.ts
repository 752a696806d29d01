// Large files past the proxy: which go that way, what the store sees of them, and what happens when the way is closed.
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createSignedUrls } from "../../src/adapters/mlflow/signed-urls.ts";
import type { SignedUrls } from "../../src/adapters/mlflow/signed-urls.ts";
import type { HttpClient, JsonRequest } from "../../src/http/client.ts";
import { createPacer } from "../../src/http/pace.ts";

const signal = new AbortController().signal;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Store {
  readonly url: string;
  readonly puts: { readonly path: string; readonly body: string; readonly authorization: string | undefined }[];
}

async function startStore(status = 200): Promise<Store> {
  const puts: Store["puts"][number][] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      puts.push({ path: request.url ?? "", body: Buffer.concat(chunks).toString(), authorization: request.headers.authorization });
      response.writeHead(status, { etag: `"${String(puts.length)}"` }).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, puts };
}

/** A server that hands out URLs of the store at `url`, and notes what it was asked. */
function signedAt(
  url: string,
  options: { readonly offered?: boolean; readonly upload?: boolean } = {},
): { signed: SignedUrls; asked: JsonRequest[] } {
  const asked: JsonRequest[] = [];
  const refuse = (): never => {
    throw new Error("not part of this test");
  };
  const http: HttpClient = {
    async json(request) {
      asked.push(request);
      const { num_parts: count } = request.body as { num_parts?: number };
      if (count === undefined) return {};
      return {
        upload_id: "u",
        credentials: Array.from({ length: count }, (_, index) => ({ url: `${url}/f?sig=s+%2F${index}`, part_number: index + 1 })),
      };
    },
    items: refuse,
    withHeaders: refuse,
    text: refuse,
    download: refuse,
    upload: refuse,
    close: refuse,
    baseUrl: "http://server",
    requests: 0,
    credential: undefined,
    clockSkewMs: undefined,
  };
  const auth = { kind: "bearer", token: "the-servers-own" } as const;
  const client = {
    baseUrl: "http://server",
    auth,
    headers: { authorization: "x" },
    pacer: createPacer({ inFlight: 2 }),
    userAgent: "test",
  };
  const ways = { upload: options.upload ?? true, download: true };
  const signed = createSignedUrls({
    http,
    options: client,
    settings: { leastBytes: 5, partBytes: 4, ways },
    offered: options.offered ?? true,
  });
  return { signed, asked };
}

const send = (signed: SignedUrls, text: string, sizeBytes: number | undefined = text.length): Promise<boolean> =>
  signed.upload("1/r/artifacts/d/f", sizeBytes, () => letters(text), signal);

async function* letters(text: string): AsyncGenerator<Uint8Array> {
  for (const letter of text) yield Buffer.from(letter);
}

describe("a large file", () => {
  it("goes up in parts, each to its URL, without the server's credentials", async () => {
    const store = await startStore();
    const { signed, asked } = signedAt(store.url);
    expect(await send(signed, "0123456789")).toBe(true);
    expect(store.puts).toEqual([
      { path: "/f?sig=s%20%2F0", body: "0123", authorization: undefined },
      { path: "/f?sig=s%20%2F1", body: "4567", authorization: undefined },
      { path: "/f?sig=s%20%2F2", body: "89", authorization: undefined },
    ]);
    expect(asked.map(({ path }) => path)).toEqual(
      ["create", "complete"].map((verb) => `/api/2.0/mlflow-artifacts/mpu/${verb}/1/r/artifacts/d`),
    );
    expect(asked[1]?.body).toMatchObject({
      path: "f",
      upload_id: "u",
      parts: [{ part_number: 1, etag: '"1"' }, { part_number: 2 }, { part_number: 3 }],
    });
  });

  it.each([
    ["the store refuses", 403],
    ["the store fails", 500],
  ])(
    "is aborted and left to the proxy when %s",
    async (_what, status) => {
      const { signed, asked } = signedAt((await startStore(status)).url);
      expect(await send(signed, "0123456789")).toBe(false);
      expect(asked.at(-1)?.path).toContain("/mpu/abort/");
    },
    20_000,
  );

  it("is not tried that way again once the store could not be reached", async () => {
    const { signed, asked } = signedAt("http://127.0.0.1:1");
    expect([await send(signed, "0123456789"), await send(signed, "0123456789")]).toEqual([false, false]);
    expect(asked.map(({ path }) => path.split("/")[5])).toEqual(["create", "abort"]);
  }, 20_000);

  it("whose bytes are not what was told is an error, and nothing of it stays", async () => {
    const { signed, asked } = signedAt((await startStore()).url);
    await expect(send(signed, "012345", 9)).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
    expect(asked.at(-1)?.path).toContain("/mpu/abort/");
  });
});

it.each([
  ["a small file", "0123", 4, {}],
  ["a file of unknown size", "0123456789", undefined, {}],
  ["a server that offers nothing", "0123456789", 10, { offered: false }],
  ["a user who does not want it", "0123456789", 10, { upload: false }],
])("the proxy is for %s", async (_what, text, sizeBytes, options) => {
  const { signed, asked } = signedAt("http://127.0.0.1:1", options);
  expect(await signed.upload("a/f", sizeBytes, () => letters(text), signal)).toBe(false);
  expect(asked).toEqual([]);
});
