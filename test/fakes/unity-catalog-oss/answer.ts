// What the routes of the fake open-source Unity Catalog share: a call as they see it, and a refusal in the server's own words.

export type Json = Record<string, unknown>;

export interface Call {
  readonly query: ReadonlyMap<string, string>;
  readonly body: Json;
  /** Named parts of the path. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The status of each error code (server/exception/ErrorCode.java): they are not those of Databricks or MLflow. */
const STATUS = {
  INVALID_ARGUMENT: 400,
  CATALOG_ALREADY_EXISTS: 400,
  SCHEMA_ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  NOT_FOUND: 404,
  CATALOG_NOT_FOUND: 404,
  SCHEMA_NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  INTERNAL: 500,
} as const;
export type ServerCode = keyof typeof STATUS;

/** An error answer: `{"error_code", "details", "message"}`. */
export class Refused extends Error {
  readonly code: ServerCode;

  constructor(code: ServerCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }

  toJson(): Json {
    const details = [{ reason: this.code, "@type": "google.rpc.ErrorInfo" }];
    return { error_code: this.code, details, message: this.message };
  }
}

export const invalid = (message: string): Refused => new Refused("INVALID_ARGUMENT", message);

/** A field of a body that is a text or absent; null is absent. */
export function text(from: Json, name: string): string | undefined {
  const value = from[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw invalid(`failed to parse a JSON document: ${name}`);
}

/** What a column of the database takes; a longer text is an error of the server's, not of the request. */
export function fitting(value: string | undefined, chars: number, what: string): string | undefined {
  if (value !== undefined && value.length > chars) throw new Refused("INTERNAL", `Error ${what}`);
  return value;
}

const MOST_ON_A_PAGE = 100;

/** PagedListingHelper.java: at most 100, and 0 means that too. */
export function pageSize(query: ReadonlyMap<string, string>): number {
  const text = query.get("max_results") ?? "0";
  const asked = Number(text);
  if (!Number.isInteger(asked)) throw invalid(`For input string: "${text}"`);
  if (asked < 0) throw invalid("maxResults must be greater than or equal to 0");
  return asked === 0 ? MOST_ON_A_PAGE : Math.min(asked, MOST_ON_A_PAGE);
}

/** The items after the token in ascending order; a full page carries a token even where it is the last. */
export function page<T>(items: readonly T[], size: number, tokenOf: (item: T) => string): { items: readonly T[]; next: string | null } {
  const some = items.slice(0, size);
  const last = some.at(-1);
  return { items: some, next: last === undefined || some.length < size ? null : tokenOf(last) };
}
