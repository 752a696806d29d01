// Registries by name: where mlferry.yaml is found, what is refused in it, and what a name then means.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/cli/config.ts";
import { createLocator } from "../../src/cli/place-flags.ts";
import type { MigrationError } from "../../src/errors.ts";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import { outlineServer, serve } from "./servers.ts";

const GOOD = "registries: { dev: { uri: 'http://dev:5000' } }";

function write(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function config(text: string): ReturnType<typeof readConfig> {
  return readConfig(write(join(tempFolder(), "mlferry.yaml"), text), {});
}

function refusal(text: string): MigrationError {
  try {
    config(text);
  } catch (thrown) {
    return thrown as MigrationError;
  }
  throw new Error("nothing was refused");
}

describe("mlferry.yaml", () => {
  test("is the flag's, the variable's, the working directory's or the user's, and the first alone counts", async () => {
    const cwd = tempFolder();
    const named = (name: string): string => `registries: { ${name}: { uri: 'http://127.0.0.1:9' } }`;
    const known = async (env: Record<string, string>, ...flags: string[]): Promise<string> => {
      const { stderr } = await mlferryHere(["ls", "nobody", ...flags], { cwd, env: { HOME: cwd, ...env } });
      return / knows: (\w+);/.exec(stderr)?.[1] ?? "nothing";
    };
    expect(await known({})).toBe("nothing");
    write(join(cwd, ".config", "mlferry", "mlferry.yaml"), named("home"));
    expect(await known({})).toBe("home");
    write(join(cwd, "xdg", "mlferry", "mlferry.yaml"), named("xdg"));
    expect(await known({ XDG_CONFIG_HOME: join(cwd, "xdg") })).toBe("xdg");
    write(join(cwd, "mlferry.yaml"), named("here"));
    expect(await known({ XDG_CONFIG_HOME: join(cwd, "xdg") })).toBe("here");
    write(join(cwd, "variable.yaml"), named("variable"));
    expect(await known({ MLFERRY_CONFIG: "variable.yaml" })).toBe("variable");
    write(join(cwd, "flag.yaml"), named("flag"));
    expect(await known({ MLFERRY_CONFIG: "variable.yaml" }, "--config", "flag.yaml")).toBe("flag");
  });

  test("that is named and missing is an error, not nothing", async () => {
    const ran = await mlferryHere(["ls", "http://h", "--config", "gone.yaml"], { cwd: tempFolder() });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(/^error: the configuration file cannot be read: .*gone.yaml/)]);
  });

  test.each([
    [
      "registries:\n  dev:\n    uri: http://h\n    token: abcdefgh",
      "line 4: registry dev holds its token itself",
      "token_env: NAME_OF_A_VARIABLE",
    ],
    ["registries:\n  dev: { uri: 'http://h', password: hunter22 }", "line 2: registry dev holds its password itself", "password_env"],
    ["registries:\n  dev: { uri: 'http://ada:hunter22@h' }", "line 2: the address of registry dev holds a login", "password_env"],
    [
      "registries:\n  dev: { uri: 'http://h', tokn_env: X }",
      'line 2 is not valid at registries.dev: unrecognized key: "tokn_env"',
      "known keys",
    ],
    ["registries:\n  dev: { uri: 'h:5000' }", "registries.dev.uri: write it as http(s)://host[:port][/path]", "known keys"],
    ["registries:\n  dev: {}", "line 2 is not valid at registries.dev.uri", "known keys"],
    ["registries:\n  dev: { uri: 'http://h', token_env: X, token_file: f }", "give one login", "known keys"],
    ["registries:\n  dev: { uri: 'http://h', username: ada }", "a user name and password_env go together", "known keys"],
    ["registries:\n  dev: { uri: 'databricks://p', workspace: a }", "a workspace is a part of an mlflow server", "known keys"],
    ["registries:\n  a/b: { uri: 'http://h' }", "a name is made of letters, digits", "known keys"],
    ["registries:\n  b.tar: { uri: 'http://h' }", "a name is made of letters, digits", "known keys"],
    ["registrys: {}", "line 1 is not valid: unrecognized key", "known keys"],
    ["registries: [", "line 1 is not valid YAML", "docs/config.md"],
  ])("refuses %j", (text, message, hint) => {
    const error = refusal(text);
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
    expect(`${error.message} ${String(error.hint)}`).not.toMatch(/abcdefgh|hunter22/);
  });

  test("resolves its paths from its own folder", () => {
    const { registries, path = "" } = config("registries: { dev: { uri: 'http://h', token_file: t, ca_file: sub/ca.pem } }");
    expect(registries.get("dev")).toMatchObject({
      login: { path: join(dirname(path), "t") },
      caFile: join(dirname(path), "sub", "ca.pem"),
    });
  });
});

