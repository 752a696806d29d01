// How a run's content is cut into log-batch requests.
import { describe, expect, it } from "vitest";
import { logBatches } from "../../src/adapters/mlflow/target-batches.ts";
import type { LogBatch } from "../../src/adapters/mlflow/target-batches.ts";
import type { MetricPoint } from "../../src/model/entities.ts";

const point = (step: number, value = step): MetricPoint => ({ key: "loss", value, step: BigInt(step), timestamp: 7n });
const mark = { key: "mlferry_done", value: "m" };

async function cut(content: {
  params?: number;
  points?: readonly MetricPoint[][];
  tags?: number;
  valueChars?: number;
}): Promise<LogBatch[]> {
  const value = "v".repeat(content.valueChars ?? 1);
  const params = new Map(Array.from({ length: content.params ?? 0 }, (_, index) => [`p${index}`, value]));
  const tags = [...Array.from({ length: content.tags ?? 0 }, (_, index) => ({ key: `t${index}`, value })), mark];
  async function* points(): AsyncGenerator<readonly MetricPoint[]> {
    yield* content.points ?? [];
  }
  return all(logBatches({ params, points: points(), tags }));
}

async function all(batches: AsyncIterable<LogBatch>): Promise<LogBatch[]> {
  const found: LogBatch[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

const sizes = (batches: readonly LogBatch[]): number[][] =>
  batches.map(({ params, metrics, tags }) => [params.length, metrics.length, tags.length]);

describe("log-batch requests", () => {
  it("are one for a small run", async () => {
    expect(sizes(await cut({ params: 3, points: [[point(1)], [point(2)]], tags: 2 }))).toEqual([[3, 2, 3]]);
  });

  it("hold at most 100 params, 100 tags and 1000 items", async () => {
    const points = Array.from({ length: 1950 }, (_, step) => point(step));
    const batches = await cut({ params: 150, points: [points.slice(0, 700), points.slice(700)], tags: 130 });
    expect(sizes(batches)).toEqual([
      [100, 0, 0],
      [50, 950, 0],
      [0, 1000, 0],
      [0, 0, 100],
      [0, 0, 31],
    ]);
    expect(batches.flatMap((batch) => batch.metrics)).toEqual(points);
  });

  it("end with the mark, after everything else", async () => {
    const batches = await cut({ points: [Array.from({ length: 1000 }, (_, step) => point(step))] });
    expect(sizes(batches)).toEqual([
      [0, 1000, 0],
      [0, 0, 1],
    ]);
    expect(batches.at(-1)?.tags.at(-1)).toEqual(mark);
  });

  it("stay below a megabyte", async () => {
    const batches = await cut({ params: 100, tags: 100, valueChars: 6000 });
    expect(batches.length).toBeGreaterThan(1);
    for (const batch of batches) expect(JSON.stringify(batch).length).toBeLessThan(1_000_000);
    expect(batches.flatMap((batch) => batch.params)).toHaveLength(100);
  });

  it("send a point once that comes twice, NaN and zeros of either sign included", async () => {
    const points = [point(1), point(1), point(2, Number.NaN), point(2, Number.NaN), point(3, 0), point(3, -0), point(1, 5)];
    const batches = await cut({ points: [points] });
    expect(batches[0]?.metrics.map(({ value }) => value)).toEqual([1, Number.NaN, 0, 5]);
  });

  it("are none when there is nothing to send", async () => {
    async function* points(): AsyncGenerator<never> {}
    expect(await all(logBatches({ params: new Map(), points: points(), tags: [] }))).toEqual([]);
  });
});
