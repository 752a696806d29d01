// Which logged models a run used. runs/search of 3.17.2 leaves that out (sqlalchemy_store.py, _search_runs), only a single run tells it;
// the UI's GraphQL route gives ten single runs at a time.
import { z } from "zod";
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import { get } from "./calls.ts";
import { wire } from "./wire.ts";
import { workThrough } from "./workers.ts";

/** Most root fields of one query (mlflow/environment_variables.py, MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS). */
const RUNS_A_QUERY = 10;
/** Queries under way; the pacer of the host limits further. */
const AT_ONCE = 8;

/** Ids of logged models by run id; runs that used none are left out. */
export async function readModelInputs(http: HttpClient, runIds: readonly string[], signal: AbortSignal): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const groups: (readonly string[])[] = [];
  for (let at = 0; at < runIds.length; at += RUNS_A_QUERY) groups.push(runIds.slice(at, at + RUNS_A_QUERY));
  let offered = true;
  await workThrough(groups, AT_ONCE, async (group) => {
    const inputs = offered ? await query(http, group, signal) : undefined;
    if (inputs === undefined) offered = false;
    for (const [id, models] of inputs ?? (await oneByOne(http, group, signal))) if (models.length > 0) found.set(id, models);
  });
  return found;
}

const answer = z.object({
  data: z.record(
    z.string(),
    z.object({ run: z.object({ inputs: z.object({ modelInputs: z.array(z.object({ modelId: z.string() })).nullish() }).nullish() }) }),
  ),
});

/** Undefined where the server does not answer such a query, or not for each of the runs. */
async function query(http: HttpClient, runIds: readonly string[], signal: AbortSignal): Promise<[string, string[]][] | undefined> {
  const field = (id: string, index: number): string =>
    `r${index}: mlflowGetRun(input: {runId: ${JSON.stringify(id)}}) { run { inputs { modelInputs { modelId } } } }`;
  const body = { query: `query { ${runIds.map(field).join(" ")} }` };
  try {
    const parsed = answer.safeParse(await http.json({ method: "POST", path: "/graphql", body, repeat: "safe" }, signal));
    if (!parsed.success) return undefined;
    const { data } = parsed.data;
    return runIds.map((id, index) => [id, (data[`r${index}`]?.run.inputs?.modelInputs ?? []).map(({ modelId }) => modelId)]);
  } catch (thrown) {
    // Whatever is wrong with the route, runs/get tells the same, or fails with a better reason.
    if (thrown instanceof MigrationError && thrown.code !== "INTERRUPTED" && thrown.code !== "SERVER_UNREACHABLE") return undefined;
    throw thrown;
  }
}

/** The same by runs/get. */
export async function oneByOne(http: HttpClient, runIds: readonly string[], signal: AbortSignal): Promise<[string, string[]][]> {
  const one = async (id: string): Promise<[string, string[]]> => {
    const { run } = await get(http, "/api/2.0/mlflow/runs/get", { query: [["run_id", id]], schema: wire.run, signal });
    return [id, run.inputs.model_inputs.map(({ model_id: model }) => model)];
  };
  return Promise.all(runIds.map(one));
}
