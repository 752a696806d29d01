// Tokens of people who are logged in with another program: the Databricks CLI, or Azure's.
import { MigrationError } from "../errors.ts";
import { claimsOf, expiryOf } from "../http/login.ts";
import type { Obtained } from "../http/login.ts";
import { azureCloud, DATABRICKS_APPLICATION, soonest, withWorkspace } from "./azure.ts";
import { loginName } from "./context.ts";
import type { Ended, LoginContext } from "./context.ts";
import type { Method } from "./method.ts";
import { LOGIN_VARIABLES } from "./settings.ts";

/**
 * `databricks auth token`, of a CLI from 0.207.1 on; it keeps and renews its tokens itself. DATABRICKS_CLI_PATH says where it is, which
 * changes nobody's identity. Throws NOT_AUTHORISED.
 */
export async function databricksCliToken(context: LoginContext): Promise<Obtained> {
  const { settings, url, env } = context;
  const which = settings.profile === undefined ? ["--host", url] : ["--profile", settings.profile];
  // The arguments say who is meant: no variable may say otherwise.
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !LOGIN_VARIABLES.has(name)));
  const call = {
    method: "databricks-cli",
    args: ["auth", "token", ...which],
    program: env["DATABRICKS_CLI_PATH"] || "databricks",
  } as const;
  const answer = await askProgram(call, clean, context);
  const token = tokenOf(answer["access_token"], call, context);
  const expires = typeof answer["expiry"] === "string" ? Date.parse(answer["expiry"]) : NaN;
  return { auth: { kind: "bearer", token }, ...(Number.isNaN(expires) ? {} : { expires }) };
}

/** `az account get-access-token`, for the subscription of the workspace's resource where one is set. Throws NOT_AUTHORISED. */
export async function azureCliToken(context: LoginContext): Promise<Obtained> {
  const { settings } = context;
  const own = await azureToken(DATABRICKS_APPLICATION, context);
  if (settings.get("azure_workspace_resource_id") === undefined) return { auth: { kind: "bearer", token: own.token }, ...soonest(own) };
  // Only a person has a principal name; a service principal has to prove what it may do with the resource.
  const isPerson = claimsOf(own.token)["upn"] !== undefined;
  if (isPerson) return { ...withWorkspace(own.token, undefined, settings), ...soonest(own) };
  const managing = await azureToken(azureCloud(context).management, context);
  return { ...withWorkspace(own.token, managing.token, settings), ...soonest(own, managing) };
}

type Token = Obtained & { readonly token: string };

async function azureToken(resource: string, context: LoginContext): Promise<Token> {
  const { settings, env } = context;
  const tenant = settings.get("azure_tenant_id")?.value;
  const subscription = settings.get("azure_workspace_resource_id")?.value.split("/")[2] ?? "";
  const base = ["account", "get-access-token", "--resource", resource, "--output", "json"];
  const args = tenant === undefined ? base : [...base, "--tenant", tenant];
  const call = { method: "azure-cli", args, program: "az" } as const;
  // Who may use the workspace need not see the subscription that it is in.
  const inSubscription = { ...call, args: [...base, "--subscription", subscription, ...args.slice(base.length)] };
  const first = subscription === "" ? undefined : await context.run("az", inSubscription.args, env);
  const answer = first?.failure === undefined && first !== undefined ? parsed(first, call, context) : await askProgram(call, env, context);
  const token = tokenOf(answer["accessToken"], call, context);
  const expires = expiryOf(token) ?? (typeof answer["expires_on"] === "number" ? answer["expires_on"] * 1000 : undefined);
  return { token, auth: { kind: "bearer", token }, ...(expires === undefined ? {} : { expires }) };
}

interface ProgramCall {
  readonly method: Method;
  readonly program: string;
  readonly args: readonly string[];
}

type Answer = Readonly<Record<string, unknown>>;

async function askProgram(call: ProgramCall, env: LoginContext["env"], context: LoginContext): Promise<Answer> {
  return parsed(await context.run(call.program, call.args, env), call, context);
}

function parsed(ended: Ended, call: ProgramCall, context: LoginContext): Answer {
  if (ended.failure !== undefined) throw noToken(`${ended.failure}${lastWords(ended.stderr)}`, call, context);
  try {
    const answer: unknown = JSON.parse(ended.stdout);
    if (typeof answer === "object" && answer !== null) return answer as Answer;
  } catch {
    // What it printed is not repeated: it may be a token after all.
  }
  throw noToken("it printed no JSON", call, context);
}

function tokenOf(value: unknown, call: ProgramCall, context: LoginContext): string {
  if (typeof value !== "string" || value === "") throw noToken("it printed no token", call, context);
  context.keepSecret(value);
  return value;
}

const LONGEST_SHOWN = 300;

function lastWords(stderr: string): string {
  const said = stderr.trim().split("\n").at(-1)?.trim().slice(0, LONGEST_SHOWN) ?? "";
  return said === "" ? "" : `: ${said}`;
}

function noToken(why: string, { method, program, args }: ProgramCall, { settings, url }: LoginContext): MigrationError {
  const profile = settings.profile === undefined ? "" : ` --profile ${settings.profile}`;
  const login = program === "az" ? "az login" : `databricks auth login --host ${url}${profile}`;
  return new MigrationError("NOT_AUTHORISED", `the ${loginName(method, settings)} got no token from ${program}: ${why}`, {
    hint: `log in with ${login}; to see what it answers: ${[program, ...args].join(" ")}`,
  });
}
