import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { parseJson } from "../../src/http/json.ts";
import { createPacer } from "../../src/http/pace.ts";
import { answer, clientOf, errorOf, never, serve } from "./scripted-server.ts";
import type { JsonRequest } from "../../src/http/client.ts";

const GET: JsonRequest = { method: "GET", path: "/api/x", repeat: "safe" };

describe("a request", () => {
  it("may carry a form", async () => {
    const server = await serve(answer(200));
    const form = [
      ["scope", "a b"],
      ["secret", "ü&=+"],
    ] as const;
    await clientOf(server.url).json({ method: "POST", path: "/token", form, repeat: "safe" }, never);
    expect(server.seen[0]?.body.toString()).toBe("scope=a+b&secret=%C3%BC%26%3D%2B");
    expect(server.seen[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
  });

  it("carries path, query in order with repeated keys, body, headers and credentials below the base path", async () => {
    const server = await serve(answer(200, { ok: true }));
    const client = clientOf(`${server.url}/base/`, {
      auth: { kind: "bearer", token: "tok-12345" },
      headers: { "X-MLFLOW-WORKSPACE": "w", Origin: "http://evil" },
    });
    const request: JsonRequest = {
      method: "POST",
      path: "/api/a%2Fb",
      query: [
        ["run_id", "1"],
        ["run_id", "2"],
        ["q", "a b&c=é/\ud800"],
      ],
      body: { step: 2n ** 63n - 1n, v: NaN },
      repeat: "once",
    };
    expect(await client.json(request, never)).toEqual({ ok: true });
    expect(client.baseUrl).toBe(`${server.url}/base`);
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({
      method: "POST",
      url: "/base/api/a%2Fb?run_id=1&run_id=2&q=a%20b%26c%3D%C3%A9%2F%EF%BF%BD",
      headers: {
        authorization: "Bearer tok-12345",
        "x-mlflow-workspace": "w",
        "content-type": "application/json",
        "user-agent": "mlferry/test",
      },
    });
    expect(server.seen[0]?.headers).not.toHaveProperty("origin");
    expect(server.seen[0]?.body.toString()).toBe('{"step":9223372036854775807,"v":"NaN"}');
  });

  it("leaves dot segments in a path as they are", async () => {
    const server = await serve(answer(200));
    await clientOf(server.url).json({ ...GET, path: "/a/%2e%2e/../b" }, never);
    expect(server.seen[0]?.url).toBe("/a/%2e%2e/../b");
  });

  it("uses user and password of the address, which then shows nowhere", async () => {
    const server = await serve(answer(200));
    const client = clientOf(server.url.replace("http://", "http://ann:p%40ss-word@"));
    await client.json(GET, never);
    expect(server.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from("ann:p@ss-word").toString("base64")}`);
    expect(client.baseUrl).toBe(server.url);
  });

  it("gives {} for an empty body, exact integers, and text as it is", async () => {
    const server = await serve(answer(200, ""), answer(200, '{"n":9007199254740993,"x":NaN}'), answer(200, "3.18.0\n"));
    const client = clientOf(server.url);
    expect(await client.json(GET, never)).toEqual({});
    expect(await client.json(GET, never)).toEqual(parseJson('{"n":"9007199254740993","x":"NaN"}'));
    expect(await client.text({ path: "/version" }, never)).toBe("3.18.0\n");
    expect(client.requests).toBe(3);
  });

  it("keeps to the pacer's limit, leaves no listener on a long-lived signal and raises no warning", async () => {
    let open = 0;
    let most = 0;
    const server = await serve((response) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        response.end("{}");
      });
    });
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): number => warnings.push(warning);
    process.on("warning", onWarning);
    const client = clientOf(server.url, { pacer: createPacer({ inFlight: 16 }) });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 200 }, () => client.json(GET, signal)));
    // undici takes its listeners off when a body's close event comes.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(most).toBeLessThanOrEqual(16);
    expect([client.requests, warnings, getEventListeners(signal, "abort")]).toEqual([200, [], []]);
  });
});

describe("an address", () => {
  it.each(["ftp://h", "nonsense", "http://u:p@ss/w@h:99999", "http://u:secretpw@h/?a=b"])(
    "that cannot be used is refused without showing it: %s",
    async (baseUrl) => {
      const error = await errorOf((async () => clientOf(baseUrl))());
      expect(error.code).toBe("LOCATION_UNKNOWN");
      expect(error.hint).toContain("write the address as http(s)://host[:port][/path]");
      expect(error.message).not.toMatch(/p@ss|secretpw/);
    },
  );

  it("takes no token that a header cannot carry", async () => {
    const error = await errorOf((async () => clientOf("http://h", { auth: { kind: "bearer", token: "tok-12345\n" } }))());
    expect(error.code).toBe("NOT_AUTHORISED");
    expect(`${error.message} ${error.hint}`).not.toContain("tok-12345");
    expect(error.hint).toContain("MLFLOW_TRACKING_TOKEN");
  });
});

describe("an answer that is no JSON", () => {
  it("is NOT_A_REGISTRY when it is a page, whose text is not repeated", async () => {
    const server = await serve(answer(200, "<!doctype html><html><body>Welcome</body></html>"));
    const client = clientOf(server.url);
    const error = await errorOf(client.json(GET, never));
    expect(error.code).toBe("NOT_A_REGISTRY");
    expect(error.message).toBe(`GET ${server.url}/api/x was answered with an HTML page instead of JSON`);
    expect(client.requests).toBe(1);
  });

  it("is OUTCOME_UNKNOWN for a request that may not be repeated, because it was carried out", async () => {
    const server = await serve(answer(200, '{"run":'));
    const client = clientOf(server.url);
    expect((await errorOf(client.json({ ...GET, method: "POST", repeat: "once" }, never))).code).toBe("OUTCOME_UNKNOWN");
    expect((await errorOf(client.json(GET, never))).code).toBe("REQUEST_FAILED");
  });
});
