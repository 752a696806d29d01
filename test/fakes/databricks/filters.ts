// The search filters that clients of the fake send: comparisons with AND between them.
import { invalid } from "./answer.ts";

export interface Facets {
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags?: ReadonlyMap<string, string>;
  readonly params?: ReadonlyMap<string, string>;
}

/** Whether the object passes. Throws for what is no filter, as the server does. */
export function matches(filter: string, facets: Facets): boolean {
  if (filter.trim() === "") return true;
  return filter.split(/ and /i).every((clause) => passes(clause.trim(), facets));
}

const CLAUSE = /^(?:(attributes?|tags?|params?)\.)?([\w.]+|`[^`]+`|"[^"]+")\s*(=|!=|like|ilike|in)\s*(.*)$/is;

function passes(clause: string, facets: Facets): boolean {
  const match = CLAUSE.exec(clause);
  if (match === null) throw invalid(`Invalid clause(s) in filter string: '${clause}'`);
  const [, kind = "attribute", quotedKey = "", comparator = "", literal = ""] = match;
  const key = quotedKey.replace(/^[`"]|[`"]$/g, "");
  const value = valueOf(facets, kind, key);
  if (comparator.toLowerCase() === "in") return [...literal.matchAll(/'([^']*)'/g)].some(([, one]) => one === value);
  const wanted = /^(['"])(.*)\1$/s.exec(literal)?.[2];
  if (wanted === undefined) throw invalid(`Expected a quoted string value for ${kind} (e.g. 'my-value'). Got value ${literal}`);
  if (value === undefined) return false;
  switch (comparator.toLowerCase()) {
    case "=":
      return value === wanted;
    case "!=":
      return value !== wanted;
    default:
      return new RegExp(
        `^${wanted
          .replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")
          .replace(/%/g, ".*")
          .replace(/_/g, ".")}$`,
        comparator.toLowerCase() === "ilike" ? "is" : "s",
      ).test(value);
  }
}

function valueOf(facets: Facets, kind: string, key: string): string | undefined {
  if (kind.startsWith("tag")) return facets.tags?.get(key);
  if (kind.startsWith("param")) return facets.params?.get(key);
  return facets.attributes[key];
}