describe("a name", () => {
  const locator = (text: string, env = {}, flags = {}): ReturnType<typeof createLocator> =>
    createLocator({ env }, { config: write(join(tempFolder(), "mlferry.yaml"), text), ...flags });

  test("is the registry of that name, and never a file of that name, unless it is written as a path", async () => {
    const cwd = tempFolder();
    write(join(cwd, "mlferry.yaml"), "registries: { dev: { uri: 'http://127.0.0.1:9' } }");
    mkdirSync(join(cwd, "dev"));
    expect((await mlferryHere(["ls", "dev"], { cwd })).stderr).toContain("cannot reach http://127.0.0.1:9");
    expect((await mlferryHere(["ls", "./dev"], { cwd })).stderr).toContain("./dev is a folder, but no bundle");
  });

  test("that is mistyped makes no folder", async () => {
    const cwd = tempFolder();
    write(join(cwd, "mlferry.yaml"), GOOD);
    const ran = await mlferryHere(["copy", "http://127.0.0.1:9", "dve"], { cwd });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining("hint: mlferry.yaml knows: dev; for a new folder write ./dve")]);
  });

  test("brings its workspace, over which a flag wins, and which wins over MLFLOW_WORKSPACE", () => {
    const text = "registries: { a: { uri: 'http://h', workspace: team-a }, b: { uri: 'http://h' } }";
    const env = { MLFLOW_WORKSPACE: "team-c" };
    const { locate } = locator(text, env);
    expect(locate("a", { role: "source" })).toMatchObject({ workspace: { name: "team-a" } });
    expect(locate("b", { role: "source" })).toMatchObject({ workspace: { name: "team-c", ambient: true } });
    const flagged = locator(text, env, { sourceWorkspace: "team-b" });
    expect(flagged.locate("a", { role: "source" })).toMatchObject({ workspace: { name: "team-b" } });
    expect(flagged.locate("a", { role: "target" })).toMatchObject({ workspace: { name: "team-a" } });
  });

  test("of a login's variable that is not set is told before anything is read", async () => {
    const cwd = tempFolder();
    write(join(cwd, "mlferry.yaml"), "registries: { dev: { uri: 'http://127.0.0.1:9', token_env: DEV_TOKEN } }");
    const ran = await mlferryHere(["ls", "dev"], { cwd, env: { MLFLOW_TRACKING_TOKEN: "ambient-token" } });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining("registry dev takes its login from DEV_TOKEN, which is not set")]);
  });
});

describe("the login of a registry", () => {
  const entries = {
    "token_env: DEV_TOKEN": { sent: "Bearer t0ken-of-dev" },
    "username: ada, password_env: DEV_TOKEN": { sent: `Basic ${Buffer.from("ada:t0ken-of-dev").toString("base64")}` },
    "token_file: token.txt": { sent: "Bearer t0ken-of-file" },
    "token_command: [cat, token.txt]": { sent: "Bearer t0ken-of-file" },
    "token_command: 'cat token.txt | tr a-z A-Z'": { sent: "Bearer T0KEN-OF-FILE" },
    "": { sent: "Bearer t0ken-ambient" },
  };
  test.each(Object.entries(entries))("%j is sent, and shown nowhere", async (login, { sent }) => {
    const cwd = tempFolder();
    const seen = new Set<string | undefined>();
    const outline = outlineServer();
    const url = await serve((request, response) => {
      seen.add(request.headers.authorization);
      if (request.url?.includes("runs/search") === true)
        return void response.writeHead(400).end(`no: ${request.headers.authorization ?? ""}`);
      outline(request, response);
    });
    write(join(cwd, "token.txt"), "t0ken-of-file\n");
    write(join(cwd, "mlferry.yaml"), `registries: { dev: { uri: "${url}", ${login} } }`);
    const env = { DEV_TOKEN: "t0ken-of-dev", MLFLOW_TRACKING_TOKEN: "t0ken-ambient" };
    const ran = await mlferry(["ls", "dev", "--json"], { cwd, env });
    expect(ran.code).toBe(1);
    expect([...seen]).toEqual([sent]);
    for (const secret of ["t0ken-", sent.replace(/^\w+ /, "")])
      expect((ran.stdout + ran.stderr).toLowerCase()).not.toContain(secret.toLowerCase());
  });
});
