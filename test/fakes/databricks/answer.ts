// What the routes of the fake Databricks workspace share: a call as they see it, an answer, a refusal in Databricks' words.

export type Json = Record<string, unknown>;

export interface Call {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  readonly body: Json;
  /** The body as it came. */
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Who asks. */
  readonly user: string;
  /** Named parts of the path. */
  readonly parts: Readonly<Record<string, string>>;
}

/** An answer that is more than JSON with 200. */
export class Reply {
  readonly status: number;
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, bytes: Buffer | string = "", headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.bytes = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    this.headers = headers;
  }
}

/** An error answer: `{"error_code", "message"}`. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const invalid = (message: string): Refused => new Refused(400, "INVALID_PARAMETER_VALUE", message);
export const missing = (message: string): Refused => new Refused(404, "RESOURCE_DOES_NOT_EXIST", message);
export const exists = (message: string): Refused => new Refused(400, "RESOURCE_ALREADY_EXISTS", message);
export const forbidden = (message: string): Refused => new Refused(403, "PERMISSION_DENIED", message);

/** Parameters wherever a client puts them: MLflow's DELETEs have a JSON body, those of the SDK a query. */
export function fields(call: Pick<Call, "query" | "body">): Json {
  return { ...Object.fromEntries(call.query), ...call.body };
}

/** A field that must be a text; numbers count where ids are meant. Absent or empty: refused. */
export function required(from: Json, name: string): string {
  const value = optional(from, name);
  if (value === undefined || value === "") throw invalid(`Missing value for required parameter '${name}'.`);
  return value;
}

export function optional(from: Json, name: string): string | undefined {
  const value = from[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw invalid(`Parameter '${name}' must be a text, got ${JSON.stringify(value)}.`);
}

export function list(value: unknown): Json[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`Expected a list, got ${JSON.stringify(value)}.`);
  return value as Json[];
}

/** Key and value pairs, both texts. */
export function pairs(value: unknown): [string, string][] {
  return list(value).map((pair) => [required(pair, "key"), optional(pair, "value") ?? ""]);
}

export const tagsJson = (tags: ReadonlyMap<string, string>): Json[] => [...tags].map(([key, value]) => ({ key, value }));

/** Leaves out what is undefined or an empty list, as protobuf's JSON does. */
export function compact(json: Json): Json {
  return Object.fromEntries(
    Object.entries(json).filter(([, value]) => value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0)),
  );
}

export interface PageRules {
  readonly most: number;
  readonly usual: number;
  /** Begins with an empty page that carries a token, as Unity Catalog's listings may. */
  readonly emptyFirst?: boolean;
}

/** One page of `all` with the token of the next; the token is opaque to clients. */
export function page<T>(all: readonly T[], from: Json, { most, usual, emptyFirst = false }: PageRules): { items: T[]; next: Json } {
  const size = Number(from["max_results"] ?? usual);
  if (!(size > 0 && size <= most)) throw invalid(`Invalid value ${String(size)} for parameter 'max_results': at most ${String(most)}.`);
  const token = optional(from, "page_token");
  if (token === undefined && emptyFirst) return { items: [], next: { next_page_token: tokenOf(0) } };
  const offset = token === undefined ? 0 : offsetOf(token);
  const items = all.slice(offset, offset + size);
  return { items, next: offset + size < all.length ? { next_page_token: tokenOf(offset + size) } : {} };
}

const tokenOf = (offset: number): string => Buffer.from(JSON.stringify({ offset })).toString("base64");

function offsetOf(token: string): number {
  try {
    return (JSON.parse(Buffer.from(token, "base64").toString()) as { offset: number }).offset;
  } catch {
    throw invalid("Invalid page token.");
  }
}
