import { describe, expect, it } from "vitest";
import { MigrationError } from "../../src/errors.ts";
import { answer, clientOf, errorOf, listen, never, reset, serve } from "./scripted-server.ts";

/** Gives the parts, and counts how often it was opened and left. */
function content(...parts: readonly string[]): { open: () => AsyncIterable<Uint8Array>; opened: number; closed: number } {
  const state = {
    opened: 0,
    closed: 0,
    async *open() {
      state.opened += 1;
      try {
        for (const part of parts) yield Buffer.from(part);
      } finally {
        state.closed += 1;
      }
    },
  };
  return state;
}

describe("an upload", () => {
  it("sends a known size as Content-Length and an unknown one in chunks", async () => {
    const server = await serve(answer(200, {}));
    const client = clientOf(server.url);
    await client.upload(
      { path: "/a", sizeBytes: 5, headers: { "Content-Type": "application/octet-stream", Origin: "x" } },
      content("he", "llo").open,
      never,
    );
    await client.upload({ path: "/b" }, content("he", "llo").open, never);
    await client.upload({ path: "/c", sizeBytes: 0 }, content().open, never);
    const sent = server.seen.map(({ method, url, headers, body }) => [
      method,
      url,
      headers["content-length"],
      headers["transfer-encoding"],
      body.toString(),
    ]);
    expect(sent).toEqual([
      ["PUT", "/a", "5", undefined, "hello"],
      ["PUT", "/b", undefined, "chunked", "hello"],
      ["PUT", "/c", "0", undefined, ""],
    ]);
    expect(server.seen[0]?.headers).toMatchObject({ "content-type": "application/octet-stream" });
    expect(server.seen[0]?.headers).not.toHaveProperty("origin");
  });

  it("opens the content anew for each attempt", async () => {
    const server = await serve(answer(503), reset, answer(200));
    const file = content("he", "llo");
    await clientOf(server.url).upload({ path: "/a", sizeBytes: 5 }, file.open, never);
    expect([file.opened, file.closed, server.seen.at(-1)?.body.toString()]).toEqual([3, 3, "hello"]);
  });

  it("opens nothing when no connection is made", async () => {
    const server = await serve(answer(200));
    await server.stop();
    const file = content("hello");
    expect((await errorOf(clientOf(server.url).upload({ path: "/a" }, file.open, never))).code).toBe("SERVER_UNREACHABLE");
    expect(file.opened).toBe(0);
  });

  it.each([
    [["hell"], "4 of its 5 bytes"],
    [["hello", "!"], "more than its 5 bytes"],
    [[], "0 of its 5 bytes"],
  ])("is ARTIFACT_CORRUPT when the content is not as long as said: %s", async (parts, told) => {
    const server = await serve(answer(200));
    const client = clientOf(server.url);
    const error = await errorOf(client.upload({ path: "/a", sizeBytes: 5 }, content(...parts).open, never));
    expect([error.code, error.message]).toEqual(["ARTIFACT_CORRUPT", `cannot send PUT ${server.url}/a: the file gave ${told}`]);
    expect(client.requests).toBe(1);
  });

  it.each([
    new MigrationError("ARTIFACT_UNREADABLE", "no more"),
    Object.assign(new Error("of the source's connection"), { code: "ECONNRESET" }),
  ])("passes the content's own error on and does not repeat it: %s", async (broken) => {
    const server = await serve(answer(200));
    const client = clientOf(server.url);
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("he");
      throw broken;
    };
    await expect(client.upload({ path: "/a" }, open, never)).rejects.toBe(broken);
    expect([client.requests, server.seen.length]).toEqual([1, 0]);
  });

  it("tells a refusal that comes before the content is sent, and closes the content", async () => {
    const server = await listen([], (_request, response) => response.writeHead(401, { "content-type": "text/plain" }).end("who are you?"));
    const client = clientOf(server.url);
    let closed = (): void => undefined;
    const left = new Promise<void>((resolve) => (closed = resolve));
    const open = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield Buffer.alloc(16_384);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed();
      }
    };
    const error = await errorOf(client.upload({ path: "/a" }, open, never));
    expect([error.code, client.requests]).toEqual(["NOT_AUTHORISED", 1]);
    await left;
  });

  it("is read to its end before its last part is sent, since servers that close connections answer at once", async () => {
    const server = await listen([], (request, response) => {
      request.once("data", () => response.writeHead(200, { connection: "close" }).end());
      if (request.headers["content-length"] === "0") response.writeHead(200, { connection: "close" }).end();
    });
    const client = clientOf(server.url);
    for (const parts of [["hello"], []]) {
      let ended = false;
      const open = async function* (): AsyncGenerator<Uint8Array> {
        for (const part of parts) yield Buffer.from(part);
        await new Promise((resolve) => setImmediate(resolve));
        ended = true;
      };
      await client.upload({ path: "/a", sizeBytes: parts.join("").length }, open, never);
      expect(ended).toBe(true);
    }
  });

  it("does not take an answer for success that came before the content was sent", async () => {
    const server = await listen([], (_request, response) => response.writeHead(200).end());
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("he");
      await gate;
    };
    const error = await errorOf(clientOf(server.url).upload({ path: "/a" }, open, never));
    go();
    expect([error.code, error.message]).toEqual(["REQUEST_FAILED", `server answered PUT ${server.url}/a before it had the whole file`]);
  });

  it("is INTERRUPTED by an abort in the middle", async () => {
    const stop = new AbortController();
    const server = await serve(answer(200));
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("he");
      stop.abort();
      yield Buffer.from("llo");
    };
    const client = clientOf(server.url);
    expect((await errorOf(client.upload({ path: "/a" }, open, stop.signal))).code).toBe("INTERRUPTED");
    expect(client.requests).toBe(1);
  });
});
