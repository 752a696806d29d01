// A run filter over runs in memory, as a server's runs/search understands it.
import { asMigrationError, MigrationError } from "../errors.ts";
import type { Run } from "./entities.ts";
import { idOf, PROVENANCE_PREFIX } from "./keys.ts";
import { parseFilter } from "./query.ts";
import type { Searchable } from "./query.ts";

/** What a run can be searched by; `artifact_uri` is each server's own. */
export const SEARCHABLE_RUN: Searchable<Run> = {
  prefixes: ["attribute", "attr", "run"],
  attributes: {
    run_id: (run) => idOf(run.key),
    run_name: (run) => run.name,
    "run name": (run) => run.name,
    "Run name": (run) => run.name,
    "Run Name": (run) => run.name,
    status: (run) => run.status,
    user_id: (run) => run.user,
    // A server keeps 0 where none was given.
    start_time: (run) => run.startTime ?? 0n,
    created: (run) => run.startTime ?? 0n,
    Created: (run) => run.startTime ?? 0n,
    end_time: (run) => run.endTime,
  },
  keyed: {
    metric: (run, key) => run.latestMetrics.get(key)?.value,
    param: (run, key) => run.params.get(key),
    tag: tagOf,
  },
  many: {
    dataset: {
      name: (run) => run.datasets.map(({ name }) => name),
      digest: (run) => run.datasets.map(({ digest }) => digest),
      context: (run) => run.datasets.flatMap(({ tags }) => tags.get("mlflow.data.context") ?? []),
    },
  },
  numbers: ["metric", "start_time", "created", "Created", "end_time"],
  lists: ["run_id", "dataset.name", "dataset.digest", "dataset.context"],
};

/** A predicate from a run filter. Throws FILTER_INVALID naming the filter. */
export function runFilter(filter: string): (run: Run) => boolean {
  try {
    return parseFilter(filter, SEARCHABLE_RUN);
  } catch (thrown) {
    const { code, message } = asMigrationError(thrown);
    if (code !== "FILTER_INVALID") throw thrown;
    throw filterRefused(filter, message);
  }
}

/** The error for a run filter that a place refuses, whose own words are `reason`. */
export function filterRefused(filter: string, reason: string): MigrationError {
  return new MigrationError("FILTER_INVALID", `the run filter ${JSON.stringify(filter)} is refused: ${reason}`, {
    hint: `comparisons joined by AND, such as --runs "metrics.auc > 0.9 AND tags.team = 'x'"; docs/selection.md has the grammar`,
  });
}

/** Tags as a server holds them, which has a run's name and mlferry's own among them. */
function tagOf(run: Run, key: string): string | undefined {
  if (key === "mlflow.runName") return run.name;
  return key.startsWith(PROVENANCE_PREFIX) ? run.provenance.get(key.slice(PROVENANCE_PREFIX.length)) : run.tags.get(key);
}
