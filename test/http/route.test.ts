// Proxies between the client and the server.
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { request as send } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import type { JsonRequest } from "../../src/http/client.ts";
import { answer, clientOf, errorOf, never, serve } from "./scripted-server.ts";

const GET: JsonRequest = { method: "GET", path: "/api/x", query: [["q", "1"]], repeat: "safe" };
const PASSWORD = "proxy-s3cret";

interface ForwardProxy {
  readonly host: string;
  /** Request lines, as they came. */
  readonly seen: readonly string[];
}

/** A forward proxy that takes `ada` alone: absolute addresses for http, tunnels for https. */
async function forwardProxy({ wantsLogin = false } = {}): Promise<ForwardProxy> {
  const seen: string[] = [];
  const login = `Basic ${Buffer.from(`ada:${PASSWORD}`).toString("base64")}`;
  const isRefused = ({ headers }: IncomingMessage): boolean => wantsLogin && headers["proxy-authorization"] !== login;
  const proxy = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method ?? ""} ${incoming.url ?? ""}`);
    if (isRefused(incoming)) return void outgoing.writeHead(407).end();
    const { "proxy-authorization": _login, ...headers } = incoming.headers;
    incoming.pipe(
      send(incoming.url ?? "", { method: incoming.method, headers }, (reply) => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(outgoing);
      }),
    );
  });
  proxy.on("connect", (incoming: IncomingMessage, socket) => {
    seen.push(`CONNECT ${incoming.url ?? ""}`);
    if (isRefused(incoming)) return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const [host = "", port] = (incoming.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    upstream.on("error", () => socket.destroy());
    upstream.pipe(socket).pipe(upstream);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { host: `127.0.0.1:${String((proxy.address() as AddressInfo).port)}`, seen };
}

describe("a proxy", () => {
  it("gets requests with the whole address, and its login, which the server does not see", async () => {
    const proxy = await forwardProxy({ wantsLogin: true });
    const server = await serve(answer(200, { ok: true }));
    const client = clientOf(server.url, {
      route: { proxy: `http://ada:${PASSWORD}@${proxy.host}` },
      auth: { kind: "bearer", token: "tok-12345" },
    });
    expect(await client.json(GET, never)).toEqual({ ok: true });
    expect(proxy.seen).toEqual([`GET ${server.url}/api/x?q=1`]);
    expect(server.seen[0]?.headers).toMatchObject({ authorization: "Bearer tok-12345" });
    expect(server.seen[0]?.headers).not.toHaveProperty("proxy-authorization");
  });

  it("is passed by for the hosts that are named to be", async () => {
    const proxy = await forwardProxy();
    const server = await serve(answer(200));
    await clientOf(server.url, { route: { proxy: `http://${proxy.host}`, noProxy: "example.org,127.0.0.1" } }).json(GET, never);
    expect([proxy.seen.length, server.seen.length]).toEqual([0, 1]);
  });

  it.each(["http", "https"])("that wants another login is told as such, for %s, without the password", async (scheme) => {
    const proxy = await forwardProxy({ wantsLogin: true });
    const client = clientOf(`${scheme}://127.0.0.1:9`, { route: { proxy: `http://ada:wr0ng-guess@${proxy.host}` } });
    const error = await errorOf(client.json(GET, never));
    expect([error.code, client.requests]).toEqual(["SERVER_UNREACHABLE", 1]);
    expect(error.message).toBe(`cannot reach ${scheme}://127.0.0.1:9: the proxy answered 407`);
    expect(error.hint).toContain(`requests go through the proxy http://${proxy.host} unless NO_PROXY names the host`);
    expect(JSON.stringify([error.message, error.hint, error.request])).not.toContain("wr0ng-guess");
  });

  it("that is not there is told with its address", async () => {
    const server = await serve(answer(200));
    const error = await errorOf(clientOf(server.url, { route: { proxy: "http://127.0.0.1:9" } }).json(GET, never));
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(error.hint).toContain("through the proxy http://127.0.0.1:9");
    expect(server.seen).toEqual([]);
  });
});
