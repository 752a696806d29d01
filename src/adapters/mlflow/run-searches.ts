// A selection's filters on runs and logged models in the words of the server's own searches.
import { asMigrationError } from "../../errors.ts";
import { filterRefused } from "../../model/run-filter.ts";
import type { Selection } from "../../model/selection.ts";
import type { StockFilters } from "./stock.ts";

/** "Begun or ended since" is two searches, for the language has no OR. */
export function filtersOf({ runs, since }: Selection): StockFilters {
  const loggedModels = runs === undefined ? {} : { loggedModels: "none" as const };
  if (since === undefined) return runs === undefined ? {} : { runs: [runs], ...loggedModels };
  const from = String(since.from);
  // The filter that was given comes last, where nothing in it can hide what follows.
  const more = runs === undefined ? "" : ` AND ${runs}`;
  const times = [`attributes.start_time >= ${from}`, `attributes.end_time >= ${from} AND attributes.start_time < ${from}`];
  return {
    runs: times.map((time) => `${time}${more}`),
    loggedModels: { filter: `last_updated_timestamp >= ${from}` },
    ...loggedModels,
  };
}

/** Runs `search`; a server that refuses it refuses `filter`, when one was given. Throws FILTER_INVALID. */
export async function namingFilter<T>(filter: string | undefined, search: () => Promise<T>): Promise<T> {
  try {
    return await search();
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (filter === undefined || error.request?.serverCode !== "INVALID_PARAMETER_VALUE") throw error;
    throw filterRefused(filter, error.message);
  }
}
