// Service principals of Azure's directory, at a workspace that knows them and at one that does not yet.
import { describe, expect, it } from "vitest";
import { startAzureDirectory } from "../fakes/azure-directory.ts";
import { answer, serve } from "../http/scripted-server.ts";
import { homeWith } from "./profiles.ts";
import { failureOf, open, START, startWorkspace, userOf } from "./workspace.ts";

describe("a service principal of Azure", () => {
  const DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";
  const MANAGEMENT = "https://management.core.windows.net/";
  const resource = "/subscriptions/s-1/resourceGroups/g/providers/Microsoft.Databricks/workspaces/w";
  const login = { ARM_TENANT_ID: "tenant", ARM_CLIENT_ID: "app", ARM_CLIENT_SECRET: "secret-of-app" };
  const options = {
    tenant: "tenant",
    clientId: "app",
    clientSecret: "secret-of-app",
    tokens: { [DATABRICKS]: "token-of-azure", [MANAGEMENT]: "token-of-management" },
  };

  it("gets its token from the directory", async () => {
    const fake = await startWorkspace();
    const { cloud, given } = await startAzureDirectory(options);
    const opened = await open("databricks", { ...fake, env: { ...fake.env, ...login }, azure: cloud });
    expect([await userOf(opened), await userOf(opened)]).toEqual(["azure@example.com", "azure@example.com"]);
    expect(given).toEqual([DATABRICKS]);
  });

  it("proves what it may do with the workspace's resource where one is set, and again when the tokens end", async () => {
    const server = await serve(answer(200, { userName: "x" }));
    const { cloud, given } = await startAzureDirectory(options);
    const time = { now: START };
    const env = { HOME: homeWith(), DATABRICKS_HOST: server.url, ...login, DATABRICKS_AZURE_RESOURCE_ID: resource };
    const opened = await open("databricks", { env, time, azure: cloud });
    await userOf(opened);
    time.now += 3_600_000;
    await userOf(opened);
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: "Bearer token-of-azure",
      "x-databricks-azure-sp-management-token": "token-of-management",
      "x-databricks-azure-workspace-resource-id": resource,
    });
    expect(given).toEqual([DATABRICKS, MANAGEMENT, DATABRICKS, MANAGEMENT]);
    expect(opened.scrub("token-of-management")).toBe("***");
  });

  it("with a wrong secret is refused in the words of the directory", async () => {
    const fake = await startWorkspace();
    const { cloud } = await startAzureDirectory(options);
    const env = { ...fake.env, ...login, ARM_CLIENT_SECRET: "another-secret" };
    const error = await failureOf(open("databricks", { ...fake, env, azure: cloud }).then(userOf));
    expect(error).toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringContaining("AADSTS7000215: Invalid client secret provided") as string,
    });
    expect(error.message).not.toContain("another-secret");
  });
});
