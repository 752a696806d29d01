// Logins to a workspace, from profiles and variables to requests that it answers, and what happens when they end.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { answer, never, serve } from "../http/scripted-server.ts";
import { homeWith } from "./profiles.ts";
import { ADMIN, failureOf, open, ROBOT, START, startWorkspace, userOf } from "./workspace.ts";

const tokenRequests = ({ requests }: FakeDatabricks): number => requests.filter((name) => name === "POST /oidc/v1/token").length;

describe("a personal access token", () => {
  it("comes from a profile that was named, whatever the environment says", async () => {
    const { url, time, env } = await startWorkspace();
    const home = homeWith(`[dev]\nhost = ${url}/\ntoken = token-of-admin\n`);
    const opened = await open("databricks-uc://dev", { time, env: { ...env, HOME: home, DATABRICKS_TOKEN: "token-of-nobody" } });
    expect(await userOf(opened)).toBe(ADMIN);
    expect(opened.login).toMatchObject({ userAgent: `mlferry/1.2.3 os/${process.platform} auth/pat`, authType: "pat" });
    expect(opened.scrub("so token-of-admin it is")).toBe("so *** it is");
  });

  it("that is wrong is told with where it was found, and asked for once", async () => {
    const fake = await startWorkspace();
    const opened = await open("databricks", { ...fake, env: { ...fake.env, DATABRICKS_TOKEN: "token-of-nobody" } });
    const error = await failureOf(userOf(opened));
    expect(error).toMatchObject({
      code: "NOT_AUTHORISED",
      hint: expect.stringContaining("the login pat of the variables DATABRICKS_…") as string,
    });
    expect(fake.requests).toHaveLength(1);
  });
});

it("a call for which a privilege is missing is told with the statement that gives it", async () => {
  const fake = await startWorkspace({ schemas: ["main.ml"] });
  const { client } = await open("databricks-uc", { ...fake, env: { ...fake.env, DATABRICKS_TOKEN: "token-of-azure" } });
  const path = "/api/2.0/mlflow/unity-catalog/registered-models/create";
  const error = await failureOf(client.json({ method: "POST", path, body: { name: "main.ml.fraud" }, repeat: "once" }, never));
  expect(error.message).toContain("server answered 403 PERMISSION_DENIED to POST");
  expect(error.hint).toBe("an owner or an administrator can give it: GRANT USE CATALOG ON CATALOG main TO `…`");
});

it("two workspaces in one command have two identities", async () => {
  const [a, b] = [await startWorkspace(), await startWorkspace()];
  const env = {
    HOME: homeWith(),
    DATABRICKS_HOST: a.url,
    DATABRICKS_TOKEN: "token-of-admin",
    MLFERRY_TARGET_DATABRICKS_HOST: b.url,
    MLFERRY_TARGET_DATABRICKS_CLIENT_ID: ROBOT.clientId,
    MLFERRY_TARGET_DATABRICKS_CLIENT_SECRET: ROBOT.clientSecret,
  };
  const [source, target] = [await open("databricks", { ...a, env }), await open("databricks-uc", { ...b, env }, { role: "target" })];
  expect([source.location.url, target.location.url]).toEqual([a.url, b.url]);
  expect([await userOf(source), await userOf(target)]).toEqual([ADMIN, ROBOT.user]);
});

