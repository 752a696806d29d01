// MLflow's search language over objects in memory: `key comparator value AND …`, and order_by. What it does not know, and what a
// server refuses, is refused by name (mlflow/utils/search_utils.py of 3.17).
import { MigrationError } from "../errors.ts";

export type Value = string | number | bigint | undefined;

/** What can be searched in objects of one kind. */
export interface Searchable<T> {
  /** Fields by name; they may be written bare or below one of `prefixes`. */
  readonly attributes: Readonly<Record<string, (object: T) => Value>>;
  /** Words that may stand before a field: `attributes`, `run`. */
  readonly prefixes: readonly string[];
  /** Keyed values by their word in the singular, such as `tag`; the plural is understood too. */
  readonly keyed: Readonly<Record<string, (object: T, key: string) => Value>>;
  /** Several values under one word, by field: a comparison holds where it does for one of them. */
  readonly many?: Readonly<Record<string, Readonly<Record<string, (object: T) => readonly string[]>>>>;
  /** Which fields and words are numbers; all others are texts. */
  readonly numbers: readonly string[];
  /** Fields that take a list. */
  readonly lists: readonly string[];
}

type Literal = string | number | bigint | readonly string[] | undefined;

/** One subject of a comparison. */
interface Subject<T> {
  readonly name: string;
  readonly type: "number" | "text";
  readonly takesList: boolean;
  /** Whether it can be asked whether it is there. */
  readonly isKeyed: boolean;
  readonly values: (object: T) => readonly Exclude<Value, undefined>[];
}

