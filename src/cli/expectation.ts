// What an administrator says is there, for mlferry doctor --expect: a listing as `mlferry ls --json` gives it, or a table.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { MigrationError } from "../errors.ts";
import type { Sight } from "../ports/checks.ts";
import { listingSchema } from "../report/json.ts";
import type { Unseen } from "../report/checklist.ts";

/** Names, with how many runs or versions they have at least; undefined where only the name is known. */
export interface Expectation {
  readonly experiments: ReadonlyMap<string, number | undefined>;
  readonly models: ReadonlyMap<string, number | undefined>;
}

const rowsSchema = z.array(
  z.union([
    z.strictObject({ model: z.string(), versions: z.int().min(0).optional() }),
    z.strictObject({ experiment: z.string(), runs: z.int().min(0).optional() }),
  ]),
);

/** Reads the files and joins what they expect. Throws USAGE naming the file for what is in none of the forms, DISK. */
export function readExpectation(paths: readonly string[]): Expectation {
  const experiments = new Map<string, number | undefined>();
  const models = new Map<string, number | undefined>();
  for (const path of paths) {
    const rows = rowsOf(readFileSync(path, "utf8"), path);
    if (rows.length === 0) throw illegible(path, "it expects nothing");
    for (const row of rows) {
      if ("model" in row) models.set(row.model, row.versions);
      else experiments.set(row.experiment, row.runs);
    }
  }
  return { experiments, models };
}

/** What of it is not to be seen, or not whole. */
export function unseenOf({ experiments, models }: Expectation, sight: Sight): Unseen[] {
  const missing = (kind: Unseen["kind"], expected: Expectation["models"], seen: ReadonlyMap<string, number | undefined>): Unseen[] =>
    [...expected].flatMap(([name, count]): Unseen[] => {
      const visible = seen.get(name);
      if (!seen.has(name)) return [{ kind, name, expected: count, visible: undefined }];
      return count === undefined || visible === undefined || visible >= count ? [] : [{ kind, name, expected: count, visible }];
    });
  return [...missing("experiment", experiments, sight.experiments), ...missing("registered-model", models, sight.models)];
}

type Row = z.infer<typeof rowsSchema>[number];

function rowsOf(text: string, path: string): Row[] {
  return /^\s*[[{]/.test(text) ? jsonRows(text, path) : tableRows(text, path);
}

function jsonRows(text: string, path: string): Row[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw illegible(path, "it is not valid JSON", cause);
  }
  const rows = rowsSchema.safeParse(value);
  if (rows.success) return rows.data;
  const listing = listingSchema.pick({ experiments: true, models: true }).safeParse(value);
  if (!listing.success) throw illegible(path, "it is neither a listing of mlferry ls --json nor a list of models and experiments");
  return [
    ...listing.data.experiments.map(({ name, runs }) => ({ experiment: name, runs })),
    ...listing.data.models.map(({ name, versions }) => ({ model: name, versions: versions.length })),
  ];
}

/** A table whose head says what it lists: `model,versions` or `experiment,runs`. A name with a comma stands in double quotes. */
function tableRows(text: string, path: string): Row[] {
  const [head = "", ...lines] = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const kind = head.trim().toLowerCase();
  if (kind !== "model,versions" && kind !== "experiment,runs")
    throw illegible(path, `its first line is ${JSON.stringify(head.slice(0, 80))}`);
  return lines.flatMap((line, index): Row[] => {
    if (line.trim() === "") return [];
    const match = /^(?:"((?:[^"]|"")*)"|([^",]+)),\s*(\d*)\s*$/.exec(line);
    if (match === null) throw illegible(path, `line ${String(index + 2)} is not a name and a number`);
    const name = match[1]?.replaceAll('""', '"') ?? match[2] ?? "";
    const count = match[3] === undefined || match[3] === "" ? undefined : Number(match[3]);
    return kind === "model,versions" ? [{ model: name, versions: count }] : [{ experiment: name, runs: count }];
  });
}

function illegible(path: string, problem: string, cause?: unknown): MigrationError {
  return new MigrationError("USAGE", `cannot read what ${path} expects: ${problem}`, {
    hint: "give the output of mlferry ls SRC --json, or a CSV file with the head model,versions or experiment,runs",
    ...(cause === undefined ? {} : { cause }),
  });
}
