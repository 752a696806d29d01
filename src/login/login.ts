// A login to a Databricks workspace, from settings to a credential that renews itself.
import { readFileSync } from "node:fs";
import { asMigrationError, MigrationError } from "../errors.ts";
import { renewing } from "../http/login.ts";
import type { Auth, AuthProvider, Obtained } from "../http/login.ts";
import { azureCloudAt, azurePrincipalToken } from "./azure.ts";
import { loginName } from "./context.ts";
import type { LoginContext } from "./context.ts";
import { methodsOf } from "./method.ts";
import type { Method } from "./method.ts";
import { exchangedToken, principalToken } from "./oauth.ts";
import { azureCliToken, databricksCliToken } from "./programs.ts";
import type { SettingName, Settings } from "./settings.ts";

export interface DatabricksAuth {
  readonly method: Method;
  readonly auth: Auth | AuthProvider;
  /** In words, for hints. */
  readonly from: string;
}

/**
 * Decides on a login. Tokens are asked for when they are first needed, and again before they end; only what depends on whether somebody
 * is logged in with another program is asked for at once. Throws USAGE for settings that contradict each other or are not whole,
 * NOT_AUTHORISED where nothing is set and no program knows a login.
 */
export async function logIn(context: LoginContext): Promise<DatabricksAuth> {
  const { settings, url } = context;
  const isForced = settings.get("auth_type") !== undefined;
  const failures: MigrationError[] = [];
  for (const method of methodsOf(settings)) {
    if (method === "azure-cli" && !isForced && azureCloudAt(url) === undefined) continue;
    const login: DatabricksAuth = { method, auth: authBy(method, context), from: `the ${loginName(method, settings)}` };
    if (isForced || !isAskedFrom(method) || "kind" in login.auth) return login;
    try {
      await login.auth.current();
      return login;
    } catch (thrown) {
      failures.push(asMigrationError(thrown));
    }
  }
  throw notLoggedIn(settings, failures);
}

/** Whether another program knows, or does not know, who is logged in. */
function isAskedFrom(method: Method): boolean {
  return method === "azure-cli" || method === "databricks-cli";
}

function authBy(method: Method, context: LoginContext): Auth | AuthProvider {
  const { settings, now } = context;
  const value = (name: SettingName): string => settings.get(name)?.value ?? "";
  const renewed = (obtain: () => Promise<Obtained>): AuthProvider => renewing(obtain, now);
  switch (method) {
    case "pat":
      return { kind: "bearer", token: value("token") };
    case "basic":
      return { kind: "basic", username: value("username"), password: value("password") };
    case "oauth-m2m":
      return renewed(() => principalToken(context));
    case "env-oidc":
      return renewed(() => exchangedToken(method, idTokenOf(context), context));
    case "file-oidc":
      return renewed(() => exchangedToken(method, readIdToken(context), context));
    case "azure-client-secret":
      return renewed(() => azurePrincipalToken(context));
    case "azure-cli":
      return renewed(() => azureCliToken(context));
    case "databricks-cli":
      return renewed(() => databricksCliToken(context));
  }
}

function idTokenOf({ settings, env, keepSecret }: LoginContext): string {
  const variable = settings.get("oidc_token_env");
  const token = variable === undefined ? settings.get("oidc_token")?.value : env[variable.value];
  if (token === undefined || token === "") {
    throw new MigrationError("USAGE", `${variable?.value ?? ""}, named by ${variable?.from ?? ""}, is not set`, {
      hint: "it holds the token of the identity provider",
    });
  }
  keepSecret(token);
  return token;
}

/** Read for each exchange: whoever gave it puts a fresh one there. */
function readIdToken({ settings, keepSecret }: LoginContext): string {
  const path = settings.get("oidc_token_filepath");
  const read = (): string => {
    try {
      return readFileSync(path?.value ?? "", "utf8").trim();
    } catch (thrown) {
      throw new MigrationError(
        "NOT_AUTHORISED",
        `the token that ${path?.from ?? ""} names cannot be read: ${asMigrationError(thrown).message}`,
        {
          cause: thrown,
          hint: "check the path",
        },
      );
    }
  };
  const token = read();
  if (token === "") {
    throw new MigrationError("NOT_AUTHORISED", `${path?.value ?? ""}, named by ${path?.from ?? ""}, is empty`, { hint: "check the path" });
  }
  keepSecret(token);
  return token;
}

function notLoggedIn({ whose, named }: Settings, failures: readonly MigrationError[]): MigrationError {
  const tried = failures.map(({ message }) => message).join("; ");
  const token = named ? "give the profile a token or a service principal" : "set DATABRICKS_TOKEN or a service principal";
  return new MigrationError("NOT_AUTHORISED", `no login for Databricks is set in ${whose}, and no program knows one: ${tried}`, {
    hint: [token, ...failures.map(({ hint }) => hint)].join("; or "),
  });
}
