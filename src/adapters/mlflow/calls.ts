// The read calls of MLflow's REST API, one function each: request out, checked answer back. Pages are followed to the end.
import { MigrationError } from "../../errors.ts";
import type { HttpClient, JsonRequest, Query } from "../../http/client.ts";
import type { z } from "zod";
import {
  parseWire,
  wire,
  type WireExperiment,
  type WireLoggedModel,
  type WireModelVersion,
  type WireRegisteredModel,
  type WireRun,
} from "./wire.ts";

const API = "/api/2.0/mlflow";

/** Page sizes: runs/search takes up to 50 000, but a page of 1 000 already takes the server 1-2 s (2.7 KB a run). */
const PAGE = { experiments: 1000, runs: 1000, loggedModels: 1000, models: 1000, versions: 10_000 } as const;

export type RunView = "ACTIVE_ONLY" | "ALL";

/** A GET with a checked answer. */
export async function get<T>(
  http: HttpClient,
  path: string,
  options: { query?: Query; schema: z.ZodType<T>; signal: AbortSignal },
): Promise<T> {
  const answer = await http.json(
    { method: "GET", path, repeat: "safe", ...(options.query === undefined ? {} : { query: options.query }) },
    options.signal,
  );
  return parseWire(options.schema, answer, path);
}

/** The answer, or undefined where the server says that there is no such thing. */
export async function unlessNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof MigrationError && thrown.code === "NOT_FOUND") return undefined;
    throw thrown;
  }
}

/** Deleted ones too. */
export function listExperiments(http: HttpClient, signal: AbortSignal, filter?: string): AsyncGenerator<WireExperiment> {
  return experimentsOf(http, filter === undefined ? { view_type: "ALL" } : { view_type: "ALL", filter }, signal);
}

/** Those that are deleted. */
export function listDeletedExperiments(http: HttpClient, signal: AbortSignal): AsyncGenerator<WireExperiment> {
  return experimentsOf(http, { view_type: "DELETED_ONLY" }, signal);
}

async function* experimentsOf(http: HttpClient, which: object, signal: AbortSignal): AsyncGenerator<WireExperiment> {
  const body = { ...which, max_results: PAGE.experiments, order_by: ["creation_time ASC"] };
  for await (const page of pages(http, { path: `${API}/experiments/search`, body, schema: wire.experiments }, signal))
    yield* page.experiments;
}

/**
 * Runs in ascending start time, deleted ones included: with paging by offset, that order is the one in which new and newly
 * deleted rows do not shift the pages still to come. The next page is fetched while one is used.
 */
export async function* searchRuns(
  http: HttpClient,
  search: { experimentIds: readonly string[]; filter?: string },
  signal: AbortSignal,
): AsyncGenerator<readonly WireRun[]> {
  if (search.experimentIds.length === 0) return;
  const body = {
    experiment_ids: search.experimentIds,
    run_view_type: "ALL",
    max_results: PAGE.runs,
    order_by: ["attributes.start_time ASC"],
    ...(search.filter === undefined ? {} : { filter: search.filter }),
  };
  for await (const page of pages(http, { path: `${API}/runs/search`, body, schema: wire.runs }, signal)) yield page.runs;
}

export interface LoggedModelSearch {
  readonly experimentIds: readonly string[];
  readonly filter?: string;
  /** Most on a page; default 1000. */
  readonly page?: number;
}

/** Those that are not deleted; others nobody is told of. Servers before 3.0 have none. */
export async function* searchLoggedModels(
  http: HttpClient,
  { experimentIds, filter, page = PAGE.loggedModels }: LoggedModelSearch,
  signal: AbortSignal,
): AsyncGenerator<WireLoggedModel> {
  if (experimentIds.length === 0) return;
  const body = {
    experiment_ids: experimentIds,
    max_results: page,
    order_by: [{ field_name: "creation_timestamp", ascending: true }],
    ...(filter === undefined ? {} : { filter }),
  };
  const answers = pages(http, { path: LOGGED_MODELS, body, schema: wire.loggedModels }, signal);
  for (;;) {
    const answer = await unlessNotFound(answers.next());
    if (answer === undefined || answer.done === true) return;
    yield* answer.value.models;
  }
}

