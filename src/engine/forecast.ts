// How many requests a job will send at least, beside those that its plan has sent already: by side, as the places' own limits count them.
import type { RequestCosts, Requests } from "../ports/costs.ts";
import type { Step } from "./change.ts";
import type { Job } from "./job.ts";

/** What one place will be asked; absent where nothing limits it. */
export interface SideForecast {
  readonly requests: Requests;
  /** Per second, by group. */
  readonly rates: Requests;
}

export interface Forecast {
  readonly source?: SideForecast;
  readonly target?: SideForecast;
}

export interface ForecastSums {
  /** Steps that write nothing cost nothing; what an update costs is not known. */
  add(step: Step): void;
  /** Files of one object that move. */
  addFiles(count: number): void;
  sum(): Forecast;
}

export function createForecast({ source, target }: Pick<Job, "source" | "target">): ForecastSums {
  const [reading, writing] = [createSide(source.readingCosts), createSide(target.writingCosts)];
  return {
    add(step) {
      if (step.action !== "create") return;
      reading?.add((costs) => costs.object(step.source));
      writing?.add((costs) => costs.object(step.entity));
    },
    addFiles(count) {
      reading?.add((costs) => costs.files(count));
      writing?.add((costs) => costs.files(count));
    },
    sum: () => ({ ...(reading && { source: reading.sum() }), ...(writing && { target: writing.sum() }) }),
  };
}

interface Side {
  add(of: (costs: RequestCosts) => Requests): void;
  sum(): SideForecast;
}

function createSide(costs: RequestCosts | undefined): Side | undefined {
  if (costs === undefined) return undefined;
  let requests: Requests = {};
  return {
    add(of) {
      requests = plus(requests, of(costs));
    },
    sum: () => ({ requests, rates: costs.rates }),
  };
}

/** Both, group by group. */
export function plus(a: Requests, b: Requests): Requests {
  const groups = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...groups].map((group) => [group, (a[group] ?? 0) + (b[group] ?? 0)]));
}

/** The least time that requests take within their limits, in ms: groups pass side by side, and `total` holds for all together. */
export function leastTime(requests: Requests, rates: Requests, total?: number): number {
  const times = Object.entries(requests).map(([group, count]) => count / (rates[group] ?? Infinity));
  const all = Object.values(requests).reduce((sum, count) => sum + count, 0);
  return Math.round(1000 * Math.max(0, ...times, total === undefined ? 0 : all / total));
}
