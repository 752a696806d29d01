import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { JsonRequest } from "../../src/http/client.ts";
import { isSwitchedOffPart } from "../../src/http/failure.ts";
import { answer, clientOf, errorOf, never, serve } from "./scripted-server.ts";
import type { Script } from "./scripted-server.ts";

const GET: JsonRequest = {
  method: "GET",
  path: "/api/x",
  query: [
    ["page_token", "tok"],
    ["name", "n"],
  ],
  repeat: "safe",
};

async function failureOf(
  script: Script,
  request: JsonRequest = GET,
): Promise<{ error: Awaited<ReturnType<typeof errorOf>>; url: string; sent: number }> {
  const server = await serve(script);
  const client = clientOf(server.url);
  const error = await errorOf(client.json(request, never));
  return { error, url: server.url, sent: server.seen.length };
}

describe("an error answer", () => {
  it("names status, code, request and what the server said, and hides query values that may be secrets", async () => {
    const { error, url, sent } = await failureOf(answer(404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "Run 'x' not found." }));
    expect(error.code).toBe("NOT_FOUND");
    expect(error.message).toBe(`server answered 404 RESOURCE_DOES_NOT_EXIST to GET ${url}/api/x: Run 'x' not found`);
    expect(error.request).toEqual({
      method: "GET",
      url: `${url}/api/x?page_token=***&name=n`,
      status: 404,
      serverCode: "RESOURCE_DOES_NOT_EXIST",
    });
    expect(error.hint).toBe("check that it exists, is not deleted and may be seen with these credentials");
    expect(sent).toBe(1);
  });

  it("never repeats a page's HTML", async () => {
    const { error, url } = await failureOf(
      answer(404, "<!doctype html>\n<title>404 Not\n Found</title><p>long page", { "content-type": "text/html" }),
    );
    expect(error.code).toBe("NOT_FOUND");
    expect(error.message).toBe(`server answered 404 to GET ${url}/api/x: an HTML page titled "404 Not Found"`);
  });

  it("is cut to one line of 300 characters", async () => {
    const { error } = await failureOf(answer(400, `a\n\tb\u001b[31m ${"x".repeat(1000)}`));
    expect(error.code).toBe("REQUEST_FAILED");
    expect(error.message).toMatch(/: a b \[31m x{290}…$/);
    expect(error.message.split(": ").at(-1)).toHaveLength(300);
  });

  it("loses the SQL statement and its parameters", async () => {
    const message =
      "(sqlite3.IntegrityError) UNIQUE constraint failed: m.name\n[SQL: INSERT INTO m VALUES (?)]\n[parameters: ('private',)]";
    const { error, url } = await failureOf(answer(400, { error_code: "BAD_REQUEST", message }));
    expect(error.message).toBe(
      `server answered 400 BAD_REQUEST to GET ${url}/api/x: (sqlite3.IntegrityError) UNIQUE constraint failed: m.name`,
    );
  });

  it("is read to 64 KiB only, and still gives the server's code", async () => {
    const { error } = await failureOf(answer(400, { error_code: "INVALID_PARAMETER_VALUE", message: "m".repeat(1_000_000) }));
    expect(error.request?.serverCode).toBe("INVALID_PARAMETER_VALUE");
    expect(error.message.length).toBeLessThan(500);
  });

  it("that never ends is left after 64 KiB", async () => {
    const { error } = await failureOf((response) => {
      response.writeHead(400);
      const more = (): void => {
        while (!response.destroyed && response.write("m".repeat(10_000)));
      };
      response.on("drain", more);
      more();
    });
    expect(error.code).toBe("REQUEST_FAILED");
  });

  it.each([
    [{ error: "invalid_client", error_description: "who is it" }, /answered 400 invalid_client to .*: who is it$/],
    [{ errorCode: "invalid_scope", errorSummary: "no such scope" }, /answered 400 invalid_scope to .*: no such scope$/],
    [{ error: "an error in words" }, /answered 400 to .*: an error in words$/],
  ])("understands the errors of token endpoints: %j", async (body, message) => {
    expect((await failureOf(answer(400, body))).error.message).toMatch(message);
  });

  it("understands FastAPI's details", async () => {
    expect((await failureOf(answer(400, { detail: "is a directory" }))).error.message).toMatch(/: is a directory$/);
    expect((await failureOf(answer(422, { detail: [{ msg: "field required" }, { msg: "too long" }] }))).error.message).toMatch(
      /: field required; too long$/,
    );
  });

  it("that switches a part off is not repeated", async () => {
    const text = "Endpoint: /api/2.0/mlflow-artifacts/x disabled due to the mlflow server running with `--no-serve-artifacts`.";
    const { error, sent } = await failureOf(answer(503, text, { "content-type": "text/html; charset=utf-8" }));
    expect([error.code, error.hint, sent]).toEqual(["REQUEST_FAILED", "the server was started without this part", 1]);
    expect(error.message).toContain(": Endpoint: /api/2.0/mlflow-artifacts/x disabled due to the mlflow server");
    const overloaded = await failureOf(answer(503, "no healthy upstream"));
    expect([isSwitchedOffPart(error), isSwitchedOffPart(overloaded.error)]).toEqual([true, false]);
  });

  it("to a foreign host name says how to allow it", async () => {
    const { error } = await failureOf(answer(403, "Invalid Host header - possible DNS rebinding attack detected"));
    expect(error.code).toBe("NOT_AUTHORISED");
    expect(error.hint).toContain("--allowed-hosts");
  });
});

