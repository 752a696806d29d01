// People who are logged in with the Databricks CLI, or with Azure's.
import { describe, expect, it } from "vitest";
import { homeWith } from "./profiles.ts";
import { programs } from "./programs.ts";
import { ADMIN, failureOf, open, startWorkspace, userOf } from "./workspace.ts";

describe("somebody who is logged in with another program", () => {
  const cliToken = (token: string, expiry: string): string => JSON.stringify({ access_token: token, token_type: "Bearer", expiry });

  it("is known to the Databricks CLI by profile, and no variable says otherwise", async () => {
    const fake = await startWorkspace();
    const { path, runs } = programs({
      databricks: { "auth token --profile dev": cliToken("token-of-admin", "2026-01-01T01:00:00.123456789+00:00") },
    });
    const home = homeWith(`[dev]\nhost = ${fake.url}\nauth_type = databricks-cli\n`);
    const env = { HOME: home, PATH: path, DATABRICKS_TOKEN: "other", DATABRICKS_HOST: "https://other.example.com" };
    const opened = await open("databricks://dev", { ...fake, env });
    expect([await userOf(opened), await userOf(opened)]).toEqual([ADMIN, ADMIN]);
    expect(runs()).toEqual(["databricks auth token --profile dev token= host="]);
    fake.time.now += 3_580_000;
    await userOf(opened);
    expect(runs()).toHaveLength(2);
  });

  it("is known to it by host where there is no profile, without being asked to be", async () => {
    const fake = await startWorkspace();
    const { path } = programs({ databricks: { [`auth token --host ${fake.url}`]: cliToken("token-of-admin", "2026-01-01T01:00:00Z") } });
    expect(await userOf(await open("databricks", { ...fake, env: { ...fake.env, PATH: path } }))).toBe(ADMIN);
  });

  it("is known to it wherever it is, where a variable says so", async () => {
    const fake = await startWorkspace();
    const { path } = programs({ dbx: { [`auth token --host ${fake.url}`]: cliToken("token-of-admin", "2026-01-01T01:00:00Z") } });
    const env = { ...fake.env, PATH: homeWith(), DATABRICKS_CLI_PATH: `${path}/dbx`, DATABRICKS_AUTH_TYPE: "databricks-cli" };
    expect(await userOf(await open("databricks", { ...fake, env }))).toBe(ADMIN);
  });

  it("is known to Azure's, which is asked for the subscription of the workspace first", async () => {
    const fake = await startWorkspace();
    const ask = "account get-access-token --resource 2ff814a6-3304-4ab8-85cb-cd0e6f879c1d --output json";
    const claims = Buffer.from(JSON.stringify({ upn: "ada@example.com" })).toString("base64url");
    const token = `e30.${claims}.c2ln`;
    const { path, runs } = programs({
      az: {
        [`${ask} --subscription s-1 --tenant tenant`]: "!ERROR: the subscription of 's-1' doesn't exist in cloud 'AzureCloud'.",
        [`${ask} --tenant tenant`]: JSON.stringify({
          accessToken: token,
          expiresOn: "2026-01-01 02:00:00.000000",
          expires_on: 1767229200,
          tokenType: "Bearer",
        }),
      },
    });
    const settings = {
      DATABRICKS_AUTH_TYPE: "azure-cli",
      ARM_TENANT_ID: "tenant",
      DATABRICKS_AZURE_RESOURCE_ID: "/subscriptions/s-1/resourceGroups/g",
    };
    const opened = await open("databricks", { ...fake, env: { ...fake.env, ...settings, PATH: path } });
    const auth = "kind" in opened.login.auth ? opened.login.auth : await opened.login.auth.current();
    expect(auth).toEqual({
      kind: "bearer",
      token,
      headers: { "x-databricks-azure-workspace-resource-id": "/subscriptions/s-1/resourceGroups/g" },
    });
    expect(runs().map((line) => line.split(" ").at(7))).toEqual(["--subscription", "--tenant"]);
  });

  it("nowhere is told what to do for each program", async () => {
    const fake = await startWorkspace();
    const { path } = programs({ databricks: { [`auth token --host ${fake.url}`]: "!Error: cache: token not found" } });
    const error = await failureOf(open("databricks", { ...fake, env: { ...fake.env, PATH: path } }));
    expect(error.code).toBe("NOT_AUTHORISED");
    expect(error.message).toContain("got no token from databricks: it ended with exit code 1: Error: cache: token not found");
    expect(error.message).toMatch(/^no login for Databricks is set in the variables DATABRICKS_…, and no program knows one: /);
    expect(error.hint).toBe(
      `set DATABRICKS_TOKEN or a service principal; or log in with databricks auth login --host ${fake.url}; to see what it answers: databricks auth token --host ${fake.url}`,
    );
    const none = await failureOf(open("databricks", { ...fake, env: { ...fake.env, PATH: homeWith() } }));
    expect(none.message).toContain("there is no such program");
  });

  it("is not asked for where half a login is set", async () => {
    const fake = await startWorkspace();
    const { path, runs } = programs({ databricks: {} });
    const error = await failureOf(open("databricks", { ...fake, env: { ...fake.env, PATH: path, DATABRICKS_CLIENT_ID: "x" } }));
    expect([error.code, runs()]).toEqual(["USAGE", [""]]);
  });
});
