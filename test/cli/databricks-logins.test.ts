// Commands between workspaces: whose login goes where, and what is said when it is not taken.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openTarget } from "../databricks/place.ts";
import { job, runJob, sampleSource } from "../engine/registry.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { DatabricksOptions, FakeDatabricks } from "../fakes/databricks/server.ts";
import { mlferryHere, tempFolder } from "./program.ts";

const ROBOT = { clientId: "robot-id", clientSecret: "secret-of-robot", user: "robot@example.com" };

/** A workspace that takes the token that it is called for. */
async function start(name: string, options: DatabricksOptions = {}): Promise<FakeDatabricks> {
  const workspaceId = String(name.length).repeat(8);
  const fake = await startFakeDatabricks({ tokens: { [`token-of-${name}`]: `${name}@example.com` }, workspaceId, ...options });
  onTestFinished(fake.close);
  return fake;
}

async function fill(fake: FakeDatabricks, token: string): Promise<void> {
  const target = await openTarget(fake, { auth: { kind: "bearer", token } });
  await runJob(job(sampleSource(), target, { mapping: { experiments: [{ from: "*", to: "/Shared/*" }] }, onLoss: "drop" }));
  await target.close();
}

function homeWith(profiles: string): string {
  const home = tempFolder();
  writeFileSync(join(home, ".databrickscfg"), profiles);
  return home;
}

test("a copy between two profiles sends each workspace its own token, whatever the environment holds", async () => {
  const [old, fresh] = [await start("old"), await start("fresh")];
  await fill(old, "token-of-old");
  const cwd = homeWith(`[old]\nhost = ${old.url}\ntoken = token-of-old\n\n[fresh]\nhost = ${fresh.url}\ntoken = token-of-fresh\n`);
  const env = { HOME: cwd, DATABRICKS_HOST: "https://elsewhere.invalid", DATABRICKS_TOKEN: "token-of-nobody" };
  const ran = await mlferryHere(["copy", "databricks://old", "databricks://fresh", "--on-loss", "drop", "--json"], { cwd, env });
  expect([ran.code, ran.stderr.includes("token-of")]).toEqual([0, false]);
  expect(fresh.state.model("churn").versions.size).toBe(4);
});

test("a copy between two sets of variables does too, and a token that ends on the way is replaced", async () => {
  const target: { fake?: FakeDatabricks } = {};
  /** Two hours pass after its twentieth request. */
  const now = (): number => Date.now() + ((target.fake?.requests.length ?? 0) > 20 ? 2 * 3_600_000 : 0);
  const [old, fresh] = [await start("old"), await start("fresh", { servicePrincipals: [ROBOT], now })];
  await fill(old, "token-of-old");
  const cwd = tempFolder();
  const env = {
    HOME: cwd,
    DATABRICKS_HOST: old.url,
    DATABRICKS_TOKEN: "token-of-old",
    MLFERRY_TARGET_DATABRICKS_HOST: fresh.url,
    MLFERRY_TARGET_DATABRICKS_CLIENT_ID: ROBOT.clientId,
    MLFERRY_TARGET_DATABRICKS_CLIENT_SECRET: ROBOT.clientSecret,
  };
  target.fake = fresh;
  const ran = await mlferryHere(["copy", "databricks", "databricks", "--on-loss", "drop"], { cwd, env });
  expect([ran.code, fresh.requests.filter((name) => name === "POST /oidc/v1/token").length]).toEqual([0, 2]);
  expect(fresh.state.model("churn").versions.size).toBe(4);
});

test.each([
  ["a wrong token", "token = wrong-token-of-mine", 5, /hint: a bearer token went with the request: check the login pat of profile dev in /],
  [
    "a wrong secret",
    "client_id = robot-id\nclient_secret = wrong-token-of-mine",
    5,
    /error: .*the login oauth-m2m of profile dev in .* was refused: /,
  ],
  ["no login", "", 5, /error: .*got no token from databricks: there is no such program/],
  [
    "two logins",
    "token = wrong-token-of-mine\nclient_id = x",
    2,
    /error: .*more than one way to log in to Databricks is set: oauth .* and pat /,
  ],
])("%s is told in two lines, without the secret", async (_what, login, code, text) => {
  const fake = await start("dev", { servicePrincipals: [ROBOT] });
  const cwd = homeWith(`[dev]\nhost = ${fake.url}\n${login}\n`);
  const ran = await mlferryHere(["ls", "databricks://dev"], { cwd, env: { HOME: cwd, PATH: cwd } });
  expect(ran).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(text) as string });
  expect(ran.stderr).not.toContain("wrong-token-of-mine");
});

test("a profile that is not there is told with those that are, before anything is asked", async () => {
  const cwd = homeWith("[dev]\nhost = https://elsewhere.invalid\n[prod]\nhost = https://elsewhere.invalid\n");
  const ran = await mlferryHere(["ls", "databricks://stage"], { cwd, env: { HOME: cwd } });
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining("there is no profile stage in")]);
  expect(ran.stderr).toContain("it holds dev, prod");
});

test("mlferry.yaml names workspaces, with a login of their own", async () => {
  const fake = await start("dev");
  const cwd = homeWith(`[dev]\nhost = ${fake.url}\n`);
  writeFileSync(join(cwd, "mlferry.yaml"), "registries: { work: { uri: 'databricks://dev', token_command: [printf, token-of-dev] } }");
  const ran = await mlferryHere(["ls", "work"], { cwd, env: { HOME: cwd, PATH: process.env["PATH"] ?? "" } });
  expect([ran.code, ran.stderr]).toEqual([0, ""]);
});

test("what changes between two exports of a workspace that tells no past is in the second as a transition", async () => {
  const fake = await start("watched");
  await fill(fake, "token-of-watched");
  const cwd = tempFolder();
  const env = { HOME: cwd, DATABRICKS_HOST: fake.url, DATABRICKS_TOKEN: "token-of-watched" };
  const history = async (name: string): Promise<string> => {
    const exported = await mlferryHere(["export", "databricks", "-o", name, "--models", "churn", "--on-loss", "drop"], { cwd, env });
    expect(exported.code, exported.stderr).toBe(0);
    return (await mlferryHere(["show", name, "models:/churn/7"], { cwd, env })).stdout;
  };
  expect(await history("first")).toMatch(/stage history +complete since 20/);
  const move = { name: "churn", version: "7", stage: "Staging", archive_existing_versions: false };
  const headers = { authorization: "Bearer token-of-watched", "content-type": "application/json" };
  const path = `${fake.url}/api/2.0/mlflow/model-versions/transition-stage`;
  expect((await fetch(path, { method: "POST", headers, body: JSON.stringify(move) })).status).toBe(200);
  const second = await history("second");
  expect(second).toMatch(/stage history +partial since 20/);
  expect(second).toContain("None → Staging");
});
