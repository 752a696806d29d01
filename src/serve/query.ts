// MLflow's search language over objects in memory: `key comparator value AND …`, and order_by. What it does not know is refused by name.
import { invalid } from "./refusals.ts";

export type Value = string | number | bigint | undefined;

/** What can be searched in objects of one kind. */
export interface Searchable<T> {
  /** Fields by name; they may be written bare or below one of `prefixes`. */
  readonly attributes: Readonly<Record<string, (object: T) => Value>>;
  /** Words that may stand before a field: `attributes`, `run`. */
  readonly prefixes: readonly string[];
  /** Keyed values by their word in the singular, such as `tag`; the plural is understood too. */
  readonly keyed: Readonly<Record<string, (object: T, key: string) => Value>>;
}

type Getter<T> = (object: T) => Value;
type Literal = string | number | bigint | readonly string[];

/** One comparison: subject, optional quoted or bare key, comparator, value. */
const CLAUSE =
  /\s*(?:(\w+)\.)?(?:`([^`]*)`|"([^"]*)"|([\w./:-]+))\s*(!=|>=|<=|=|>|<|not\s+like\b|like\b|ilike\b|not\s+in\b|in\b|is\s+not\s+null\b|is\s+null\b)\s*(?:'([^']*)'|"([^"]*)"|\(([^()]*)\)|(-?[\d.]+(?:e[+-]?\d+)?))?\s*(and\b|$)/iy;

/** A predicate from a filter string; no filter lets everything through. Throws for what is not understood. */
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
    const get = getterOf(match[1], match[2] ?? match[3] ?? match[4] ?? "", searchable);
    return { get, sign: match[5]?.toLowerCase() === "desc" ? -1 : 1 };
  });
  return (a, b) => {
    for (const { get, sign } of keys) {
      const order = compare(get(a), get(b), sign);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function getterOf<T>(prefix: string | undefined, name: string, searchable: Searchable<T>): Getter<T> {
  const word = prefix
    ?.toLowerCase()
    .replace(/s$/, "")
    .replace(/^parameter$/, "param");
  const keyed = word === undefined ? undefined : searchable.keyed[word];
  if (keyed !== undefined) return (object) => keyed(object, name);
  const isField = word === undefined || searchable.prefixes.includes(word);
  const field = isField && Object.hasOwn(searchable.attributes, name) ? searchable.attributes[name] : undefined;
  if (field !== undefined) return field;
  const known = [...Object.keys(searchable.attributes), ...Object.keys(searchable.keyed).map((key) => `${key}s.<key>`)];
  const full = prefix === undefined ? name : `${prefix}.${name}`;
  throw invalid(`Invalid attribute key '${full}' specified. Valid keys are '${known.join("', '")}'`);
}

function testOf<T>(match: RegExpExecArray, searchable: Searchable<T>): (object: T) => boolean {
  const [, prefix, ticked, quoted, bare, comparatorText = "", single, double, list, number] = match;
  const name = ticked ?? quoted ?? bare ?? "";
  const get = getterOf(prefix, name, searchable);
  const comparator = comparatorText.toLowerCase().replace(/\s+/g, " ");
  if (comparator === "is null") return (object) => get(object) === undefined;
  if (comparator === "is not null") return (object) => get(object) !== undefined;
  const literal = single ?? double ?? (list === undefined ? numeric(number) : items(list));
  if (literal === undefined || (list !== undefined) !== comparator.endsWith("in")) {
    throw invalid(`Invalid value for '${name}' after ${comparatorText} in the filter`);
  }
  const holds = comparison(comparator, literal);
  // A comparison matches only objects that have the key, != too.
  return (object) => {
    const value = get(object);
    return value !== undefined && holds(value);
  };
}

function comparison(comparator: string, literal: Literal): (value: string | number | bigint) => boolean {
  if (typeof literal === "object") {
    const isIn = comparator === "in";
    return (value) => literal.includes(String(value)) === isIn;
  }
  if (comparator.endsWith("like")) {
    const pattern = likePattern(String(literal), comparator === "ilike" ? "isu" : "su");
    return (value) => pattern.test(String(value)) !== (comparator === "not like");
  }
  return (value) => {
    const order = compare(value, typeof value === "string" ? String(literal) : literal, 1);
    if (comparator === "=") return order === 0;
    if (comparator === "!=") return order !== 0;
    if (comparator === ">") return order > 0;
    if (comparator === "<") return order < 0;
    return comparator === ">=" ? order >= 0 : order <= 0;
  };
}

/** Whole numbers stay exact, since times and steps may be beyond what a double holds. */
function numeric(text: string | undefined): number | bigint | undefined {
  if (text === undefined) return undefined;
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}

function items(list: string): readonly string[] {
  const found = [...list.matchAll(/\s*(?:'([^']*)'|"([^"]*)"|([^\s,'"]+))\s*(?:,|$)/gy)];
  if (list.trim() === "" || found.map(([text]) => text).join("") !== list) throw invalid(`Invalid list (${list}) in the filter`);
  return found.map(([, single, double, bare]) => single ?? double ?? bare ?? "");
}

function likePattern(like: string, flags: string): RegExp {
  const source = like
    .replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
    .replaceAll("%", ".*")
    .replaceAll("_", ".");
  return new RegExp(`^${source}$`, flags);
}

/** Absent values after all others, whatever the sign; numbers before texts. */
function compare(a: Value, b: Value, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === "string" || typeof b === "string") {
    const [left, right] = [String(a), String(b)];
    return left < right ? -sign : left > right ? sign : 0;
  }
  return a < b ? -sign : a > b ? sign : 0;
}
