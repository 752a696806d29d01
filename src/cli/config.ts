// mlferry.yaml: registries by name, so that a command line need not repeat addresses. Where it is found, and what may stand in it.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { MigrationError } from "../errors.ts";
import type { Environment } from "./terminal.ts";
import { readYamlFile } from "./yaml-file.ts";
import type { YamlFile, YamlWords } from "./yaml-file.ts";

/** Where a registry's credential comes from. */
export type RegistryLogin =
  | { readonly kind: "token-env"; readonly variable: string }
  | { readonly kind: "token-file"; readonly path: string }
  /** A list is run as it is, a text by the shell. */
  | { readonly kind: "token-command"; readonly command: string | readonly string[] }
  | { readonly kind: "password"; readonly username: string | { readonly variable: string }; readonly passwordVariable: string };

/** An entry of mlferry.yaml. Paths are absolute. */
export interface Registry {
  readonly name: string;
  readonly uri: string;
  /** Absent: what the environment holds is used, as for an address. */
  readonly login?: RegistryLogin;
  readonly workspace?: string;
  /** Of an open-source Unity Catalog: the MLflow server that holds its runs, an address or the name of another entry. */
  readonly tracking?: string;
  /** Certificates (PEM) that are trusted beside the usual ones. */
  readonly caFile?: string;
}

/** What a command knows by name. */
export interface Config {
  /** Undefined where there is no file: then nothing is known. */
  readonly path?: string;
  readonly registries: ReadonlyMap<string, Registry>;
}

/**
 * Reads `flag`, else the file that MLFERRY_CONFIG names, else ./mlferry.yaml, else mlferry/mlferry.yaml below $XDG_CONFIG_HOME (or
 * ~/.config): the first one counts alone. Throws CONFIG_INVALID with the line of the first mistake, and where a named file is missing.
 */
export function readConfig(flag: string | undefined, env: Environment): Config {
  const path = configPath(flag, env);
  if (path === undefined) return { registries: new Map() };
  const file = readYamlFile(path, WORDS);
  refuseSecrets(file);
  const checked = configSchema.safeParse(file.value ?? {});
  const issue = checked.error?.issues[0];
  if (issue !== undefined) throw invalid(file, issue);
  const folder = dirname(resolve(path));
  const entries = Object.entries(checked.data?.registries ?? {}).map(([name, entry]) => [name, registryOf(name, entry, folder)] as const);
  return { path, registries: new Map(entries) };
}

const NAME = /^(?!databricks(-uc)?$)(?!.*\.tar$)[A-Za-z0-9][\w.-]*$/;
const URI = /^((uc:)?https?:\/\/[^/]|databricks(-uc)?$|databricks(-uc)?:\/\/.)/i;
const variable = z.string().regex(/^[A-Za-z_]\w*$/, "write the name of an environment variable");

const registrySchema = z
  .strictObject({
    uri: z.string().regex(URI, "write it as http(s)://host[:port][/path], databricks[-uc][://PROFILE], or uc:http(s)://host"),
    token_env: variable.optional(),
    token_file: z.string().min(1).optional(),
    token_command: z.union([z.string().min(1), z.array(z.string()).min(1)]).optional(),
    username: z.string().min(1).optional(),
    username_env: variable.optional(),
    password_env: variable.optional(),
    workspace: z.string().min(1).optional(),
    tracking: z.string().min(1).optional(),
    ca_file: z.string().min(1).optional(),
  })
  .superRefine((entry, context) => {
    const problem = loginProblem(entry) ?? workspaceProblem(entry);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  });

const configSchema = z.strictObject({
  registries: z
    .record(z.string().regex(NAME, "a name is made of letters, digits, - _ and ."), registrySchema)
    .superRefine((entries, context) => {
      for (const [name, entry] of Object.entries(entries)) {
        const message = trackingProblem(entry, entries);
        if (message !== undefined) context.addIssue({ code: "custom", path: [name, "tracking"], message });
      }
    })
    .optional(),
});

type Entry = z.infer<typeof registrySchema>;

const WORDS: YamlWords = {
  code: "CONFIG_INVALID",
  what: "configuration file",
  pathHint: "check the path given with --config or in MLFERRY_CONFIG",
  syntaxHint: "docs/config.md has an example",
};

