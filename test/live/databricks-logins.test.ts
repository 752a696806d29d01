// Profiles and variables as the Databricks SDK takes them and as mlferry does, for the cases in which they are to agree.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { MigrationError } from "../../src/errors.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { homeWith } from "../login/profiles.ts";
import { programs } from "../login/programs.ts";
import { open, userOf } from "../login/workspace.ts";
import { runPython } from "./leash.ts";

interface Case {
  readonly what: string;
  /** Of .databrickscfg. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Named in the command. */
  readonly profile?: string;
  /** Whether a workspace answers there, and is asked who asks. Default: true. */
  readonly asks?: boolean;
}

interface Found {
  readonly host?: string;
  readonly auth?: string;
  readonly user?: unknown;
  /** In the words of its side. */
  readonly refused?: string;
}

const ROBOT = { clientId: "robot-id", clientSecret: "robot-secret", user: "robot@example.com" };

async function startWorkspace(): Promise<FakeDatabricks> {
  return startFakeDatabricks({
    tokens: { first: "first@example.com", "second=#2;100%": "second@example.com" },
    servicePrincipals: [ROBOT],
    identityTokens: { jwt: "ci@example.com" },
  });
}

/** `url`: where a workspace answers. */
function casesAt(url: string): readonly Case[] {
  const principal = { DATABRICKS_CLIENT_ID: ROBOT.clientId, DATABRICKS_CLIENT_SECRET: ROBOT.clientSecret };
  const host = { DATABRICKS_HOST: url };
  const file = [
    "; kept by hand",
    `[DEFAULT]\nhost = ${url}/\ntoken = first`,
    `[second]\nHost: ${url}\nToken: second=#2;100%`,
    `[robot]\nhost=${url}\nclient_id=${ROBOT.clientId}\n# the secret\nclient_secret=${ROBOT.clientSecret}`,
    "[bare]\nhost = elsewhere.invalid:443",
    `[cli]\nhost = ${url}\nauth_type = databricks-cli`,
    "",
  ].join("\n\n");
  const settings = `${file}[__settings__]\ndefault_profile = `;
  const jwt = join(homeWith(), "jwt");
  writeFileSync(jwt, "jwt\n");
  const token = JSON.stringify({ access_token: "first", token_type: "Bearer", expiry: "2099-01-01T00:00:00Z" });
  const version = JSON.stringify({ Major: 0, Minor: 250, Patch: 0 });
  const { path } = programs({
    databricks: { "version --output json": version, "auth token --profile cli": token, [`auth token --host ${url}`]: token },
  });
  return [
    { what: "nothing is set", asks: false },
    { what: "DEFAULT", file },
    { what: "DEFAULT without keys", file: "[DEFAULT]\n", asks: false },
    { what: "a profile, named", file, profile: "second" },
    { what: "a principal's profile, named", file, profile: "robot" },
    { what: "a profile that is not there", file, profile: "third", asks: false },
    { what: "a profile that a variable names", file, env: { DATABRICKS_CONFIG_PROFILE: "second" } },
    {
      what: "a variable over a profile that a variable names",
      file,
      env: { DATABRICKS_CONFIG_PROFILE: "second", DATABRICKS_TOKEN: "first" },
    },
    {
      what: "a host over a profile that a variable names",
      file,
      env: { DATABRICKS_CONFIG_PROFILE: "bare", DATABRICKS_TOKEN: "first", ...host },
    },
    { what: "two ways, one of a profile", file, env: { DATABRICKS_CONFIG_PROFILE: "robot", DATABRICKS_TOKEN: "first" }, asks: false },
    {
      what: "two ways, of which one is chosen",
      file,
      env: { DATABRICKS_CONFIG_PROFILE: "robot", DATABRICKS_TOKEN: "first", DATABRICKS_AUTH_TYPE: "pat" },
    },
    { what: "a default profile", file: `${settings}second` },
    { what: "a default profile that is not there", file: `${settings}third`, asks: false },
    { what: "a host alone hides the file", file, env: host, asks: false },
    { what: "a login alone hides the file", file, env: { DATABRICKS_TOKEN: "first" }, asks: false },
    { what: "a host and a token", env: { ...host, DATABRICKS_TOKEN: "first" } },
    {
      what: "a host without a scheme, with a port and a slash",
      env: { DATABRICKS_HOST: "elsewhere.invalid:443/", DATABRICKS_TOKEN: "x" },
      asks: false,
    },
    { what: "a user and a password", env: { ...host, DATABRICKS_USERNAME: "u", DATABRICKS_PASSWORD: "p" }, asks: false },
    { what: "a principal", env: { ...host, ...principal } },
    { what: "half a principal", env: { ...host, DATABRICKS_CLIENT_ID: "x" }, asks: false },
    { what: "a principal and a token", env: { ...host, ...principal, DATABRICKS_TOKEN: "first" }, asks: false },
    {
      what: "a principal of Azure and a token",
      env: { ...host, DATABRICKS_TOKEN: "first", ARM_CLIENT_ID: "x", ARM_TENANT_ID: "y" },
      asks: false,
    },
    { what: "the token of a provider in its usual variable", env: { ...host, DATABRICKS_OIDC_TOKEN: "jwt" } },
    { what: "the token of a provider in another variable", env: { ...host, DATABRICKS_OIDC_TOKEN_ENV: "CI_TOKEN", CI_TOKEN: "jwt" } },
    { what: "the token of a provider in a file", env: { ...host, DATABRICKS_OIDC_TOKEN_FILE: jwt } },
    { what: "the command line's login by profile", file, profile: "cli", env: { PATH: path } },
    { what: "the command line's login by host", env: { ...host, PATH: path } },
  ];
}

