// A Databricks workspace with Unity Catalog in this process: strict about what the real one is documented, or known from its clients,
// to refuse; what is not known is a rule that can be set either way. No route is here that the real clients do not call.
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseJson } from "../../../src/http/json.ts";
import { createLosses, listen, readBody } from "../listening.ts";
import type { Loss, Losses } from "../listening.ts";
import { createAccounts } from "./accounts.ts";
import type { Accounts, ServicePrincipal } from "./accounts.ts";
import { activityRoutes } from "./activities.ts";
import { administrationRoutes } from "./administration.ts";
import { Refused, Reply } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { credentialRoutes } from "./credentials.ts";
import { dbfsRoutes } from "./dbfs.ts";
import { fileRoutes } from "./files.ts";
import { loggedModelRoutes } from "./logged-models.ts";
import { grantRoutes } from "./grants.ts";
import { createLimiter } from "./limiter.ts";
import type { Limiter } from "./limiter.ts";
import { multipartRoutes } from "./multipart.ts";
import { notebookRoutes } from "./notebooks.ts";
import { registryRoutes } from "./registry.ts";
import type { Routes } from "./routes.ts";
import type { Rules } from "./rules.ts";
import { State } from "./state.ts";
import { trackingRoutes } from "./tracking.ts";
import { unityRoutes } from "./unity.ts";

export interface DatabricksOptions {
  readonly rules?: Partial<Rules>;
  /** Default: `1234567890`. */
  readonly workspaceId?: string;
  /** Personal access tokens with their users. Default: `token` is the only user's. */
  readonly tokens?: Readonly<Record<string, string>>;
  readonly servicePrincipals?: readonly ServicePrincipal[];
  /** Tokens of an identity provider that are exchanged for one of the workspace, with their users. */
  readonly identityTokens?: Readonly<Record<string, string>>;
  /** Members by group. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Schemas of Unity Catalog, such as `main.ml`; none: the workspace has no metastore. */
  readonly schemas?: readonly string[];
  /** Epoch ms; for the expiry of tokens and for rates. Default: the system's. */
  readonly now?: () => number;
}

export interface FakeDatabricks extends AsyncDisposable {
  readonly url: string;
  readonly state: State;
  readonly accounts: Accounts;
  /** Every request so far: method and path, without the query. */
  readonly requests: string[];
  /** Calls `then` when so many more requests have come, before the last of them is answered. */
  after(requests: number, then: () => void): void;
  /** The next answers of routes whose `METHOD /path` matches are lost: before they take effect, or after. */
  lose(route: RegExp, ...when: readonly Loss[]): void;
  close(): Promise<void>;
}

