// Where credentials come from: what mlferry.yaml says of a registry that was named, or else the environment, in MLflow's own names or
// in mlferry's where two servers have a login each.
import { readFileSync } from "node:fs";
import { asMigrationError, MigrationError } from "../errors.ts";
import type { Auth, AuthProvider } from "../http/client.ts";
import { expiryOf, renewing } from "../http/login.ts";
import type { RegistryLogin } from "./config.ts";
import type { MlflowLocation, Role, UnityLocation } from "./location.ts";
import type { Terminal } from "./terminal.ts";
import { runTokenCommand } from "./token-command.ts";
import type { Environment } from "./terminal.ts";

/** How a client proves who asks. */
export interface Credentials {
  readonly auth?: Auth | AuthProvider;
  /** Where that is set, for hints. */
  readonly authFrom: string;
}

export type CredentialsContext = Pick<Terminal, "env" | "secrets" | "now">;

/**
 * The credentials for a server. Those of a named registry are its own alone; without any in its entry the environment's are used, as for
 * an address. Throws USAGE for a variable that is not set, and for half a login.
 */
export function credentialsOf(location: MlflowLocation, role: Role, context: CredentialsContext): Credentials {
  const { registry } = location;
  if (registry?.login !== undefined) return registryCredentials(registry.name, registry.login, context);
  const auth = credentialsFor(role, context.env);
  const own = `MLFERRY_${role.toUpperCase()}_TRACKING_…`;
  return {
    ...(auth === undefined ? {} : { auth }),
    authFrom: `MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (for the ${role} alone: ${own})`,
  };
}

/**
 * What the environment holds for a server. MLFERRY_SOURCE_… or MLFERRY_TARGET_… win as a set; else MLFLOW_TRACKING_…. User name and
 * password win over a token, as in mlflow/utils/rest_utils.py. Undefined: none are set. Throws USAGE for half a login.
 */
export function credentialsFor(role: Role, env: Environment): Auth | undefined {
  const own = loginOf(`MLFERRY_${role.toUpperCase()}_TRACKING_`, env);
  return own ?? loginOf("MLFLOW_TRACKING_", env);
}

/** MLFLOW_UC_OSS_TOKEN, as MLflow's client has it, or for one side alone MLFERRY_SOURCE_… or MLFERRY_TARGET_UC_OSS_TOKEN; or mlferry.yaml. */
export function unityCredentials({ registry }: UnityLocation, role: Role, context: CredentialsContext): Credentials {
  if (registry?.login !== undefined) return registryCredentials(registry.name, registry.login, context);
  const own = `MLFERRY_${role.toUpperCase()}_UC_OSS_TOKEN`;
  const token = [own, "MLFLOW_UC_OSS_TOKEN"].map((name) => context.env[name] ?? "").find((value) => value !== "");
  return {
    ...(token === undefined ? {} : { auth: { kind: "bearer", token } }),
    authFrom: `MLFLOW_UC_OSS_TOKEN (for the ${role} alone: ${own})`,
  };
}

function loginOf(prefix: string, env: Environment): Auth | undefined {
  const [username, password, token] = ["USERNAME", "PASSWORD", "TOKEN"].map((name) => env[`${prefix}${name}`] ?? "");
  if (username && password) return { kind: "basic", username, password };
  if (token) return { kind: "bearer", token };
  if (!username && !password) return undefined;
  const [there, missing] = username ? ["USERNAME", "PASSWORD"] : ["PASSWORD", "USERNAME"];
  throw new MigrationError("USAGE", `${prefix}${there} is set, but ${prefix}${missing} is not`, { hint: "set both, or neither" });
}

/** The login that an entry of mlferry.yaml has of its own. Throws USAGE for a variable that is not set. */
export function registryCredentials(name: string, login: RegistryLogin, { env, secrets, now }: CredentialsContext): Required<Credentials> {
  const whose = `registry ${name}`;
  const variable = (of: string): string => requiredVariable(of, whose, env);
  switch (login.kind) {
    case "token-env": {
      const token = variable(login.variable);
      secrets.add(token);
      return { auth: { kind: "bearer", token }, authFrom: `${login.variable}, the token_env of ${whose}` };
    }
    case "password": {
      const username = typeof login.username === "string" ? login.username : variable(login.username.variable);
      const password = variable(login.passwordVariable);
      secrets.add(password);
      return { auth: { kind: "basic", username, password }, authFrom: `${login.passwordVariable}, the password_env of ${whose}` };
    }
    case "token-file":
      return {
        auth: renewingToken(() => Promise.resolve(readToken(login.path, whose)), { secrets, now }),
        authFrom: `${login.path}, the token_file of ${whose}`,
      };
    case "token-command":
      return {
        auth: renewingToken(() => runTokenCommand(login.command, env, whose), { secrets, now }),
        authFrom: `the token_command of ${whose}`,
      };
  }
}

function requiredVariable(name: string, whose: string, env: Environment): string {
  const value = env[name] ?? "";
  if (value !== "") return value;
  throw new MigrationError("USAGE", `${whose} takes its login from ${name}, which is not set`, {
    hint: `set ${name}, or change the entry in mlferry.yaml`,
  });
}

function renewingToken(obtain: () => Promise<string>, { secrets, now }: Pick<CredentialsContext, "secrets" | "now">): AuthProvider {
  return renewing(async () => {
    const token = await obtain();
    secrets.add(token);
    const expires = expiryOf(token);
    return { auth: { kind: "bearer", token }, ...(expires === undefined ? {} : { expires }) };
  }, now);
}

function readToken(path: string, whose: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (thrown) {
    const { message } = asMigrationError(thrown);
    throw new MigrationError("NOT_AUTHORISED", `the token_file of ${whose} cannot be read: ${message}`, {
      cause: thrown,
      hint: "check token_file in mlferry.yaml; a relative path counts from the folder of that file",
    });
  }
}
