// Counts what is there but cannot be carried yet, so that it is named as a loss. A server that does not offer a kind has none of it.
import { MigrationError } from "../../errors.ts";
import { matcher } from "../../model/selection.ts";
import type { NotCarried } from "../../ports/source.ts";
import { get, searchModels } from "./calls.ts";
import type { MlflowServer } from "./connect.ts";
import { parseWire, wire } from "./wire.ts";

/** Most that one search gives; with a further page the count is "at least". */
const TRACES = 500;
const DATASETS = 50;

/** `experimentIds`: those selected that are not deleted (the server refuses to list scorers of others). `models`: the globs over registered models, undefined when none are selected; prompts share their names' space. */
export async function countUncarried(
  server: MlflowServer,
  selected: { experimentIds: readonly string[]; models: readonly string[] | undefined },
  signal: AbortSignal,
): Promise<readonly NotCarried[]> {
  const counts = await Promise.all([
    selected.models === undefined ? undefined : prompts(server, selected.models, signal),
    offered(traces(server, selected.experimentIds, signal)),
    offered(datasets(server, selected.experimentIds, signal)),
    offered(scorers(server, selected.experimentIds, signal)),
    // Webhooks are of the whole registry, so they are missed only where all of it was asked for.
    selected.models?.includes("*") === true ? offered(webhooks(server, signal)) : undefined,
  ]);
  return counts.filter((item) => item !== undefined).filter((item) => item.count > 0);
}

async function prompts(server: MlflowServer, globs: readonly string[], signal: AbortSignal): Promise<NotCarried> {
  const matches = matcher(globs);
  let count = 0;
  for await (const { name } of searchModels(server.http, { prompts: true }, signal)) if (matches(name)) count += 1;
  return { what: "prompts", count };
}

async function traces(server: MlflowServer, experimentIds: readonly string[], signal: AbortSignal): Promise<NotCarried> {
  if (experimentIds.length === 0) return { what: "traces", count: 0 };
  const path = "/api/3.0/mlflow/traces/search";
  const locations = experimentIds.map((id) => ({ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: id } }));
  const answer = await server.http.json({ method: "POST", path, body: { locations, max_results: TRACES }, repeat: "safe" }, signal);
  const page = parseWire(wire.traces, answer, path);
  return { what: "traces", count: page.traces.length, ...more(page.next_page_token) };
}

async function datasets(server: MlflowServer, experimentIds: readonly string[], signal: AbortSignal): Promise<NotCarried> {
  if (experimentIds.length === 0) return { what: "evaluation datasets", count: 0 };
  const path = "/api/3.0/mlflow/datasets/search";
  const body = { experiment_ids: experimentIds, max_results: DATASETS };
  const page = parseWire(wire.datasets, await server.http.json({ method: "POST", path, body, repeat: "safe" }, signal), path);
  return { what: "evaluation datasets", count: page.datasets.length, ...more(page.next_page_token) };
}

/** The one kind that can only be asked for by experiment. */
async function scorers(server: MlflowServer, experimentIds: readonly string[], signal: AbortSignal): Promise<NotCarried> {
  const path = "/api/3.0/mlflow/scorers/list";
  const lists = await Promise.all(
    experimentIds.map((id) => get(server.http, path, { query: [["experiment_id", id]], schema: wire.scorers, signal })),
  );
  return { what: "scorers", count: lists.reduce((sum, list) => sum + list.scorers.length, 0) };
}

async function webhooks(server: MlflowServer, signal: AbortSignal): Promise<NotCarried> {
  const page = await get(server.http, "/api/2.0/mlflow/webhooks", { schema: wire.webhooks, signal });
  return { what: "webhooks", count: page.webhooks.length, ...more(page.next_page_token) };
}

function more(token: string | undefined): { atLeast?: true } {
  return token === undefined || token === "" ? {} : { atLeast: true };
}

/** Routes that this server does not have, or has switched off, hold nothing. */
async function offered(count: Promise<NotCarried>): Promise<NotCarried | undefined> {
  try {
    return await count;
  } catch (thrown) {
    const status = thrown instanceof MigrationError ? thrown.request?.status : undefined;
    if (status === 404 || status === 405 || status === 501 || status === 503) return undefined;
    throw thrown;
  }
}