/** Starts a workspace on a free port of this machine. */
export async function startFakeDatabricks(options: DatabricksOptions = {}): Promise<FakeDatabricks> {
  const tokens = options.tokens ?? { token: "admin@example.com" };
  const principals = options.servicePrincipals ?? [];
  const identityTokens = options.identityTokens ?? {};
  const users = [...new Set([...Object.values({ ...tokens, ...identityTokens }), ...principals.map(({ user }) => user)])];
  const state = new State({
    rules: options.rules ?? {},
    workspaceId: options.workspaceId ?? "1234567890",
    users,
    groups: options.groups ?? {},
  });
  for (const schema of options.schemas ?? []) state.schemas.add(schema.toLowerCase());
  const now = options.now ?? Date.now;
  const fake: Fake = {
    state,
    accounts: createAccounts(state, { tokens, servicePrincipals: principals, identityTokens, now }),
    limiter: createLimiter(state.rules, now),
    requests: [],
    alarms: [],
    losses: createLosses(),
  };
  const { url, close } = await listen((request, response) => void serve(fake, request, response));
  return {
    url,
    state,
    accounts: fake.accounts,
    requests: fake.requests,
    after: (requests, then) => void fake.alarms.push({ at: fake.requests.length + requests, then }),
    lose: fake.losses.lose,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Fake {
  readonly state: State;
  readonly accounts: Accounts;
  readonly limiter: Limiter;
  readonly requests: string[];
  readonly alarms: { readonly at: number; readonly then: () => void }[];
  readonly losses: Losses;
}

const ROUTES: Routes = [
  ...trackingRoutes,
  ...loggedModelRoutes,
  ...registryRoutes,
  ...activityRoutes,
  ...administrationRoutes,
  ...credentialRoutes,
  ...multipartRoutes,
  ...notebookRoutes,
  ...dbfsRoutes,
  ...fileRoutes,
  ...unityRoutes,
  ...grantRoutes,
];

async function serve(fake: Fake, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://fake");
  const path = decodeURIComponent(url.pathname);
  const name = `${request.method ?? ""} ${path}`;
  const bytes = await readBody(request);
  fake.requests.push(name);
  for (const { at, then } of fake.alarms) if (at === fake.requests.length) then();
  const loss = fake.losses.next(name);
  if (loss === "before") return void request.socket.destroy();
  const reply = answer(fake, { name, path, url, bytes, request });
  if (loss === "after") return void request.socket.destroy();
  response
    .writeHead(reply.status, { "x-databricks-org-id": fake.state.workspaceId, ...reply.headers })
    .end(request.method === "HEAD" ? "" : reply.bytes);
}

interface Arrived {
  readonly name: string;
  readonly path: string;
  readonly url: URL;
  readonly bytes: Buffer;
  readonly request: IncomingMessage;
}

function answer(fake: Fake, arrived: Arrived): Reply {
  try {
    const open = openRoute(fake, arrived);
    if (open !== undefined) return open;
    // The stores behind signed URLs know no user and no limit of the workspace.
    const isStore = arrived.path.startsWith("/signed/");
    const user = isStore ? "" : fake.accounts.userOf(arrived.request.headers.authorization);
    if (!isStore) fake.limiter.take(arrived.name);
    return carryOut(fake.state, arrived, user);
  } catch (thrown) {
    if (thrown instanceof Refused) return jsonReply(thrown.status, { error_code: thrown.code, message: thrown.message }, thrown.headers);
    return jsonReply(500, {
      error_code: "INTERNAL_ERROR",
      message: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    });
  }
}

/** What needs no login: discovery, and the token endpoint, which has a login of its own. */
function openRoute(fake: Fake, { name, bytes, request }: Arrived): Reply | undefined {
  const base = `http://${String(request.headers.host)}`;
  switch (name) {
    case "GET /.well-known/databricks-config":
      return jsonReply(200, {
        oidc_endpoint: `${base}/oidc`,
        account_id: "00000000-0000-0000-0000-000000000001",
        workspace_id: fake.state.workspaceId,
        cloud: "AWS",
      });
    case "GET /oidc/.well-known/oauth-authorization-server":
      return jsonReply(200, { authorization_endpoint: `${base}/oidc/v1/authorize`, token_endpoint: `${base}/oidc/v1/token` });
    case "POST /oidc/v1/token":
      return tokenReply(fake, request.headers.authorization, bytes);
    default:
      return undefined;
  }
}

/** Errors of a token endpoint have a form of their own: RFC 6749, section 5.2. */
function tokenReply({ accounts }: Fake, authorization: string | undefined, form: Buffer): Reply {
  try {
    return jsonReply(200, accounts.token(authorization, new URLSearchParams(form.toString())));
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    return jsonReply(thrown.status, { error: thrown.code, error_description: thrown.message });
  }
}

function carryOut(state: State, { name, path, url, bytes, request }: Arrived, user: string): Reply {
  for (const [pattern, handle] of ROUTES) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const isRaw = /^\/(api\/2\.0\/fs\/files|signed|dbfs)\//.test(path);
    const body = isRaw || bytes.length === 0 ? {} : jsonOf(bytes);
    const call: Call = {
      method: request.method ?? "",
      path,
      query: new Map(url.searchParams),
      body,
      bytes,
      headers: request.headers,
      user,
      parts: match.groups ?? {},
    };
    const result = handle(state, call);
    return result instanceof Reply ? result : jsonReply(200, result);
  }
  throw new Refused(404, "ENDPOINT_NOT_FOUND", `No API found for '${name}'`);
}

function jsonOf(bytes: Buffer): Json {
  try {
    // Strict first: there is no NaN in JSON.
    JSON.parse(bytes.toString());
    return parseJson(bytes.toString()) as Json;
  } catch {
    throw new Refused(400, "MALFORMED_REQUEST", "Request body could not be parsed as JSON.");
  }
}

function jsonReply(status: number, body: Json, headers: Readonly<Record<string, string>> = {}): Reply {
  return new Reply(status, JSON.stringify(body), { "content-type": "application/json", ...headers });
}