describe("a refused credential", () => {
  const SECRETS = ["tok-SECRET-1", "pw-SECRET-2", Buffer.from("ann:pw-SECRET-2").toString("base64"), "key-SECRET-3"];
  const echo: Script = (response, seen) =>
    answer(401, {
      error_code: "UNAUTHENTICATED",
      message: `bad ${Object.values(seen.headers).join(" ")} pw-SECRET-2 at http://ann:pw-SECRET-2@h/`,
    })(response, seen);

  it.each([
    [undefined, "no credential was sent: set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"],
    [
      { kind: "bearer", token: "tok-SECRET-1" } as const,
      "a bearer token went with the request: check MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, and what that user may do",
    ],
    [
      { kind: "basic", username: "ann", password: "pw-SECRET-2" } as const,
      "a user name and password went with the request: check MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, and what that user may do",
    ],
  ])("tells what was sent but never shows it, even when the server does", async (auth, hint) => {
    const server = await serve(echo);
    const client = clientOf(server.url, { headers: { "x-api-key": "key-SECRET-3" }, ...(auth === undefined ? {} : { auth }) });
    const error = await errorOf(client.json({ ...GET, query: [["sig", "key-SECRET-3"]] }, never));
    expect([error.code, error.hint, client.requests]).toEqual(["NOT_AUTHORISED", hint, 1]);
    const shown = [error.message, error.hint, error.stack, JSON.stringify(error), inspect(error, { depth: 10 })].join("\n");
    const sent = SECRETS.filter((secret) => JSON.stringify([auth, "key-SECRET-3", server.seen[0]?.headers]).includes(secret));
    expect(sent.length).toBeGreaterThan(0);
    for (const secret of sent) expect(shown).not.toContain(secret);
  });
});

describe("a redirect", () => {
  it("is not followed, and its address is shown without the query", async () => {
    const elsewhere = await serve(answer(200));
    const { error, url, sent } = await failureOf(answer(302, "", { location: `${elsewhere.url}/login?token=SECRET` }));
    expect(error.code).toBe("REQUEST_FAILED");
    expect(error.message).toBe(`server answered 302 to GET ${url}/api/x: it redirects to ${elsewhere.url}/login`);
    expect(error.hint).toContain("redirects are not followed");
    expect([sent, elsewhere.seen.length]).toEqual([1, 0]);
  });
});

describe("a server that cannot be reached", () => {
  it("is told after three attempts within two seconds when it never answered", async () => {
    const client = clientOf(`http://127.0.0.1:${await freePort()}`, { random: () => 1 });
    const error = await errorOf(client.json({ ...GET, repeat: "once", method: "POST" }, never));
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(error.message).toBe(`cannot reach ${client.baseUrl}: connection refused`);
    expect(error.hint).toBe("is the server running? check host and port");
    expect(client.requests).toBe(3);
    expect(client.waits).toEqual([500, 1000]);
  });

  it("is told when its name is unknown", async () => {
    const client = clientOf("http://no-such-host.invalid");
    const error = await errorOf(client.json(GET, never));
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(error.message).toMatch(/^cannot reach http:\/\/no-such-host\.invalid: host name (not found|could not be looked up)$/);
  });

  it("is told at once when TLS fails", async () => {
    const server = await serve(answer(200));
    const client = clientOf(server.url.replace("http:", "https:"));
    const error = await errorOf(client.json(GET, never));
    expect([error.code, client.requests]).toEqual(["SERVER_UNREACHABLE", 1]);
    expect(error.message).toContain("TLS failed");
    expect(error.hint).toContain("NODE_EXTRA_CA_CERTS");
  });

  it("is no MLflow server when it does not speak HTTP", async () => {
    const server = createServer((socket) => socket.on("error", () => undefined).end("SSH-2.0-OpenSSH_9\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const error = await errorOf(client.json(GET, never));
    server.close();
    expect([error.code, client.requests]).toEqual(["NOT_A_REGISTRY", 1]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
