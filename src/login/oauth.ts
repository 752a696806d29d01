// Tokens from a token endpoint: a service principal's own, and one in exchange for the token of an identity provider.
import { MigrationError } from "../errors.ts";
import type { Obtained } from "../http/login.ts";
import { loginName } from "./context.ts";
import type { Basic, LoginContext } from "./context.ts";
import type { Method } from "./method.ts";

type Fields = readonly (readonly [string, string])[];

export interface TokenRequest {
  readonly method: Method;
  readonly endpoint: string;
  readonly fields: Fields;
  readonly basic?: Basic;
}

/** Asks for a token. Throws NOT_AUTHORISED where that is refused, with the words of the server and what to do. */
export async function requestToken(request: TokenRequest, context: LoginContext): Promise<Obtained & { readonly token: string }> {
  const { method, endpoint, fields, basic } = request;
  const name = loginName(method, context.settings);
  const answer = await asLogin(name, () => context.web.form(endpoint, fields, basic));
  const { access_token: token, expires_in: seconds } = record(answer);
  if (typeof token !== "string" || token === "") {
    throw new MigrationError("NOT_AUTHORISED", `the ${name} got no token: the answer of ${endpoint} has no access_token`, {
      hint: "check the host of the workspace",
    });
  }
  context.keepSecret(token);
  // Azure's endpoint writes the number as a text.
  const lifeMs = Number(seconds) * 1000;
  return { token, auth: { kind: "bearer", token }, ...(lifeMs > 0 ? { expires: context.now() + lifeMs } : {}) };
}

/** The token of a service principal (OAuth machine to machine): docs.databricks.com/en/dev-tools/auth/oauth-m2m. */
export async function principalToken(context: LoginContext): Promise<Obtained> {
  const { settings } = context;
  const basic = { username: settings.get("client_id")?.value ?? "", password: settings.get("client_secret")?.value ?? "" };
  const fields: Fields = [
    ["grant_type", "client_credentials"],
    ["scope", "all-apis"],
  ];
  return requestToken({ method: "oauth-m2m", endpoint: await tokenEndpoint(context), fields, basic }, context);
}

/**
 * A token in exchange for one that an identity provider gave (RFC 8693), as `DatabricksOidcTokenSource` of databricks-sdk-py asks for it.
 * Without a client id it is a federation for the whole account.
 */
export async function exchangedToken(method: Method, idToken: string, context: LoginContext): Promise<Obtained> {
  const client = context.settings.get("client_id");
  const fields: Fields = [
    ["grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"],
    ["subject_token_type", "urn:ietf:params:oauth:token-type:jwt"],
    ["subject_token", idToken],
    ["scope", "all-apis"],
    ...(client === undefined ? [] : [["client_id", client.value] as const]),
  ];
  return requestToken({ method, endpoint: await tokenEndpoint(context), fields }, context);
}

/** Where the workspace says that tokens come from, or else where they have always come from. */
async function tokenEndpoint(context: LoginContext): Promise<string> {
  const { url, settings } = context;
  const { oidc_endpoint: oidc, account_id: account } = record(await ifThere(() => context.web.get(`${url}/.well-known/databricks-config`)));
  const base = addressOf(
    typeof oidc === "string" ? oidc.replace("{account_id}", settings.get("account_id")?.value ?? textOf(account) ?? "") : undefined,
    url,
  );
  const known =
    base === undefined ? {} : await ifThere(() => context.web.get(`${base.replace(/\/+$/, "")}/.well-known/oauth-authorization-server`));
  return addressOf(record(known)["token_endpoint"], url) ?? `${url}/oidc/v1/token`;
}

/** Undefined for what is none. A secret that was meant for https is not sent without. */
function addressOf(value: unknown, workspace: string): string | undefined {
  const url = typeof value === "string" ? URL.parse(value) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && workspace.startsWith("http:"));
  return isSafe ? url?.href : undefined;
}

/** Undefined where the server has no such page, or something else in its place. */
async function ifThere(get: () => Promise<unknown>): Promise<unknown> {
  try {
    return await get();
  } catch (thrown) {
    if (thrown instanceof MigrationError && thrown.request?.status !== undefined) return undefined;
    throw thrown;
  }
}

/** What a token endpoint refuses, no repetition will change. */
async function asLogin(name: string, ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask();
  } catch (thrown) {
    const status = thrown instanceof MigrationError ? thrown.request?.status : undefined;
    if (!(thrown instanceof MigrationError) || status === undefined || status < 400 || status >= 500) throw thrown;
    throw new MigrationError("NOT_AUTHORISED", `the ${name} was refused: ${thrown.message}`, {
      cause: thrown,
      hint: "check that it is still good: secrets of service principals expire, and a workspace must know the principal",
      ...(thrown.request === undefined ? {} : { request: thrown.request }),
    });
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
