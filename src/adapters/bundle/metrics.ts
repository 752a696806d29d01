// A run's metric history as the content of a blob: one point a line.
import type { MetricPoint } from "../../model/entities.ts";
import { byCodeUnits, toPoint } from "./convert.ts";

/** Histories up to this length are sorted, so that the same history gives the same blob; longer ones stay as they come. */
const SORTED_POINTS = 100_000;

/** The content of the blob, and how many points went through it, which is known once it was read to its end. */
export function metricsBlob(batches: AsyncIterable<readonly MetricPoint[]>): {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly points: () => number;
} {
  let points = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    let held: MetricPoint[] | undefined = [];
    for await (const batch of batches) {
      points += batch.length;
      if (held === undefined) {
        yield lines(batch);
        continue;
      }
      held.push(...batch);
      if (points <= SORTED_POINTS) continue;
      yield lines(held);
      held = undefined;
    }
    if (held !== undefined && held.length > 0) yield lines(held.sort(byMetric));
  };
  return { chunks: counted(), points: () => points };
}

function lines(points: readonly MetricPoint[]): Uint8Array {
  return Buffer.from(points.map((point) => `${JSON.stringify(toPoint(point))}\n`).join(""));
}

function byMetric(a: MetricPoint, b: MetricPoint): number {
  return byCodeUnits(a.key, b.key) || compare(a.step, b.step) || compare(a.timestamp, b.timestamp) || byValue(a.value, b.value);
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

// NaN last; -0 before 0.
function byValue(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : Number(Object.is(b, -0)) - Number(Object.is(a, -0));
}
