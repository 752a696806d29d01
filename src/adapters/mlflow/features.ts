// What a server offers, found out by asking it: forks, previews and later versions need not be what their number says.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";

/** Only what no route tells goes by the version (capabilities.ts). */
export interface ServerFeatures {
  /** Since 3.0. */
  readonly loggedModels: boolean;
  readonly stages: boolean;
  /**
   * Whether texts are held to the widths of the database's columns and must be free of NUL characters, as PostgreSQL wants it. SQLite
   * takes everything. Asked only of a server that is to be written; unknown counts as false: then it is told by what is refused.
   */
  readonly strictTexts: boolean;
}

/** Up to four requests, none of which changes or reads anything. One after the other, see connectMlflow. */
export async function probeFeatures(
  http: HttpClient,
  { writes }: { readonly writes: boolean },
  signal: AbortSignal,
): Promise<ServerFeatures> {
  return {
    loggedModels: await offers(http, "logged-models", signal),
    stages: await offers(http, "model-versions/transition-stage", signal),
    strictTexts: writes && (await refusesNul(http, signal)),
  };
}

/** Of a route that takes POST alone: asked by GET, a server that has it answers 405 and one that has not 404. */
async function offers(http: HttpClient, route: string, signal: AbortSignal): Promise<boolean> {
  const refused = await refusal(http.json({ method: "GET", path: `${API}/${route}`, repeat: "safe" }, signal));
  const status = refused?.request?.status ?? 200;
  if (refused !== undefined && status >= 500) throw refused;
  return status !== 404;
}

/** PostgreSQL's drivers refuse the character before the database is asked (psycopg2: 500, `cannot contain NUL (0x00) characters`). */
async function refusesNul(http: HttpClient, signal: AbortSignal): Promise<boolean> {
  const path = `${API}/registered-models/get`;
  // Sent once: a 500 is an answer here, not trouble that may pass.
  const refused = await refusal(http.json({ method: "GET", path, query: [["name", "\0"]], repeat: "once" }, signal));
  return /\bNUL \(0x00\)/.test(refused?.message ?? "");
}

const API = "/api/2.0/mlflow";

/** How the server refuses; undefined when it does not. Without an answer, or a login, there is nothing to go by: thrown. */
async function refusal(answer: Promise<unknown>): Promise<MigrationError | undefined> {
  try {
    await answer;
    return undefined;
  } catch (thrown) {
    const refused = thrown instanceof MigrationError && thrown.code === "OUTCOME_UNKNOWN" ? thrown.cause : thrown;
    const status = refused instanceof MigrationError ? refused.request?.status : undefined;
    if (refused instanceof MigrationError && status !== undefined && status !== 401) return refused;
    throw refused;
  }
}