function configPath(flag: string | undefined, env: Environment): string | undefined {
  const named = flag ?? env["MLFERRY_CONFIG"] ?? "";
  if (named !== "") return named;
  const base = env["XDG_CONFIG_HOME"] ?? "";
  const home = isAbsolute(base) ? base : join(env["HOME"] ?? homedir(), ".config");
  return ["mlferry.yaml", join(home, "mlferry", "mlferry.yaml")].find((path) => existsSync(path));
}

/** Looked for first, so that a secret is called one, and not an unknown key. Its value is never repeated. */
function refuseSecrets(file: YamlFile): void {
  const registries = objectOf(objectOf(file.value)["registries"]);
  for (const [name, entry] of Object.entries(registries)) {
    const key = Object.keys(objectOf(entry)).find((one) => SECRET_KEY.test(one));
    if (key !== undefined) {
      throw new MigrationError("CONFIG_INVALID", `${file.where(["registries", name, key])}: registry ${name} holds its ${key} itself`, {
        hint: `keep secrets out of the file: ${key === "password" ? "password_env" : "token_env"}: NAME_OF_A_VARIABLE, or token_file, or token_command`,
      });
    }
    const { uri } = objectOf(entry);
    if (typeof uri === "string" && /^[a-z]+:\/\/[^/?#]*@/i.test(uri)) {
      throw new MigrationError(
        "CONFIG_INVALID",
        `${file.where(["registries", name, "uri"])}: the address of registry ${name} holds a login`,
        {
          hint: "keep secrets out of the file: username_env and password_env name the variables that hold them",
        },
      );
    }
  }
}

const SECRET_KEY = /^(?:.*[_-])?(?:token|password|passwd|secret|api_?key|credentials?|bearer)$/i;

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function invalid(file: YamlFile, issue: z.core.$ZodIssue): MigrationError {
  const keys = "keys" in issue ? issue.keys.slice(0, 1) : [];
  const { message } = issue.code === "invalid_key" ? (issue.issues[0] ?? issue) : issue;
  const place = issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
  return new MigrationError("CONFIG_INVALID", `${file.where([...issue.path, ...keys])} is not valid${place}: ${message.toLowerCase()}`, {
    hint: "known keys: registries: {NAME: {uri, token_env | token_file | token_command | username(_env) and password_env, workspace, tracking, ca_file}}",
  });
}

function loginProblem(entry: Entry): string | undefined {
  const { token_env, token_file, token_command, username, username_env, password_env } = entry;
  const name = username ?? username_env;
  const kinds = [token_env, token_file, token_command, name ?? password_env].filter((one) => one !== undefined).length;
  if (kinds > 1) return "give one login: a token or a user name and password";
  if (username !== undefined && username_env !== undefined) return "give one of username and username_env";
  if ((name === undefined) !== (password_env === undefined)) return "a user name and password_env go together";
  return undefined;
}

function workspaceProblem({ uri, workspace }: Entry): string | undefined {
  return workspace === undefined || /^https?:/i.test(uri) ? undefined : "a workspace is a part of an mlflow server, and the uri names none";
}

/** It is an MLflow server's address, or the name of one. */
function trackingProblem({ uri, tracking }: Entry, entries: Readonly<Record<string, Entry>>): string | undefined {
  if (tracking === undefined) return undefined;
  if (!/^uc:/i.test(uri)) return "tracking is for uc: registries; others have their runs themselves";
  const server = entries[tracking]?.uri ?? tracking;
  return /^https?:\/\/[^/]/i.test(server) ? undefined : "tracking is the address of an mlflow server, or the name of one in this file";
}

function registryOf(name: string, entry: Entry, folder: string): Registry {
  const login = loginOf(entry, folder);
  return {
    name,
    uri: entry.uri,
    ...(login === undefined ? {} : { login }),
    ...(entry.workspace === undefined ? {} : { workspace: entry.workspace }),
    ...(entry.tracking === undefined ? {} : { tracking: entry.tracking }),
    ...(entry.ca_file === undefined ? {} : { caFile: resolve(folder, entry.ca_file) }),
  };
}

function loginOf(entry: Entry, folder: string): RegistryLogin | undefined {
  const { token_env, token_file, token_command, username, username_env, password_env } = entry;
  if (token_env !== undefined) return { kind: "token-env", variable: token_env };
  if (token_file !== undefined) return { kind: "token-file", path: resolve(folder, token_file) };
  if (token_command !== undefined) return { kind: "token-command", command: token_command };
  if (password_env === undefined) return undefined;
  return { kind: "password", username: username ?? { variable: username_env ?? "" }, passwordVariable: password_env };
}