describe("a service principal", () => {
  const login = { DATABRICKS_CLIENT_ID: ROBOT.clientId, DATABRICKS_CLIENT_SECRET: ROBOT.clientSecret };

  it("gets its token once, again before it ends, and again when it was revoked", async () => {
    const fake = await startWorkspace();
    const opened = await open("databricks", { ...fake, env: { ...fake.env, ...login } });
    const asked: unknown[] = [];
    const ask = async (): Promise<void> => void asked.push([await userOf(opened), tokenRequests(fake)]);
    await ask();
    fake.time.now += 29_000;
    await ask();
    fake.time.now += 2_000;
    await ask();
    fake.accounts.revokeAll();
    await ask();
    expect(asked).toEqual([1, 1, 2, 3].map((requests) => [ROBOT.user, requests]));
    expect(opened.login.authType).toBe("oauth-m2m");
  });

  it("with a wrong secret is refused once, in the words of the workspace and without the secret", async () => {
    const fake = await startWorkspace();
    const env = { ...fake.env, ...login, DATABRICKS_CLIENT_SECRET: "a-guess-at-it" };
    const error = await failureOf(open("databricks", { ...fake, env }).then(userOf));
    expect(error.code).toBe("NOT_AUTHORISED");
    expect(error.message).toBe(
      `the login oauth-m2m of the variables DATABRICKS_… was refused: server answered 401 invalid_client to POST ${fake.url}/oidc/v1/token: Client authentication failed`,
    );
    expect(tokenRequests(fake)).toBe(1);
  });

  it("logs in at the usual endpoint where the workspace tells of none", async () => {
    const token = answer(200, { access_token: "t-1", token_type: "Bearer", expires_in: 3600 });
    const server = await serve(answer(404, { error_code: "ENDPOINT_NOT_FOUND", message: "no" }), token, answer(200, { userName: "x" }));
    const env = { HOME: homeWith(), DATABRICKS_HOST: server.url, ...login };
    expect(await userOf(await open("databricks", { env, time: { now: START } }))).toBe("x");
    expect(server.seen.map(({ method, url }) => `${method} ${url}`).slice(0, 2)).toEqual([
      "GET /.well-known/databricks-config",
      "POST /oidc/v1/token",
    ]);
    expect(server.seen[1]?.body.toString()).toBe("grant_type=client_credentials&scope=all-apis");
    expect(server.seen[1]?.headers.authorization).toBe(`Basic ${Buffer.from("robot-id:robot-secret").toString("base64")}`);
    expect(server.seen[2]?.headers.authorization).toBe("Bearer t-1");
  });

  it("is told when the endpoint answers something else", async () => {
    const server = await serve(answer(404), answer(200, { hello: "world" }));
    const env = { HOME: homeWith(), DATABRICKS_HOST: server.url, ...login };
    const error = await failureOf(open("databricks", { env, time: { now: START } }).then(userOf));
    expect(error.message).toContain("got no token: the answer of");
  });

  it("is told of errors in the other form too", async () => {
    const server = await serve(answer(404), answer(400, { errorCode: "invalid_scope", errorSummary: "no such scope" }));
    const env = { HOME: homeWith(), DATABRICKS_HOST: server.url, ...login };
    const error = await failureOf(open("databricks", { env, time: { now: START } }).then(userOf));
    expect(error).toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringMatching(/400 invalid_scope .*: no such scope$/) as string,
    });
  });
});

describe("the token of an identity provider", () => {
  const identityTokens = { "jwt-of-ci": "ci@example.com", "jwt-of-ci-2": "ci@example.com" };

  it("is taken from a variable and exchanged, with the principal's id where one is set", async () => {
    const fake = await startWorkspace({ identityTokens });
    const login = {
      DATABRICKS_OIDC_TOKEN_ENV: "CI_TOKEN",
      CI_TOKEN: "jwt-of-ci",
      DATABRICKS_CLIENT_ID: ROBOT.clientId,
      DATABRICKS_AUTH_TYPE: "env-oidc",
    };
    expect(await userOf(await open("databricks", { ...fake, env: { ...fake.env, ...login } }))).toBe("ci@example.com");
    const other = { ...login, DATABRICKS_CLIENT_ID: "somebody" };
    const error = await failureOf(open("databricks", { ...fake, env: { ...fake.env, ...other } }).then(userOf));
    expect(error.message).toMatch(/^the login env-oidc of .* was refused: server answered 400 invalid_request /);
  });

  it("is read from its file for each exchange", async () => {
    const fake = await startWorkspace({ identityTokens });
    const path = join(homeWith(), "jwt");
    writeFileSync(path, "jwt-of-ci\n");
    const opened = await open("databricks", { ...fake, env: { ...fake.env, DATABRICKS_OIDC_TOKEN_FILEPATH: path } });
    expect(await userOf(opened)).toBe("ci@example.com");
    writeFileSync(path, "");
    fake.accounts.revokeAll();
    expect(await failureOf(userOf(opened))).toMatchObject({
      code: "NOT_AUTHORISED",
      message: `${path}, named by DATABRICKS_OIDC_TOKEN_FILEPATH, is empty`,
    });
    writeFileSync(path, "jwt-of-ci-2");
    expect(await userOf(opened)).toBe("ci@example.com");
  });

  it("that is missing is told", async () => {
    const fake = await startWorkspace();
    const error = await failureOf(
      open("databricks", { ...fake, env: { ...fake.env, DATABRICKS_OIDC_TOKEN_ENV: "CI_TOKEN" } }).then(userOf),
    );
    expect(error.message).toBe("CI_TOKEN, named by DATABRICKS_OIDC_TOKEN_ENV, is not set");
  });
});

describe("mlferry.yaml", () => {
  it("has a login of its own for a profile's host, and it is the only one", async () => {
    const fake = await startWorkspace();
    const home = homeWith(`[dev]\nhost = ${fake.url}\nclient_id = x\nclient_secret = y\nworkspace_id = 77\n`);
    const registry = { name: "prod", uri: "databricks-uc://dev", login: { kind: "token-env", variable: "PROD_TOKEN" } } as const;
    const config = { registries: new Map([["prod", registry]]) };
    const env = { HOME: home, PROD_TOKEN: "token-of-admin", DATABRICKS_TOKEN: "other" };
    const opened = await open("prod", { ...fake, env }, { config });
    expect(await userOf(opened)).toBe(ADMIN);
    expect(opened.login.authFrom).toBe("PROD_TOKEN, the token_env of registry prod");
    expect(opened.login.headers).toEqual({ "x-databricks-workspace-id": "77", "x-databricks-org-id": "77" });
  });
});
