// Compares metric histories of a group of runs, point by point.
import type { EntityKey, MetricPoint, Run } from "../model/entities.ts";
import { pointText } from "../model/facts.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import type { Histories } from "../ports/source.ts";
import type { Job } from "./job.ts";
import { clamp } from "./metric-values.ts";
import type { Finding, Located } from "./finding.ts";

export interface HistoriesComparison {
  compare(key: EntityKey, present: Run): Promise<{ readonly findings: readonly Finding[]; readonly points: number }>;
}

/** Reads the histories of all runs of the group on both sides together; compares one run at a time. */
export function compareHistories(located: readonly Located[], job: Job): HistoriesComparison {
  const sources: Run[] = [];
  const presents: Run[] = [];
  for (const { reconciled, present } of located) {
    if (reconciled.source.kind !== "run" || present?.kind !== "run") continue;
    sources.push(reconciled.source);
    presents.push(present);
  }
  const expected = sources.length === 0 ? undefined : job.source.histories(sources, job.signal);
  const there = presents.length === 0 ? undefined : job.target.histories(presents, job.signal);
  return {
    async compare(key, present) {
      if (expected === undefined || there === undefined) return { findings: [], points: 0 };
      const wanted = await collect(expected, key, job.target.capabilities);
      const found = await collect(there, present.key, job.target.capabilities);
      return { findings: compareMetrics(key, wanted, found), points: count(wanted) };
    },
  };
}

type Metrics = Map<string, Set<string>>;

async function collect(histories: Histories, run: EntityKey, capabilities: Capabilities): Promise<Metrics> {
  const metrics: Metrics = new Map();
  for await (const batch of histories.points(run))
    for (const point of batch) add(metrics, { ...point, value: clamp(point.value, capabilities) });
  return metrics;
}

function add(metrics: Metrics, point: MetricPoint): void {
  const points = metrics.get(point.key) ?? new Set<string>();
  points.add(pointText(point));
  metrics.set(point.key, points);
}

function compareMetrics(key: EntityKey, wanted: Metrics, found: Metrics): Finding[] {
  const findings: Finding[] = [];
  for (const metric of new Set([...wanted.keys(), ...found.keys()])) {
    const field = `metrics/${metric}`;
    const expected = wanted.get(metric) ?? new Set();
    const there = found.get(metric) ?? new Set();
    const missing = [...expected].filter((point) => !there.has(point));
    const extra = [...there].filter((point) => !expected.has(point));
    if (missing[0] !== undefined) {
      findings.push({
        key,
        field,
        kind: "missing",
        expected: `${missing.length} of ${expected.size} points, such as ${missing[0]}`,
        agreed: false,
      });
    }
    if (extra[0] !== undefined)
      findings.push({ key, field, kind: "extra", found: `${extra.length} points, such as ${extra[0]}`, agreed: false });
  }
  return findings;
}

function count(metrics: Metrics): number {
  let points = 0;
  for (const set of metrics.values()) points += set.size;
  return points;
}
