// The parameters of a request, wherever they stand: repeated keys of a query, or members of a JSON body.
import { parseJson } from "../http/json.ts";
import { invalid } from "./refusals.ts";

/** All values of each parameter. */
export type Fields = ReadonlyMap<string, readonly unknown[]>;

export function queryFields(query: URLSearchParams): Fields {
  return new Map([...query.keys()].map((key) => [key, query.getAll(key)]));
}

/** Text that is no JSON object counts as no parameters, as it does on a server: the error then names what is missing. */
export function bodyFields(text: string): Fields {
  let body: unknown;
  try {
    body = parseJson(text);
  } catch {
    return new Map();
  }
  if (typeof body !== "object" || body === null) return new Map();
  const entries = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);
  return new Map(entries.map(([key, value]): [string, unknown[]] => [key, Array.isArray(value) ? value : [value]]));
}

/** A text that may be absent; an empty one counts as absent. */
export function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields.get(name)?.[0];
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw invalid(`Invalid value ${JSON.stringify(value)} for parameter '${name}' supplied.`);
}

/** A text that must be there; `name` is tried before the older names. */
export function requiredText(fields: Fields, name: string, ...older: readonly string[]): string {
  for (const one of [name, ...older]) {
    const value = optionalText(fields, one);
    if (value !== undefined) return value;
  }
  throw invalid(`Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`);
}

export function texts(fields: Fields, name: string): readonly string[] {
  return (fields.get(name) ?? []).map((value) => {
    if (typeof value === "string" || typeof value === "number") return String(value);
    throw invalid(`Invalid value ${JSON.stringify(value)} for parameter '${name}' supplied.`);
  });
}

export interface CountLimits {
  /** Used when the parameter is absent. Absent itself: the parameter is required. */
  readonly default?: number;
  /** Largest value that is not refused. */
  readonly most: number;
}

/** A page size: a whole number from 1 to `most`. */
export function count(fields: Fields, name: string, limits: CountLimits): number {
  const text = limits.default === undefined ? requiredText(fields, name) : optionalText(fields, name);
  if (text === undefined) return limits.default ?? limits.most;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > limits.most) {
    throw invalid(`Invalid value ${text} for parameter '${name}' supplied. It must be an integer from 1 to ${String(limits.most)}.`);
  }
  return value;
}

/** Which of the active and the deleted objects a search is about; names and numbers of MLflow's ViewType. */
export function viewType(fields: Fields, name: string): (deleted: boolean) => boolean {
  const view = optionalText(fields, name) ?? "ACTIVE_ONLY";
  if (view === "ACTIVE_ONLY" || view === "1") return (deleted) => !deleted;
  if (view === "DELETED_ONLY" || view === "2") return (deleted) => deleted;
  if (view === "ALL" || view === "3") return () => true;
  throw invalid(`Invalid value ${view} for parameter '${name}' supplied.`);
}
