import { describe, expect, it } from "vitest";
import type { DownloadRequest, HttpClient } from "../../src/http/client.ts";
import { createPacer } from "../../src/http/pace.ts";
import { answer, clientOf, cutAfter, errorOf, jumpingClock, never, serve } from "./scripted-server.ts";
import type { Script } from "./scripted-server.ts";

const TEXT = "0123456789";

async function read(client: HttpClient, request: Partial<DownloadRequest> = {}, signal = never): Promise<string> {
  let text = "";
  for await (const chunk of client.download({ path: "/f", ...request }, signal)) text += Buffer.from(chunk).toString("latin1");
  return text;
}

/** Honours Range on `text`, and If-Range when it is `etag`. */
function ranged(text: string, etag?: string): Script {
  return (response, seen) => {
    const start = /^bytes=(\d+)-$/.exec(seen.headers.range ?? "")?.[1];
    const ifRange = seen.headers["if-range"];
    const tag: Record<string, string> = etag === undefined ? {} : { etag };
    if (start === undefined || (ifRange !== undefined && ifRange !== etag))
      return answer(200, text, { "content-length": String(text.length), ...tag })(response, seen);
    if (Number(start) >= text.length)
      return answer(416, "no such range", { "content-range": `bytes */${text.length}`, ...tag })(response, seen);
    answer(206, text.slice(Number(start)), { "content-range": `bytes ${start}-${text.length - 1}/${text.length}`, ...tag })(response, seen);
  };
}

