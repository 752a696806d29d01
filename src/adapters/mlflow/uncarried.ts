// Counts what is there but cannot be carried yet, so that it is named as a loss. A server that does not offer a kind has none of it;
// what it does not show to this principal is named without a number.
import type { z } from "zod";
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import { isSwitchedOffPart } from "../../http/failure.ts";
import type { Experiment } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import { isEverything, matcher, sidesOf, tagMatcher } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";
import type { NotCarried } from "../../ports/source.ts";
import { get, searchModels } from "./calls.ts";
import { unlessNotFound } from "./calls.ts";
import { parseWire, wire } from "./wire.ts";

/** Most that one search gives; with a further page the count is "at least". */
const TRACES = 500;
const DATASETS = 50;

/**
 * What of other kinds is in the selection: in experiments and under model names that it names, not in those that it merely pulls in,
 * and not where it is about runs alone.
 * Logged models that are deleted cannot be counted: no call lists them.
 */
export async function countUncarried(http: HttpClient, selected: Selected, signal: AbortSignal): Promise<readonly NotCarried[]> {
  const { selection } = selected;
  const named = wholeExperiments(selected);
  const counts = await Promise.all([
    sidesOf(selection).models && selection.stages === undefined ? prompts(http, selection, signal) : [],
    named.size === 0 ? [] : offered(anyTraces(http, named, signal), [unseen("traces")]),
    named.size === 0 ? [] : offered(datasets(http, [...named.keys()], signal), [unseen("evaluation datasets")]),
    offered(scorers(http, named, signal), [unseen("scorers")]),
    // Where the server asks for a login, webhooks are for administrators: others have nothing there that could be missed.
    isEverything(selection) ? offered(webhooks(http, signal), []) : [],
    isOpen(selection) ? offered(hidden(http, signal), []) : [],
  ]);
  return counts.flat().filter((item) => item.count > 0 || item.atLeast === true);
}

/** Traces alone. */
export async function countTraces(http: HttpClient, selected: Selected, signal: AbortSignal): Promise<readonly NotCarried[]> {
  const named = wholeExperiments(selected);
  return named.size === 0 ? [] : offered(anyTraces(http, named, signal), [unseen("traces")]);
}

interface Selected {
  readonly experiments: readonly Experiment[];
  readonly selection: Selection;
}

/** Names of the experiments that the selection means with all that is in them, by id. */
function wholeExperiments({ experiments, selection }: Selected): Map<string, string> {
  const isWhole = sidesOf(selection).experiments && selection.runs === undefined && selection.since === undefined;
  const isNamed = matcher(isWhole ? (selection.experiments ?? ["*"]) : []);
  const isTagged = tagMatcher(selection.tags);
  // The server refuses to list scorers of deleted experiments.
  const whole = experiments.filter(({ name, tags, deleted }) => !deleted && isNamed(name) && isTagged(tags));
  return new Map(whole.map(({ key, name }) => [idOf(key), name]));
}

async function prompts(http: HttpClient, selection: Selection, signal: AbortSignal): Promise<NotCarried[]> {
  const { models, tags: tests, aliases, since } = selection;
  const [isNamed, isTagged, isAlias] = [matcher(models ?? ["*"]), tagMatcher(tests), matcher(aliases ?? ["*"])];
  let count = 0;
  for await (const prompt of searchModels(http, { prompts: true }, signal)) {
    const isLate = since === undefined || (prompt.last_updated_timestamp ?? 0n) >= BigInt(since.from);
    const isAliased = aliases === undefined || prompt.aliases.some(({ alias }) => isAlias(alias));
    if (isNamed(prompt.name) && isTagged(prompt.tags) && isLate && isAliased) count += 1;
  }
  return [{ what: "prompts", count }];
}

async function anyTraces(http: HttpClient, named: ReadonlyMap<string, string>, signal: AbortSignal): Promise<NotCarried[]> {
  return (await unlessNotFound(traces(http, named, signal))) ?? tracesBefore3(http, named, signal);
}

/** One search over all experiments. */
async function traces(http: HttpClient, named: ReadonlyMap<string, string>, signal: AbortSignal): Promise<NotCarried[]> {
  const path = "/api/3.0/mlflow/traces/search";
  const locations = [...named.keys()].map((id) => ({ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: id } }));
  const answer = await http.json({ method: "POST", path, body: { locations, max_results: TRACES }, repeat: "safe" }, signal);
  return tracesOf(parseWire(wire.traces, answer, path), named);
}

