// Credentials that change while requests are under way.
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { expiryOf, renewing } from "../../src/http/login.ts";
import type { AuthProvider } from "../../src/http/login.ts";
import type { JsonRequest } from "../../src/http/client.ts";
import { answer, clientOf, errorOf, never, serve } from "./scripted-server.ts";
import type { Script, ScriptedServer } from "./scripted-server.ts";

const GET: JsonRequest = { method: "GET", path: "/api/x", repeat: "safe" };

/** Takes the tokens for which `isGood` holds. */
function guarded(isGood: (token: string) => boolean): Promise<ScriptedServer> {
  const script: Script = (response, seen) => {
    const token = (seen.headers.authorization ?? "").replace("Bearer ", "");
    answer(isGood(token) ? 200 : 401, isGood(token) ? {} : `no entry for ${token}`)(response, seen);
  };
  return serve(script);
}

/** Gives token-1, token-2 and so on; each lasts `lifeMs` on a clock that stands at `time.now`. */
function counting(time: { now: number } = { now: 0 }, lifeMs?: number): AuthProvider & { readonly given: number } {
  let given = 0;
  const provider = renewing(
    async () => ({
      auth: { kind: "bearer", token: `token-${String(++given)}` },
      ...(lifeMs === undefined ? {} : { expires: time.now + lifeMs }),
    }),
    () => time.now,
  );
  return {
    ...provider,
    get given() {
      return given;
    },
  };
}

describe("a token that the server refuses in the middle", () => {
  it("is replaced once for all requests that it failed, which then succeed", async () => {
    let expired = false;
    const server = await guarded((token) => !expired || token === "token-2");
    const auth = counting();
    const client = clientOf(server.url, { auth });
    await client.json(GET, never);
    expired = true;
    await Promise.all(Array.from({ length: 4 }, () => client.json({ ...GET, method: "POST", repeat: "once" }, never)));
    expect([auth.given, client.requests, client.waits]).toEqual([2, 9, []]);
  });

  it("is replaced for a file on its way, which is sent anew", async () => {
    let expired = false;
    const server = await guarded((token) => !expired || token === "token-2");
    const client = clientOf(server.url, { auth: counting() });
    await client.json(GET, never);
    expired = true;
    let opened = 0;
    const open = (): AsyncIterable<Uint8Array> => (opened++, Readable.from([Buffer.from("bytes")]));
    await client.upload({ path: "/file", sizeBytes: 5 }, open, never);
    expect([opened, server.seen.at(-1)?.body.toString()]).toEqual([2, "bytes"]);
  });

  it("ends the request when the next one is refused too, and neither is told in the error", async () => {
    let expired = false;
    const server = await guarded(() => !expired);
    const auth = counting();
    const client = clientOf(server.url, { auth, authFrom: "the token_command of registry dev" });
    await client.json(GET, never);
    expired = true;
    const error = await errorOf(client.json(GET, never));
    expect([error.code, auth.given]).toEqual(["NOT_AUTHORISED", 2]);
    expect(error.message).toContain("no entry for ***");
    expect(error.hint).toContain("the token_command of registry dev");
  });

  it("ends the request at once when no other is to be had", async () => {
    let expired = false;
    const server = await guarded(() => !expired);
    const client = clientOf(server.url, { auth: { kind: "bearer", token: "token-1" } });
    await client.json(GET, never);
    expired = true;
    const error = await errorOf(client.json(GET, never));
    expect([error.code, client.requests]).toEqual(["NOT_AUTHORISED", 2]);
    expect(error.hint).toMatch(/^a bearer token was taken until now: renew it in MLFLOW_TRACKING_TOKEN.*the same command then continues$/);
  });
});

it("a token that was never taken is not replaced: it is wrong, not expired", async () => {
  const server = await guarded(() => false);
  const auth = counting();
  const error = await errorOf(clientOf(server.url, { auth }).json(GET, never));
  expect([error.code, auth.given]).toEqual(["NOT_AUTHORISED", 1]);
});

it("a token whose end is known is replaced before it comes, without a refusal", async () => {
  const time = { now: 0 };
  const server = await guarded(() => true);
  const auth = counting(time, 3_600_000);
  const client = clientOf(server.url, { auth });
  for (const now of [0, 3_500_000, 3_580_000, 3_590_000]) {
    time.now = now;
    await client.json(GET, never);
  }
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([1, 1, 2, 2].map((n) => `Bearer token-${String(n)}`));
});

it("a token that comes with a few seconds to live is used until it is refused", async () => {
  const server = await guarded(() => true);
  const auth = counting({ now: 0 }, 5_000);
  const client = clientOf(server.url, { auth });
  for (let count = 0; count < 3; count += 1) await client.json(GET, never);
  expect(auth.given).toBe(1);
});

it("what keeps a token from coming is the request's error, and the next request asks again", async () => {
  const server = await guarded(() => true);
  let tries = 0;
  const auth = renewing(
    async () => {
      if (++tries === 1) throw new Error("no network");
      return { auth: { kind: "bearer", token: "token-2" } };
    },
    () => 0,
  );
  const client = clientOf(server.url, { auth });
  await expect(client.json(GET, never)).rejects.toThrow("no network");
  await client.json(GET, never);
  expect(server.seen).toHaveLength(1);
});

it("a token may bring headers with it, which are as secret", async () => {
  const server = await serve(answer(403, "not with managing-token"));
  const auth = { kind: "bearer", token: "token-1", headers: { "x-managing": "managing-token" } } as const;
  const error = await errorOf(clientOf(server.url, { auth }).json(GET, never));
  expect(server.seen[0]?.headers).toMatchObject({ authorization: "Bearer token-1", "x-managing": "managing-token" });
  expect(error.message).toContain("not with ***");
});

it("reads the end of life of a JSON Web Token, and of nothing else", () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  expect(expiryOf(`${part({ alg: "none" })}.${part({ exp: 1_700_000_000 })}.c2ln`)).toBe(1_700_000_000_000);
  for (const token of ["opaque", "a.b.c", `h.${part({ exp: "soon" })}.s`, `h.${part(null)}.s`]) expect(expiryOf(token)).toBeUndefined();
});
