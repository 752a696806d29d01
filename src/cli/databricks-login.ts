// From the location of a Databricks workspace to what its client is made of: who asks is looked for in mlferry.yaml, profiles and variables.
import { homedir } from "node:os";
import { missingPrivilege } from "../adapters/unity-catalog/privileges.ts";
import type { Auth, AuthProvider, JsonRequest, RefusalHint } from "../http/client.ts";
import { createHttpClient } from "../http/client.ts";
import { createPacer } from "../http/pace.ts";
import type { AzureCloud, Basic, Web } from "../login/context.ts";
import { workspaceAddress } from "../login/host.ts";
import { logIn } from "../login/login.ts";
import { readSettings } from "../login/settings.ts";
import type { SettingName, Settings } from "../login/settings.ts";
import { registryCredentials } from "./credentials.ts";
import type { CredentialsContext } from "./credentials.ts";
import type { DatabricksLocation, Role, WorkspaceUrl } from "./location.ts";
import { routeOf } from "./route.ts";
import type { Environment } from "./terminal.ts";
import { runToEnd } from "./token-command.ts";

/** Options of the client of a workspace, beside its address. */
export interface DatabricksLogin {
  readonly auth: Auth | AuthProvider;
  readonly authFrom: string;
  /** Which workspace is meant, where one host serves several. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names the privilege that is missing. */
  readonly refusalHint: RefusalHint;
  /** How the login came about, in the SDK's words such as `oauth-m2m`; `token` for one of mlferry.yaml. */
  readonly authType: string;
  /** With that in it, as Databricks' own clients have it. */
  readonly userAgent: string;
}

export interface DatabricksLoginContext extends CredentialsContext {
  /** Of mlferry. */
  readonly version: string;
  /** Ends requests for tokens too. */
  readonly signal: AbortSignal;
  /** See LoginContext. */
  readonly azure?: AzureCloud;
}

/** Looks up where workspaces are, for parseLocation. Throws CONFIG_INVALID and USAGE for what is missing or wrong. */
export function workspaceUrlIn(env: Environment): WorkspaceUrl {
  return (profile, role) => workspaceAddress(settingsFor(profile, role, env));
}

/**
 * How the client of a workspace logs in. A login in mlferry.yaml is the only one of its registry; a named profile is never overridden by
 * variables; without either, variables count before the file. Throws USAGE, CONFIG_INVALID and NOT_AUTHORISED.
 */
export async function databricksLogin(location: DatabricksLocation, role: Role, context: DatabricksLoginContext): Promise<DatabricksLogin> {
  const { env, now, secrets, version } = context;
  const { url, profile, registry } = location;
  const settings = settingsFor(profile, role, env);
  const headers = workspaceHeaders(settings);
  const userAgent = (authType: string): string => `mlferry/${version} os/${process.platform} auth/${authType}`;
  if (registry?.login !== undefined) {
    const { auth, authFrom } = registryCredentials(registry.name, registry.login, context);
    return { auth, authFrom, headers, refusalHint: missingPrivilege, authType: "token", userAgent: userAgent("token") };
  }
  for (const name of SECRET_SETTINGS) secrets.add(settings.get(name)?.value ?? "");
  const web = webOf(location, context);
  const azure = context.azure === undefined ? {} : { azure: context.azure };
  const { method, auth, from } = await logIn({ settings, url, env, now, web, run: runToEnd, keepSecret: secrets.add, ...azure });
  return { auth, authFrom: from, headers, refusalHint: missingPrivilege, authType: method, userAgent: userAgent(method) };
}

const SECRET_SETTINGS: readonly SettingName[] = ["token", "password", "client_secret", "oidc_token", "azure_client_secret"];

function settingsFor(profile: string | undefined, role: Role, env: Environment): Settings {
  const home = env["HOME"] ?? homedir();
  return readSettings({ env, home, prefix: `MLFERRY_${role.toUpperCase()}_`, ...(profile === undefined ? {} : { profile }) });
}

/** Databricks' SDKs know the first name, MLflow's client the second. */
function workspaceHeaders(settings: Settings): Record<string, string> {
  const id = settings.get("workspace_id")?.value;
  return id === undefined ? {} : { "x-databricks-workspace-id": id, "x-databricks-org-id": id };
}

/**
 * A client for each request: there is one an hour, and it must not wait for the workspace's own pacer, in which the request that needs the
 * token has its place already.
 */
function webOf(location: DatabricksLocation, { env, version, signal }: DatabricksLoginContext): Web {
  const send = async (address: string, request: Pick<JsonRequest, "method" | "form">, basic?: Basic): Promise<unknown> => {
    const { origin, pathname, search } = new URL(address);
    const client = createHttpClient({
      baseUrl: origin,
      pacer: createPacer({ inFlight: 1 }),
      userAgent: `mlferry/${version}`,
      route: routeOf({ ...location, url: origin }, env),
      ...(basic === undefined ? {} : { auth: { kind: "basic", ...basic } }),
    });
    try {
      return await client.json({ ...request, path: `${pathname}${search}`, repeat: "safe" }, signal);
    } finally {
      await client.close();
    }
  };
  return {
    get: (address) => send(address, { method: "GET" }),
    form: (address, form, basic) => send(address, { method: "POST", form }, basic),
  };
}