/** One comparison: subject, optional quoted or bare key, comparator, value. */
const CLAUSE =
  /\s*(?:(\w+)\.)?(?:`([^`]*)`|"([^"]*)"|([\w./:-]+))\s*(!=|>=|<=|=|>|<|like\b|ilike\b|not\s+in\b|in\b|is\s+not\s+null\b|is\s+null\b)\s*(?:'([^']*)'|"([^"]*)"|\(([^()]*)\)|(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))?\s*(and\b|$)/iy;

/** A predicate from a filter string; no filter lets everything through. Throws FILTER_INVALID for what is not understood. */
export function parseFilter<T>(filter: string | undefined, searchable: Searchable<T>): (object: T) => boolean {
  if (filter === undefined || filter.trim() === "") return () => true;
  const tests: ((object: T) => boolean)[] = [];
  let at = 0;
  for (let more = true; more;) {
    CLAUSE.lastIndex = at;
    const match = CLAUSE.exec(filter);
    if (match === null) throw invalid(`Invalid filter, cannot understand it from ${JSON.stringify(filter.slice(at))} on`);
    tests.push(testOf(match, searchable));
    at = CLAUSE.lastIndex;
    more = match[10] !== "";
  }
  return (object) => tests.every((test) => test(object));
}

/** A comparison function from `order_by` texts such as `attributes.start_time DESC`; absent values come last. */
export function parseOrder<T>(orders: readonly string[], searchable: Searchable<T>): (a: T, b: T) => number {
  const keys = orders.map((order) => {
    const match = /^\s*(?:(\w+)\.)?(?:`([^`]*)`|"([^"]*)"|(\S+?))(?:\s+(asc|desc))?\s*$/i.exec(order);
    if (match === null) throw invalid(`Invalid order_by clause '${order}'`);
    const { values } = subjectOf(match[1], match[2] ?? match[3] ?? match[4] ?? "", searchable);
    return { get: (object: T) => values(object)[0], sign: match[5]?.toLowerCase() === "desc" ? -1 : 1 };
  });
  return (a, b) => {
    for (const { get, sign } of keys) {
      const order = inOrder(get(a), get(b), sign);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function subjectOf<T>(prefix: string | undefined, name: string, searchable: Searchable<T>): Subject<T> {
  const word = prefix
    ?.toLowerCase()
    .replace(/s$/, "")
    .replace(/^parameter$/, "param");
  const full = prefix === undefined ? name : `${prefix}.${name}`;
  const of = (key: string): Pick<Subject<T>, "name" | "type" | "takesList"> => ({
    name: full,
    type: searchable.numbers.includes(key) ? "number" : "text",
    takesList: searchable.lists.includes(key),
  });
  const keyed = word === undefined ? undefined : searchable.keyed[word];
  if (word !== undefined && keyed !== undefined) return { ...of(word), isKeyed: true, values: (object) => present(keyed(object, name)) };
  const many = word === undefined ? undefined : searchable.many?.[word];
  const several = many !== undefined && Object.hasOwn(many, name) ? many[name] : undefined;
  if (several !== undefined) return { ...of(`${word ?? ""}.${name}`), isKeyed: false, values: several };
  const isField = word === undefined || searchable.prefixes.includes(word);
  const field = isField && Object.hasOwn(searchable.attributes, name) ? searchable.attributes[name] : undefined;
  if (field !== undefined) return { ...of(name), isKeyed: false, values: (object) => present(field(object)) };
  throw invalid(`Invalid attribute key '${full}' specified. Valid keys are '${knownKeys(searchable).join("', '")}'`);
}

function knownKeys<T>({ attributes, keyed, many = {} }: Searchable<T>): string[] {
  const several = Object.entries(many).flatMap(([word, fields]) => Object.keys(fields).map((field) => `${word}.${field}`));
  return [...Object.keys(attributes), ...Object.keys(keyed).map((key) => `${key}s.<key>`), ...several];
}

function present(value: Value): readonly Exclude<Value, undefined>[] {
  return value === undefined ? [] : [value];
}

function testOf<T>(match: RegExpExecArray, searchable: Searchable<T>): (object: T) => boolean {
  const [, prefix, ticked, quoted, bare, comparatorText = "", single, double, list, number] = match;
  const subject = subjectOf(prefix, ticked ?? quoted ?? bare ?? "", searchable);
  const comparator = comparatorText.toLowerCase().replace(/\s+/g, " ");
  const literal = single ?? double ?? (list === undefined ? numeric(number) : items(list));
  if (!isFitting(subject, comparator, literal)) {
    throw invalid(`Invalid value for '${subject.name}' after ${comparatorText} in the filter: ${expectation(subject)}`);
  }
  if (comparator === "is null") return (object) => subject.values(object).length === 0;
  if (comparator === "is not null") return (object) => subject.values(object).length > 0;
  const holds = comparison(comparator, literal);
  // A comparison matches only objects that have the key, != too.
  return (object) => subject.values(object).some(holds);
}

const NUMBER_COMPARATORS = ["=", "!=", ">", ">=", "<", "<="];
const TEXT_COMPARATORS = ["=", "!=", "like", "ilike"];

/** Numbers are compared with numbers, texts with quoted texts, and few fields with lists: all else a server refuses. */
function isFitting<T>({ type, takesList, isKeyed }: Subject<T>, comparator: string, literal: Literal): boolean {
  if (comparator.startsWith("is")) return literal === undefined && isKeyed && type === "text";
  if (comparator.endsWith("in")) return takesList && typeof literal === "object";
  if (type === "number") return NUMBER_COMPARATORS.includes(comparator) && (typeof literal === "number" || typeof literal === "bigint");
  return TEXT_COMPARATORS.includes(comparator) && typeof literal === "string";
}

function expectation<T>({ type, takesList }: Subject<T>): string {
  if (type === "number") return "it is compared with a number by = != > >= < <=";
  return `it is compared with a quoted text by = != LIKE ILIKE${takesList ? ", with a list by IN and NOT IN" : ""}`;
}

function comparison(comparator: string, literal: Literal): (value: string | number | bigint) => boolean {
  if (typeof literal === "object") {
    const isIn = comparator === "in";
    return (value) => literal.includes(String(value)) === isIn;
  }
  if (comparator.endsWith("like")) {
    const pattern = likePattern(String(literal), comparator === "ilike" ? "isu" : "su");
    return (value) => pattern.test(String(value));
  }
  if (typeof literal === "string") return (value) => (String(value) === literal) === (comparator === "=");
  const wanted = literal ?? 0;
  return (value) => (typeof value === "string" ? false : holdsForNumbers(comparator, value, wanted));
}

/** Not a number is unequal to everything and neither above nor below anything. */
function holdsForNumbers(comparator: string, value: number | bigint, wanted: number | bigint): boolean {
  switch (comparator) {
    case "=":
      return value >= wanted && value <= wanted;
    case "!=":
      return !(value >= wanted && value <= wanted);
    case ">":
      return value > wanted;
    case ">=":
      return value >= wanted;
    case "<":
      return value < wanted;
    default:
      return value <= wanted;
  }
}

/** Whole numbers stay exact, since times and steps may be beyond what a double holds. */
function numeric(text: string | undefined): number | bigint | undefined {
  if (text === undefined) return undefined;
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}

function items(list: string): readonly string[] {
  const found = [...list.matchAll(/\s*(?:'([^']*)'|"([^"]*)")\s*(?:,|$)/gy)];
  if (list.trim() === "" || found.map(([text]) => text).join("") !== list) throw invalid(`Invalid list (${list}) in the filter`);
  return found.map(([, single, double]) => single ?? double ?? "");
}

function likePattern(like: string, flags: string): RegExp {
  const source = like
    .replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
    .replaceAll("%", ".*")
    .replaceAll("_", ".");
  return new RegExp(`^${source}$`, flags);
}

/** Absent values after all others, whatever the sign; numbers before texts. */
function inOrder(a: Value, b: Value, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === "string" || typeof b === "string") {
    const [left, right] = [String(a), String(b)];
    return left < right ? -sign : left > right ? sign : 0;
  }
  return a < b ? -sign : a > b ? sign : 0;
}

function invalid(message: string): MigrationError {
  return new MigrationError("FILTER_INVALID", message);
}
