// A fake workspace, and clients that log in to it as the command line does.
import { onTestFinished } from "vitest";
import { databricksLogin, workspaceUrlIn } from "../../src/cli/databricks-login.ts";
import type { DatabricksLogin } from "../../src/cli/databricks-login.ts";
import { parseLocation } from "../../src/cli/location.ts";
import type { DatabricksLocation, LocationOptions } from "../../src/cli/location.ts";
import { createSecrets } from "../../src/cli/secrets.ts";
import { MigrationError } from "../../src/errors.ts";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient } from "../../src/http/client.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { AzureCloud } from "../../src/login/context.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { DatabricksOptions, FakeDatabricks } from "../fakes/databricks/server.ts";
import { never } from "../http/scripted-server.ts";
import { homeWith } from "./profiles.ts";

export const ADMIN = "admin@example.com";
export const ROBOT = { clientId: "robot-id", clientSecret: "robot-secret", user: "robot@example.com" };
export const START = Date.parse("2026-01-01T00:00:00Z");

export interface World {
  readonly env: Readonly<Record<string, string>>;
  readonly time: { now: number };
  readonly azure?: AzureCloud;
}

/** A workspace that ends what it gives out after a minute, on a clock that stands until a test sets it. */
export async function startWorkspace(options: DatabricksOptions = {}, time = { now: START }): Promise<FakeDatabricks & World> {
  const tokens = { "token-of-admin": ADMIN, "token-of-azure": "azure@example.com" };
  const rules = { tokenSeconds: 60 };
  const fake = await startFakeDatabricks({ tokens, servicePrincipals: [ROBOT], now: () => time.now, rules, ...options });
  onTestFinished(fake.close);
  return { ...fake, time, env: { DATABRICKS_HOST: fake.url, HOME: homeWith() } };
}

export interface Opened {
  readonly location: DatabricksLocation;
  readonly login: DatabricksLogin;
  readonly client: HttpClient;
  readonly scrub: (text: string) => string;
}

export async function open(text: string, { env, time, azure }: World, options: Partial<LocationOptions> = {}): Promise<Opened> {
  const { role = "source" } = options;
  const location = parseLocation(text, { role, workspaceUrl: workspaceUrlIn(env), ...options });
  if (location.place !== "databricks" && location.place !== "databricks-uc") throw new Error(`${text} is ${location.place}`);
  const secrets = createSecrets(env);
  const context = { env, secrets, now: () => time.now, version: "1.2.3", signal: never, ...(azure === undefined ? {} : { azure }) };
  const login = await databricksLogin(location, role, context);
  const client = createHttpClient({ baseUrl: location.url, pacer: createPacer({ inFlight: 1 }), ...login });
  onTestFinished(() => client.close());
  return { location, login, client, scrub: secrets.scrub };
}

/** Asks the workspace who asks. */
export async function userOf({ client }: Opened): Promise<unknown> {
  const me = await client.json({ method: "GET", path: "/api/2.0/preview/scim/v2/Me", repeat: "safe" }, never);
  return (me as { userName?: string }).userName;
}

export async function failureOf(what: Promise<unknown>): Promise<MigrationError> {
  const thrown: unknown = await what.then(
    (value) => value,
    (error: unknown) => error,
  );
  if (thrown instanceof MigrationError) return thrown;
  throw new Error(`no MigrationError: ${String(thrown)}`);
}
