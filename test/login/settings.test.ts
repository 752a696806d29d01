// Which of profiles and variables count, for places with a name and without.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { workspaceAddress } from "../../src/login/host.ts";
import { methodsOf } from "../../src/login/method.ts";
import { readSettings } from "../../src/login/settings.ts";
import type { SettingName, Settings } from "../../src/login/settings.ts";
import { homeWith } from "./profiles.ts";

const PROFILES = `
; what a team keeps
[DEFAULT]
host  = https://default.example.com/
token = token-of-default

[dev]
host: dev.example.com:443
TOKEN = token = with : both
# by hand
azure_tenant_id =

[robot]
host = http://127.0.0.1:1234
client_id = id
client_secret = many
  lines

[bare]
host = https://bare.example.com
`;

interface Case {
  readonly profile?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function settingsOf({ profile, env = {}, file = PROFILES }: Case): Settings {
  return readSettings({ env, prefix: "MLFERRY_SOURCE_", home: homeWith(file), ...(profile === undefined ? {} : { profile }) });
}

const values = (settings: Settings, ...names: SettingName[]): (string | undefined)[] => names.map((name) => settings.get(name)?.value);

describe("a named profile", () => {
  it.each(["", "other-token"])("is never overridden by variables", (token) => {
    const env = {
      DATABRICKS_TOKEN: token,
      DATABRICKS_HOST: "https://env.example.com",
      ARM_CLIENT_ID: "x",
      MLFERRY_SOURCE_DATABRICKS_TOKEN: token,
    };
    const settings = settingsOf({ profile: "dev", env });
    expect(values(settings, "host", "token", "azure_client_id")).toEqual(["dev.example.com:443", "token = with : both", undefined]);
    expect([...settings.groups.keys()]).toEqual(["pat"]);
  });

  it("inherits nothing of DEFAULT, and may be DEFAULT", () => {
    expect(values(settingsOf({ profile: "bare" }), "host", "token")).toEqual(["https://bare.example.com", undefined]);
    expect(values(settingsOf({ profile: "DEFAULT" }), "token")).toEqual(["token-of-default"]);
  });

  it("may have values of several lines, and empty ones are not set", () => {
    expect(values(settingsOf({ profile: "robot" }), "client_secret")).toEqual(["many\nlines"]);
    expect(values(settingsOf({ profile: "dev" }), "azure_tenant_id")).toEqual([undefined]);
  });

  it.each<[Case, string]>([
    [{ profile: "prod" }, "it holds DEFAULT, dev, robot, bare"],
    [{ profile: "dev", env: { DATABRICKS_CONFIG_FILE: "/nowhere/cfg" } }, "there is no profile dev in /nowhere/cfg: there is no such file"],
    [{ profile: "__settings__" }, "is a section of settings and no profile"],
    [{ env: { DATABRICKS_CONFIG_PROFILE: "prod" } }, "there is no profile prod"],
    [{ file: "[__settings__]\ndefault_profile = gone\n[a]\nhost = h" }, "there is no profile gone"],
  ])("that is not there is an error: %j", (given, message) => expect(() => settingsOf(given)).toThrow(message));
});

describe("without a named profile", () => {
  it.each<[string, Case, readonly (string | undefined)[]]>([
    ["DEFAULT is read", {}, ["https://default.example.com/", "token-of-default", undefined]],
    ["a host in a variable hides the file", { env: { DATABRICKS_HOST: "h" } }, ["h", undefined, undefined]],
    ["a login in a variable hides the file", { env: { ARM_CLIENT_ID: "a" } }, [undefined, undefined, undefined]],
    [
      "auth_type alone hides nothing",
      { env: { DATABRICKS_AUTH_TYPE: "pat" } },
      ["https://default.example.com/", "token-of-default", undefined],
    ],
    ["DATABRICKS_CONFIG_PROFILE names one", { env: { DATABRICKS_CONFIG_PROFILE: "robot" } }, ["http://127.0.0.1:1234", undefined, "robot"]],
    [
      "variables count before a profile that a variable names, field by field",
      { env: { DATABRICKS_CONFIG_PROFILE: "dev", DATABRICKS_TOKEN: "t" } },
      ["dev.example.com:443", "t", "dev"],
    ],
    [
      "default_profile counts before DEFAULT",
      { file: `${PROFILES}[__settings__]\ndefault_profile = bare` },
      ["https://bare.example.com", undefined, "bare"],
    ],
    ["an empty variable is none", { env: { DATABRICKS_HOST: "" } }, ["https://default.example.com/", "token-of-default", undefined]],
    ["nothing at all is nothing", { file: "[DEFAULT]\n" }, [undefined, undefined, undefined]],
    [
      "what is for this side alone hides the common variables",
      { env: { DATABRICKS_HOST: "common", DATABRICKS_TOKEN: "t", MLFERRY_SOURCE_DATABRICKS_HOST: "own" } },
      ["own", undefined, undefined],
    ],
    [
      "a profile for this side alone hides the common variables",
      { env: { DATABRICKS_HOST: "common", MLFERRY_SOURCE_DATABRICKS_CONFIG_PROFILE: "dev" } },
      ["dev.example.com:443", "token = with : both", "dev"],
    ],
    [
      "what is for the other side is nothing here",
      { env: { MLFERRY_TARGET_DATABRICKS_HOST: "h" } },
      ["https://default.example.com/", "token-of-default", undefined],
    ],
  ])("%s", (_what, given, expected) => {
    const settings = settingsOf(given);
    expect([...values(settings, "host", "token"), settings.profile]).toEqual(expected);
  });

  it("every setting says where it was found", () => {
    const env = {
      DATABRICKS_CONFIG_PROFILE: "dev",
      MLFERRY_SOURCE_DATABRICKS_CONFIG_PROFILE: "robot",
      MLFERRY_SOURCE_DATABRICKS_HOST: "h",
    };
    const settings = settingsOf({ env });
    expect(settings.get("host")?.from).toBe("MLFERRY_SOURCE_DATABRICKS_HOST");
    expect(settings.get("client_id")?.from).toMatch(/^client_id of profile robot in .*\.databrickscfg$/);
    expect(settings.whose).toMatch(/^the variables MLFERRY_SOURCE_DATABRICKS_… over profile robot in /);
  });

  it("~ in DATABRICKS_CONFIG_FILE is the home", () => {
    const home = homeWith(PROFILES);
    const settings = readSettings({ env: { DATABRICKS_CONFIG_FILE: "~/.databrickscfg" }, prefix: "MLFERRY_SOURCE_", home });
    expect(settings.whose).toContain(join(home, ".databrickscfg"));
  });
});

describe("a file that is none", () => {
  it.each([
    ["host = h", ":1: a line stands before the first [PROFILE]"],
    ["[a]\nhost", ":2: this line is neither [PROFILE] nor key = value"],
    ["[a]\nhost = h\n[a]\n", ":3: the profile a is there twice"],
    ["[a]\n\nhost = h\nHOST = i\n", ":4: the profile has host twice"],
    ["[__settings__]\ndefault_profile = __settings__", "names __settings__, which is no profile"],
  ])("is refused with its line: %j", (file, message) => {
    expect(() => settingsOf({ file })).toThrow(message);
    expect(() => settingsOf({ file })).toThrow(/databrickscfg/);
  });

  it("may begin with a byte order mark and have lines of Windows", () => {
    expect(values(settingsOf({ file: "\ufeff[DEFAULT]\r\nhost = h\r\n" }), "host")).toEqual(["h"]);
  });

  it("is told when it cannot be read", () => {
    expect(() => settingsOf({ env: { DATABRICKS_CONFIG_FILE: homeWith() } })).toThrow("the profiles of Databricks cannot be read");
  });
});

describe("the address of a workspace", () => {
  it.each([
    ["dev.example.com:443", "https://dev.example.com"],
    ["https://Dev.example.com/", "https://dev.example.com"],
    ["http://127.0.0.1:1234", "http://127.0.0.1:1234"],
    ["https://adb-1.2.azuredatabricks.net/?o=1#job", "https://adb-1.2.azuredatabricks.net"],
    ["https://proxy.example.com/databricks//", "https://proxy.example.com/databricks"],
  ])("%s is %s", (host, url) => expect(workspaceAddress(settingsOf({ env: { DATABRICKS_HOST: host } }))).toBe(url));

  it.each<[Case, string]>([
    [{ env: { DATABRICKS_HOST: "ftp://h" } }, "no address: see DATABRICKS_HOST"],
    [{ env: { DATABRICKS_HOST: "accounts.cloud.databricks.com" } }, "DATABRICKS_HOST is the console of an account"],
    [{ env: { DATABRICKS_HOST: "https://ada:p@h" } }, "holds a login: see DATABRICKS_HOST"],
    [{ env: { DATABRICKS_TOKEN: "t" } }, "no host is set for the Databricks workspace in the variables DATABRICKS_…"],
    [{ profile: "a", file: "[a]\ntoken = t" }, "no host is set for the Databricks workspace in profile a in"],
    [{ env: { DATABRICKS_AZURE_RESOURCE_ID: "/s" } }, "DATABRICKS_AZURE_RESOURCE_ID alone does not say it"],
  ])("%j has none", (given, message) => expect(() => workspaceAddress(settingsOf(given))).toThrow(message));
});

describe("the way of logging in", () => {
  const methods = (env: Record<string, string>): readonly string[] => methodsOf(settingsOf({ env: { DATABRICKS_HOST: "h", ...env } }));
  const principal = { DATABRICKS_CLIENT_ID: "i", DATABRICKS_CLIENT_SECRET: "s" };
  const azure = { ARM_TENANT_ID: "t", ARM_CLIENT_ID: "i", ARM_CLIENT_SECRET: "s" };

  it.each<[Record<string, string>, string]>([
    [{ DATABRICKS_TOKEN: "t" }, "pat"],
    [{ DATABRICKS_USERNAME: "u", DATABRICKS_PASSWORD: "p" }, "basic"],
    [principal, "oauth-m2m"],
    [{ DATABRICKS_OIDC_TOKEN_ENV: "X" }, "env-oidc"],
    [{ DATABRICKS_OIDC_TOKEN: "x", DATABRICKS_CLIENT_ID: "i" }, "env-oidc"],
    [{ DATABRICKS_OIDC_TOKEN_FILEPATH: "/f" }, "file-oidc"],
    [{ DATABRICKS_OIDC_TOKEN_FILE: "/f" }, "file-oidc"],
    [azure, "azure-client-secret"],
    [{ ARM_TENANT_ID: "t" }, "azure-cli"],
    [{}, "azure-cli"],
    [{ DATABRICKS_TOKEN: "t", ...principal, DATABRICKS_AUTH_TYPE: "oauth-m2m" }, "oauth-m2m"],
    [{ DATABRICKS_AUTH_TYPE: "databricks-cli" }, "databricks-cli"],
  ])("that %j means is %s", (env, method) => expect(methods(env)[0]).toBe(method));

  it("asks other programs only where nothing is set", () => {
    expect(methods({})).toEqual(["azure-cli", "databricks-cli"]);
  });

  it.each<[Record<string, string>, string]>([
    [{ DATABRICKS_TOKEN: "t", ...principal }, "is set: oauth (DATABRICKS_CLIENT_ID) and pat (DATABRICKS_TOKEN)"],
    [{ DATABRICKS_TOKEN: "t", ...azure }, "is set: azure (ARM_TENANT_ID) and pat (DATABRICKS_TOKEN)"],
    [{ DATABRICKS_AUTH_TYPE: "external-browser" }, 'no login of the kind "external-browser", which DATABRICKS_AUTH_TYPE asks for'],
    [{ GOOGLE_CREDENTIALS: "x" }, 'no login of the kind "google", which GOOGLE_CREDENTIALS asks for'],
    [{ DATABRICKS_CLIENT_ID: "i" }, "half a login for Databricks is set: DATABRICKS_CLIENT_ID, without client_secret"],
    [{ DATABRICKS_PASSWORD: "p" }, "half a login for Databricks is set: DATABRICKS_PASSWORD, without username"],
    [{ ARM_CLIENT_ID: "i", ARM_CLIENT_SECRET: "s" }, "half a login for Databricks is set: ARM_CLIENT_ID, without azure_tenant_id"],
    [{ DATABRICKS_AUTH_TYPE: "pat" }, "the login pat needs token, which the variables DATABRICKS_… does not set"],
  ])("cannot be told from %j", (env, message) => expect(() => methods(env)).toThrow(message));
});