/** Servers before 3.0 have another route, which takes the experiments in its address: a few at a time. */
async function tracesBefore3(http: HttpClient, named: ReadonlyMap<string, string>, signal: AbortSignal): Promise<NotCarried[]> {
  const ids = [...named.keys()];
  const counts: NotCarried[] = [];
  for (let at = 0; at < ids.length; at += EXPERIMENTS_IN_ADDRESS) {
    const some = ids.slice(at, at + EXPERIMENTS_IN_ADDRESS).map((id) => ["experiment_ids", id] as const);
    const query = [...some, ["max_results", String(TRACES)] as const];
    counts.push(...tracesOf(await get(http, "/api/2.0/mlflow/traces", { query, schema: wire.traces, signal }), named));
  }
  return counts;
}

/** gunicorn takes 4,094 characters. */
const EXPERIMENTS_IN_ADDRESS = 50;

/** By experiment, where the search came to its end. */
function tracesOf(page: z.infer<typeof wire.traces>, named: ReadonlyMap<string, string>): NotCarried[] {
  if (hasMore(page)) return [{ what: "traces", count: page.traces.length, atLeast: true }];
  const counts = new Map<string, number>();
  for (const { trace_location: location, experiment_id: before3 } of page.traces) {
    const id = location?.mlflow_experiment?.experiment_id ?? before3 ?? "";
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts].map(([id, count]) => ({ what: "traces", count, ...where(named.get(id)) }));
}

async function datasets(http: HttpClient, experimentIds: readonly string[], signal: AbortSignal): Promise<NotCarried[]> {
  const path = "/api/3.0/mlflow/datasets/search";
  const body = { experiment_ids: experimentIds, max_results: DATASETS };
  const page = parseWire(wire.datasets, await http.json({ method: "POST", path, body, repeat: "safe" }, signal), path);
  return [{ what: "evaluation datasets", count: page.datasets.length, ...(hasMore(page) ? { atLeast: true } : {}) }];
}

/** The one kind that can only be asked for by experiment; the first one tells whether the server has it. */
async function scorers(http: HttpClient, named: ReadonlyMap<string, string>, signal: AbortSignal): Promise<NotCarried[]> {
  const path = "/api/3.0/mlflow/scorers/list";
  const count = async ([id, name]: readonly [string, string]): Promise<NotCarried> => {
    const list = await get(http, path, { query: [["experiment_id", id]], schema: wire.scorers, signal });
    return { what: "scorers", count: list.scorers.length, ...where(name) };
  };
  const [first, ...others] = named;
  if (first === undefined) return [];
  return [await count(first), ...(await Promise.all(others.map(count)))];
}

async function webhooks(http: HttpClient, signal: AbortSignal): Promise<NotCarried[]> {
  const page = await get(http, "/api/2.0/mlflow/webhooks", { schema: wire.webhooks, signal });
  return [{ what: "webhooks", count: page.webhooks.length, ...(hasMore(page) ? { atLeast: true } : {}) }];
}

/** Whether more could be selected than what is there to be seen: a plain name that is not seen is an error already. */
function isOpen({ experiments, models }: Selection): boolean {
  return [...(experiments ?? []), ...(models ?? [])].some((glob) => /[*?[]/.test(glob)) || (experiments ?? models) === undefined;
}

/** With MLflow's basic-auth app (3.x), searches leave out what the user may not read, without a word. Administrators see everything. */
async function hidden(http: HttpClient, signal: AbortSignal): Promise<NotCarried[]> {
  const { user } = await get(http, "/api/2.0/mlflow/users/current", { schema: wire.currentUser, signal });
  return user?.is_admin !== false ? [] : [unseen("objects that this user may not see")];
}

function hasMore({ next_page_token: token }: { readonly next_page_token?: string | undefined }): boolean {
  return token !== undefined && token !== "";
}

function where(name: string | undefined): { where?: string } {
  return name === undefined ? {} : { where: name };
}

function unseen(what: string): NotCarried {
  return { what, count: 0, atLeast: true };
}

/** Routes that this server does not have or has switched off hold nothing that could be told. `forbidden`: what a 403 comes to. */
async function offered(counts: Promise<NotCarried[]>, forbidden: NotCarried[]): Promise<NotCarried[]> {
  try {
    return await counts;
  } catch (thrown) {
    const status = thrown instanceof MigrationError ? thrown.request?.status : undefined;
    if (status === 403) return forbidden;
    if ((status !== undefined && NOT_OFFERED.has(status)) || isSwitchedOffPart(thrown)) return [];
    throw thrown;
  }
}

const NOT_OFFERED: ReadonlySet<number> = new Set([404, 405, 501]);
