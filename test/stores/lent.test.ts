// Stores opened with lent credentials, as the clouds' SDKs speak for them to a server of the test's own: what is sent, and when it is
// asked for again.
import dns from "node:dns";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { CRC32C } from "@google-cloud/storage";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openLent } from "../../src/stores/lent.ts";
import type { Lent, LentCredentials, Lender } from "../../src/stores/lent.ts";
import type { StoreSettings } from "../../src/stores/settings.ts";
import type { Store } from "../../src/stores/store.ts";

type LookupCallback = (error: null, found: readonly { readonly address: string; readonly family: number }[]) => void;

const signal = new AbortController().signal;
const MIB = 1024 * 1024;
const MINUTE = 60_000;

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

let server: Server | undefined;
let seen: Request[] = [];
beforeEach(() => {
  seen = [];
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: (request: Request) => Answer): Promise<string> {
  server = createServer((incoming, response) => {
    const request = { method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers };
    incoming.resume().on("end", () => {
      seen.push(request);
      const { status = 200, headers = {}, body = "" } = answer(request);
      response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers }).end(body);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** Lends others each time, which hold for an hour. */
function lender(make: (number: number) => LentCredentials): Lender & { asked: number } {
  const lend = (): Promise<Lent> => {
    ask.asked += 1;
    return Promise.resolve({ credentials: make(ask.asked), expiresAt: Date.now() + 60 * MINUTE });
  };
  const ask = Object.assign(lend, { asked: 0 });
  return ask;
}

const passTime = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

async function listed(store: Store): Promise<string[]> {
  const paths = [];
  for await (const { path } of store.list(signal)) paths.push(path);
  return paths;
}

async function read(store: Store, path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(path, 0, signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function body(mebibytes: number): { sizeBytes: number; open: () => AsyncIterable<Uint8Array>; opened: () => number } {
  let opened = 0;
  async function* open(): AsyncGenerator<Uint8Array> {
    opened += 1;
    for (let index = 0; index < mebibytes; index += 1) yield Buffer.alloc(MIB, index);
  }
  return { sizeBytes: mebibytes * MIB, open, opened: () => opened };
}

describe("a bucket of S3 with lent keys", () => {
  const keys = (number: number): LentCredentials => ({
    cloud: "s3",
    keys: { accessKeyId: `LENT${String(number)}`, secretAccessKey: "lent-secret", sessionToken: `session-${String(number)}` },
    encryption: { algorithm: "aws:kms", keyArn: "arn:of:key" },
  });
  const keyOf = ({ headers }: Request): string =>
    `${/Credential=(\w+)/.exec(headers.authorization ?? "")?.[1] ?? "none"} ${String(headers["x-amz-security-token"])}`;
  const EXPIRED = { status: 400, body: "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>" };
  const FILES = { body: "<ListBucketResult><Contents><Key>uc/a</Key><Size>3</Size></Contents></ListBucketResult>" };

  function answer({ method, url }: Request): Answer {
    if (url.includes("list-type")) return FILES;
    if (url.includes("uploads")) return { body: "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>" };
    if (method === "POST") return { body: "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>" };
    return { headers: { etag: '"e"' }, body: method === "GET" ? "abc" : "" };
  }

  async function open(ask: Lender, answering = answer): Promise<Store> {
    // The user's own would be sent if any way led to them.
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]) vi.stubEnv(name, "ambient");
    const own = { credentials: { accessKeyId: "OWN", secretAccessKey: "own" }, profile: "own" };
    const s3 = { ...own, endpoint: await serve(answering), region: "us-east-1", expectedBucketOwner: "123" };
    return openLent("s3://bucket/uc", ask, { s3, partBytes: 5 * MIB });
  }

  it("is sent these alone, and the encryption that its owner wants with every upload", async () => {
    const store = await open(lender(keys));
    expect([await listed(store), await read(store, "a")]).toEqual([["a"], "abc"]);
    await store.write("small", body(1), signal);
    await store.write("large", body(11), signal);
    expect(new Set(seen.map(keyOf))).toEqual(new Set(["LENT1 session-1"]));
    expect(new Set(seen.map(({ headers }) => headers["x-amz-expected-bucket-owner"]))).toEqual(new Set(["123"]));
    const encrypted = seen.filter(({ headers }) => headers["x-amz-server-side-encryption"] === "aws:kms");
    expect(
      encrypted.map(({ method, url, headers }) => [method, url.split("?")[0], headers["x-amz-server-side-encryption-aws-kms-key-id"]]),
    ).toEqual([
      ["PUT", "/bucket/uc/small", "arn:of:key"],
      ["POST", "/bucket/uc/large", "arn:of:key"],
    ]);
  });

  it("is sent others from the part on before which they come to their end", async () => {
    const ask = lender(keys);
    const store = await open(ask, (request) => {
      if (request.url.includes("partNumber=1&")) passTime(59.5 * MINUTE);
      return answer(request);
    });
    await store.write("large", body(16), signal);
    const keyOfPart = (number: number) => seen.filter(({ url }) => url.includes(`partNumber=${String(number)}&`)).map(keyOf);
    expect([keyOfPart(1), keyOfPart(4), ask.asked]).toEqual([["LENT1 session-1"], ["LENT2 session-2"], 2]);
  });

  it("that says they have ended is listed, read and written with others", async () => {
    const ask = lender(keys);
    let ended = "";
    const store = await open(ask, (request) => (keyOf(request).startsWith(ended) && ended !== "" ? EXPIRED : answer(request)));
    const file = body(1);
    const results: unknown[] = [];
    for (const use of [() => listed(store), () => read(store, "a"), () => store.write("b", file, signal)]) {
      ended = `LENT${String(ask.asked)}`;
      passTime(MINUTE);
      results.push(await use());
    }
    expect([results, ask.asked, file.opened()]).toEqual([[["a"], "abc", undefined], 4, 2]);
  });

  it("of which many requests are refused at once asks for others once", async () => {
    const ask = lender(keys);
    const store = await open(ask, (request) => (keyOf(request).startsWith("LENT1") ? EXPIRED : answer(request)));
    passTime(MINUTE);
    expect(await Promise.all(Array.from({ length: 8 }, () => read(store, "a")))).toEqual(Array(8).fill("abc"));
    expect(ask.asked).toBe(2);
  });

  it("shares its connections among all that are opened in it", async () => {
    await open(lender(keys));
    let connections = 0;
    server?.on("connection", () => (connections += 1));
    const endpoint = `http://127.0.0.1:${String((server?.address() as AddressInfo).port)}`;
    for (let version = 1; version <= 5; version += 1) {
      const store = await openLent(`s3://bucket/uc/${String(version)}`, lender(keys), { s3: { endpoint, region: "us-east-1" } });
      expect(await read(store, "a")).toBe("abc");
    }
    expect(connections).toBe(1);
  });

  it("that refuses what was lent a moment ago is told, without a secret", async () => {
    const ask = lender(keys);
    const store = await open(ask, () => ({ status: 403, body: "<Error><Code>AccessDenied</Code><Message>no</Message></Error>" }));
    const failure = await store.write("b", body(1), signal).catch((thrown: unknown) => thrown as Error);
    expect(failure).toMatchObject({ code: "NOT_AUTHORISED", hint: expect.stringContaining("temporary credentials") as string });
    expect(String(failure)).not.toMatch(/lent-secret|session-1/);
    expect(ask.asked).toBe(1);
  });
});

describe("a container of Azure with a lent signature", () => {
  const sas = (number: number): LentCredentials => ({ cloud: "azure", sasToken: `sv=2024&sig=lent${String(number)}%2B` });
  const sigOf = ({ url }: Request): string | undefined => /[?&]sig=([^&]*)/.exec(url)?.[1];

  it("gets it with each request, and another from the block on before which it comes to its end", async () => {
    const ask = lender(sas);
    const endpoint = await serve(({ url }) => {
      if (url.includes("comp=block&") && seen.length === 1) passTime(59.5 * MINUTE);
      return { status: 201, headers: { etag: "e" } };
    });
    const azure = {
      connectionString: `AccountName=own;AccountKey=own;BlobEndpoint=${endpoint}/account;`,
      accessKey: "own",
      sasToken: "sig=own",
    };
    const settings: StoreSettings = { azure, partBytes: 5 * MIB };
    const store = await openLent("abfss://box@account.dfs.core.windows.net/uc", ask, settings);
    await store.write("large", body(16), signal);
    expect(seen.every(({ url, headers }) => url.startsWith("/account/box/uc/large?") && headers.authorization === undefined)).toBe(true);
    expect([sigOf(seen[0] ?? never()), sigOf(seen.at(-1) ?? never()), ask.asked]).toEqual(["lent1%2B", "lent2%2B", 2]);
  });

  it("that refuses it tells no signature", async () => {
    const endpoint = await serve(() => ({ status: 403, headers: { "x-ms-error-code": "AuthenticationFailed" } }));
    const azure = { connectionString: `BlobEndpoint=${endpoint}/account;` };
    const store = await openLent("abfss://box@account.dfs.core.windows.net/uc", lender(sas), { azure });
    const failure = await listed(store).catch((thrown: unknown) => thrown as Error);
    expect(failure).toMatchObject({ code: "NOT_AUTHORISED" });
    expect(String(failure)).not.toContain("lent1");
  });
});

describe("a bucket of Google with a lent token", () => {
  const token = (number: number): LentCredentials => ({ cloud: "gcs", token: `lent-${String(number)}` });

  it("gets it with each request, and another from the chunk on before which it comes to its end", async () => {
    const ask = lender(token);
    const checksum = new CRC32C();
    for await (const chunk of body(16).open()) checksum.update(Buffer.from(chunk));
    // The SDK sends chunks with credentials to hosts of Google's alone.
    const local = (_host: unknown, _options: unknown, done: LookupCallback): void => done(null, [{ address: "127.0.0.1", family: 4 }]);
    vi.spyOn(dns, "lookup").mockImplementation(local as typeof dns.lookup);
    const address = await serve(({ method, url, headers }) => {
      if (method === "POST") return { headers: { location: `${endpoint}${url}&upload_id=u1` } };
      const [, end = "0", total] = /bytes \d+-(\d+)\/(\d+|\*)/.exec(String(headers["content-range"])) ?? [];
      passTime(20 * MINUTE);
      if (total === "*" || Number(end) + 1 < Number(total)) return { status: 308, headers: { range: `bytes=0-${end}` } };
      return { headers: { "content-type": "application/json" }, body: JSON.stringify({ crc32c: checksum.toString() }) };
    });
    const endpoint = address.replace("127.0.0.1", "local.googleapis.com");
    vi.stubEnv("STORAGE_EMULATOR_HOST", endpoint);
    const store = await openLent("gs://bucket/uc", ask, { gcs: { keyFile: "/own" }, partBytes: 4 * MIB });
    await store.write("large", body(16), signal);
    expect(seen.map(({ method, headers }) => `${method} ${String(headers.authorization)}`)).toEqual([
      "POST Bearer lent-1",
      "PUT Bearer lent-1",
      "PUT Bearer lent-1",
      "PUT Bearer lent-1",
      "PUT Bearer lent-2",
    ]);
  });

  it("that refuses it is read with another", async () => {
    const ask = lender(token);
    vi.stubEnv(
      "STORAGE_EMULATOR_HOST",
      await serve(({ headers }) =>
        headers.authorization === "Bearer lent-1" ? { status: 401 } : { headers: { "x-goog-generation": "1" }, body: "abc" },
      ),
    );
    const store = await openLent("gs://bucket/uc", ask, {});
    passTime(MINUTE);
    expect([await read(store, "a"), ask.asked]).toEqual(["abc", 2]);
  });
});

it("credentials of one cloud open no files of another", async () => {
  const ask = lender(() => ({ cloud: "gcs", token: "lent-token" }));
  await expect(openLent("s3://bucket/uc", ask, {})).rejects.toMatchObject({
    code: "NOT_SUPPORTED",
    message: "credentials for Google were given for files at s3://bucket/uc",
  });
});

function never(): never {
  throw new Error("no request came");
}
