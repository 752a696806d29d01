// The filters of a fake server's searches: comparisons joined by AND, with a value of the type that the subject has, and nothing else.
// Independent of what is tested: the same language written down a second time.
import { MigrationError } from "../../src/errors.ts";
import type { Json, RunJson } from "./readable-mlflow.ts";

type Value = string | number | undefined;
type Test<T> = (object: T) => boolean;

/** What a filter of runs/search lets through. Throws as the server refuses. */
export function runTest(filter: unknown): Test<RunJson> {
  return tests(filter, runValue);
}

/** The same of logged-models/search. */
export function loggedModelTest(filter: unknown): Test<{ readonly info: Json }> {
  return tests(filter, ({ info }, subject) => {
    if (subject === "model_id") return String(info["model_id"]);
    if (subject === "last_updated_timestamp") return Number(info["last_updated_timestamp_ms"] ?? info["creation_timestamp_ms"]);
    throw invalid(subject);
  });
}

function tests<T>(filter: unknown, valueOf: (object: T, subject: string) => Value): Test<T> {
  if (filter === undefined) return () => true;
  if (typeof filter !== "string") throw new Error("a filter that is no text");
  const all = filter.split(" AND ").map((clause) => clauseTest(clause, valueOf));
  return (object) => all.every((test) => test(object));
}

function clauseTest<T>(clause: string, valueOf: (object: T, subject: string) => Value): Test<T> {
  const list = /^([\w.]+) IN \(('[\w-]+'(?:, '[\w-]+')*)\)$/.exec(clause);
  if (list !== null) {
    if (!["attributes.run_id", "model_id"].includes(list[1] ?? "")) throw invalid(clause);
    const ids = (list[2] ?? "").split(", ").map((quoted) => quoted.slice(1, -1));
    return (object) => ids.includes(String(valueOf(object, list[1] ?? "")));
  }
  const [, subject = "", comparator = "", text, number] = /^([\w.]+) (=|!=|>=|>|<=|<) (?:'([^']*)'|(-?[\d.]+))$/.exec(clause) ?? [];
  const isNumber = /^metrics\.|_time$|_timestamp$/.test(subject);
  if (subject === "" || isNumber !== (number !== undefined) || (!isNumber && !["=", "!="].includes(comparator))) throw invalid(clause);
  const wanted = isNumber ? Number(number) : (text ?? "");
  return (object) => {
    const value = valueOf(object, subject);
    return value !== undefined && compared(value, comparator, wanted);
  };
}

function compared(value: string | number, comparator: string, wanted: string | number): boolean {
  if (comparator === "=") return value === wanted;
  if (comparator === "!=") return value !== wanted;
  if (comparator === ">") return value > wanted;
  if (comparator === "<") return value < wanted;
  return comparator === ">=" ? value >= wanted : value <= wanted;
}

function runValue({ info, data }: RunJson, subject: string): Value {
  const [group, ...rest] = subject.split(".");
  const key = rest.join(".");
  const listed = (data?.[group ?? ""] ?? []) as { key: string; value: string | number }[];
  if (["metrics", "params", "tags"].includes(group ?? "")) return listed.find((pair) => pair.key === key)?.value;
  if (group !== "attributes" || !["run_id", "status", "start_time", "end_time"].includes(key)) throw invalid(subject);
  return info[key] as Value;
}

function invalid(what: string): MigrationError {
  const request = { method: "POST", url: "http://fake/search", status: 400, serverCode: "INVALID_PARAMETER_VALUE" };
  return new MigrationError("REQUEST_FAILED", `server answered 400 INVALID_PARAMETER_VALUE: Invalid clause(s) in filter string: ${what}`, {
    request,
  });
}