/** With a home and a path of its own, so that nothing of this machine counts. */
function worldOf({ file, env = {} }: Case): Record<string, string> {
  return { HOME: homeWith(file), PATH: homeWith(), ...env };
}

async function ours({ profile, asks = true }: Case, env: Record<string, string>): Promise<Found> {
  try {
    const opened = await open(profile === undefined ? "databricks" : `databricks://${profile}`, { env, time: { now: Date.now() } });
    const found = { host: opened.location.url, auth: opened.login.authType };
    return asks ? { ...found, user: await userOf(opened) } : found;
  } catch (thrown) {
    if (thrown instanceof MigrationError) return { refused: thrown.message };
    throw thrown;
  }
}

/** What is refused, in words for both: each side has its own. */
function inWords({ refused, ...found }: Found): Found {
  if (refused === undefined) return found;
  const several = /more than one (?:authorization method configured|way to log in to Databricks is set): (.*)/.exec(refused)?.[1];
  if (several !== undefined) return { refused: `several ways: ${several.replace(/ \([^)]*\)|\. .*/g, "")}` };
  const profile = /has no (\S+) profile configured|there is no profile (\S+) in/.exec(refused);
  return { refused: profile === null ? "no whole login" : `no profile ${profile[1] ?? profile[2] ?? ""}` };
}

let fake: FakeDatabricks;
beforeAll(async () => {
  fake = await startWorkspace();
  return () => fake.close();
});

it("hosts, methods, identities and refusals are the SDK's", async () => {
  const cases = casesAt(fake.url).map((one) => ({ ...one, env: worldOf(one) }));
  const asked = cases.map(({ env, profile, asks = true }) => ({ env, asks, ...(profile === undefined ? {} : { profile }) }));
  const theirs = (await runPython(join("databricks", "logins.py"), [JSON.stringify(asked)])) as readonly Found[];
  const found: [string, Found][] = [];
  for (const one of cases) found.push([one.what, inWords(await ours(one, one.env))]);
  expect(found).toEqual(cases.map(({ what }, index) => [what, inWords(theirs[index] ?? {})]));
  expect(found.filter(([, { refused }]) => refused === undefined).length).toBeGreaterThan(15);
});