/** Whether there is any logged model in these experiments that is not deleted. */
export async function hasLoggedModels(http: HttpClient, experimentIds: readonly string[], signal: AbortSignal): Promise<boolean> {
  const body = { experiment_ids: experimentIds, max_results: 1 };
  const answer = await unlessNotFound(http.json({ method: "POST", path: LOGGED_MODELS, body, repeat: "safe" }, signal));
  return answer !== undefined && parseWire(wire.loggedModels, answer, LOGGED_MODELS).models.length > 0;
}

const LOGGED_MODELS = `${API}/logged-models/search`;

/** Registered models that are no prompts, or with `prompts` the prompts. */
export async function* searchModels(
  http: HttpClient,
  options: { prompts: boolean; filter?: string },
  signal: AbortSignal,
): AsyncGenerator<WireRegisteredModel> {
  const wanted = options.prompts ? PROMPT_FILTER : options.filter;
  const filter: Query = wanted === undefined ? [] : [["filter", wanted]];
  const query: Query = [["max_results", String(PAGE.models)], ...filter];
  for await (const page of pagesOf(http, { path: `${API}/registered-models/search`, query, schema: wire.registeredModels }, signal)) {
    yield* page.registered_models;
  }
}

/** Both searches of the registry hide prompts, unless asked for by this tag (mlflow/prompt/constants.py). */
const PROMPT_FILTER = "tags.`mlflow.prompt.is_prompt` = 'true'";

/** Every version, or those of one model. */
export function searchVersions(http: HttpClient, model: string | undefined, signal: AbortSignal): AsyncGenerator<WireModelVersion> {
  return filterVersions(http, model === undefined ? undefined : `name=${quoted(model)}`, signal);
}

/** The versions that a filter lets through, in MLflow's grammar. */
export async function* filterVersions(http: HttpClient, filter: string | undefined, signal: AbortSignal): AsyncGenerator<WireModelVersion> {
  const wanted: Query = filter === undefined ? [] : [["filter", filter]];
  const query: Query = [["max_results", String(PAGE.versions)], ["order_by", "version_number ASC"], ...wanted];
  for await (const page of pagesOf(http, { path: `${API}/model-versions/search`, query, schema: wire.modelVersions }, signal)) {
    yield* page.model_versions;
  }
}

/** Whether a name can stand in a filter: MLflow's grammar has no way to write a text that holds both kinds of quotes. */
export function canBeQuoted(name: string): boolean {
  return !(name.includes("'") && name.includes('"'));
}

/** A text as a filter takes it; see {@link canBeQuoted}. */
export function quoted(name: string): string {
  return name.includes("'") ? `"${name}"` : `'${name}'`;
}

interface Paged<T> {
  readonly path: string;
  readonly schema: z.ZodType<T>;
}

async function* pages<T extends { next_page_token?: string | undefined }>(
  http: HttpClient,
  { path, body, schema }: Paged<T> & { body: object },
  signal: AbortSignal,
): AsyncGenerator<T> {
  const ask = (token: string | undefined): Promise<T> => {
    const request: JsonRequest = {
      method: "POST",
      path,
      body: token === undefined ? body : { ...body, page_token: token },
      repeat: "safe",
    };
    return http.json(request, signal).then((answer) => parseWire(schema, answer, path));
  };
  yield* following(ask);
}

/** The pages of a GET listing. */
export async function* pagesOf<T extends { next_page_token?: string | undefined }>(
  http: HttpClient,
  { path, query, schema }: Paged<T> & { query: Query },
  signal: AbortSignal,
): AsyncGenerator<T> {
  yield* following((token) => get(http, path, { query: token === undefined ? query : [...query, ["page_token", token]], schema, signal }));
}

/** Follows the tokens to the end, also past an empty page; asks for the next page before handing out this one. */
async function* following<T extends { next_page_token?: string | undefined }>(
  ask: (token: string | undefined) => Promise<T>,
): AsyncGenerator<T> {
  let current: Promise<T> | undefined = ask(undefined);
  while (current !== undefined) {
    const page: T = await current;
    const token = page.next_page_token;
    current = token === undefined || token === "" ? undefined : ask(token);
    // An early end of the consumer must not leave a rejection that nobody sees.
    current?.catch(() => undefined);
    yield page;
  }
}