describe("a download", () => {
  it("gives a body, an empty one too, and asks for no compression", async () => {
    const server = await serve(
      answer(200, TEXT),
      answer(200, "", { "content-length": "0" }),
      answer(200, TEXT, { "content-encoding": "gzip" }),
    );
    const client = clientOf(server.url);
    expect([await read(client), await read(client), await read(client)]).toEqual([TEXT, "", TEXT]);
    expect(server.seen[0]?.headers).toMatchObject({ "accept-encoding": "identity" });
    expect(server.seen[0]?.headers).not.toHaveProperty("range");
  });

  it("starts at an offset, by Range or by passing over bytes where the server ignores it", async () => {
    const server = await serve(ranged(TEXT), answer(200, TEXT));
    const client = clientOf(server.url);
    expect(await read(client, { offset: 4 })).toBe("456789");
    expect(await read(client, { offset: 4 })).toBe("456789");
    expect(server.seen.map(({ headers }) => headers.range)).toEqual(["bytes=4-", "bytes=4-"]);
  });

  it("gives nothing from the file's end, and fails beyond it", async () => {
    const server = await serve(ranged(TEXT));
    expect(await read(clientOf(server.url), { offset: 10 })).toBe("");
    expect((await errorOf(read(clientOf(server.url), { offset: 11 }))).code).toBe("ARTIFACT_UNREADABLE");
    const ignoring = await serve(answer(200, TEXT, { "content-length": "10" }));
    expect(await read(clientOf(ignoring.url), { offset: 10 })).toBe("");
    expect((await errorOf(read(clientOf(ignoring.url), { offset: 11 }))).code).toBe("ARTIFACT_UNREADABLE");
  });

  it("goes on with Range and If-Range after a cut, and again after another", async () => {
    const etag = '"v1"';
    const second: Script = (response) =>
      cutAfter(
        "34",
        7,
        { "content-range": "bytes 3-9/10", etag },
        206,
      )(response, { method: "", url: "", headers: {}, body: Buffer.alloc(0) });
    const server = await serve(cutAfter("012", 10, { etag }), second, ranged(TEXT, etag));
    const client = clientOf(server.url);
    expect(await read(client)).toBe(TEXT);
    expect(server.seen.map(({ headers }) => [headers.range, headers["if-range"]])).toEqual([
      [undefined, undefined],
      ["bytes=3-", etag],
      ["bytes=5-", etag],
    ]);
    expect(client.waits).toEqual([250, 250]);
  });

  it("starts anew when nothing had come, even if the file is another by then", async () => {
    const server = await serve(cutAfter("", 20, { etag: '"v1"' }), answer(503), ranged(TEXT, '"v2"'));
    expect(await read(clientOf(server.url))).toBe(TEXT);
    expect(server.seen.map(({ headers }) => headers.range)).toEqual([undefined, undefined, undefined]);
  });

  it.each<[string, Script, string]>([
    ["the server cannot go on", answer(200, TEXT), "the connection was cut, and the server cannot go on from the middle"],
    ["If-Range tells that the file changed", ranged("another", '"v2"'), "it changed while it was read"],
    [
      "a server without If-Range gives another file",
      answer(206, "3456789", { "content-range": "bytes 3-9/10", etag: '"v2"' }),
      "it changed while it was read",
    ],
    ["the size is another", answer(206, "34567", { "content-range": "bytes 3-7/8" }), "it changed while it was read"],
    ["another part comes", answer(206, "456789", { "content-range": "bytes 4-9/10" }), "it gave another part than the one from byte 3"],
    ["a part comes unlabelled", answer(206, "3456789"), "it gave another part than the one from byte 3"],
    ["the file has become shorter", answer(416, "", { "content-range": "bytes */2" }), "it gave another part than the one from byte 3"],
  ])("is ARTIFACT_UNREADABLE after a cut when %s", async (_name, then, why) => {
    const server = await serve(cutAfter("012", 10, { etag: '"v1"' }), then);
    const error = await errorOf(read(clientOf(server.url)));
    expect([error.code, error.message]).toEqual(["ARTIFACT_UNREADABLE", `cannot read ${server.url}/f: ${why}`]);
    expect(server.seen).toHaveLength(2);
  });

  it("compares a weak ETag itself", async () => {
    const server = await serve(cutAfter("012", 10, { etag: 'W/"v1"' }), ranged(TEXT, 'W/"v1"'));
    expect(await read(clientOf(server.url))).toBe(TEXT);
    expect(server.seen[1]?.headers).not.toHaveProperty("if-range");
  });

  it("asks for the rest when a server gives a smaller part than asked for", async () => {
    const server = await serve(cutAfter("012", 10), answer(206, "345", { "content-range": "bytes 3-5/10" }), ranged(TEXT));
    expect(await read(clientOf(server.url))).toBe(TEXT);
    expect(server.seen[2]?.headers.range).toBe("bytes=6-");
  });

  it.each(["keep-alive", "close"])("notices a chunked body that is cut, with connection: %s", async (connection) => {
    const cutChunked: Script = (response) => {
      response.writeHead(200, { connection });
      response.write("012", () => response.socket?.end());
    };
    const server = await serve(cutChunked, ranged(TEXT));
    expect(await read(clientOf(server.url))).toBe(TEXT);
    expect(server.seen).toHaveLength(2);
  });

  it("ends as ARTIFACT_UNREADABLE when cuts bring nothing more, after all attempts", async () => {
    const server = await serve(cutAfter("012", 10), cutAfter("", 7, { "content-range": "bytes 3-9/10" }, 206));
    const error = await errorOf(read(clientOf(server.url)));
    expect([error.code, server.seen.length]).toEqual(["ARTIFACT_UNREADABLE", 7]);
    expect(error.hint).toBe("run the same command again: only what is missing is read");
  });

  it("of what is not there is NOT_FOUND", async () => {
    const server = await serve(answer(404));
    expect((await errorOf(read(clientOf(server.url)))).code).toBe("NOT_FOUND");
  });

  it("holds its place until it is read or left, and frees it then", async () => {
    const clock = jumpingClock();
    const pacer = createPacer({ inFlight: 1, clock });
    const server = await serve(answer(200, "x".repeat(4_000_000)), answer(200));
    const client = clientOf(server.url, { pacer, clock });
    for await (const chunk of client.download({ path: "/f" }, never)) {
      expect([chunk.length > 0, pacer.active]).toEqual([true, 1]);
      break;
    }
    expect(pacer.active).toBe(0);
    expect(await client.json({ method: "GET", path: "/", repeat: "safe" }, never)).toEqual({});
  });

  it("that is left lets go of its connection", async () => {
    let closed = (): void => undefined;
    const left = new Promise<void>((resolve) => (closed = resolve));
    const server = await serve((response) => {
      response.on("close", closed).writeHead(200);
      response.write("some");
    });
    for await (const chunk of clientOf(server.url).download({ path: "/f" }, never)) if (chunk.length > 0) break;
    await left;
  });

  it("is INTERRUPTED by an abort in the middle", async () => {
    const stop = new AbortController();
    const server = await serve((response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("0123");
    });
    const client = clientOf(server.url);
    const reading = (async () => {
      for await (const chunk of client.download({ path: "/f" }, stop.signal)) if (chunk.length > 0) stop.abort();
    })();
    expect((await errorOf(reading)).code).toBe("INTERRUPTED");
    expect(client.requests).toBe(1);
  });
});
