// Metric histories: every point, in the fewest requests, without holding too many.
import { describe, expect, it } from "vitest";
import { readHistories } from "../../src/adapters/mlflow/histories.ts";
import type { MetricPoint, Run } from "../../src/model/entities.ts";
import { pointText } from "../../src/model/facts.ts";
import type { Content, PointJson } from "../fakes/readable-mlflow.ts";
import { experimentJson, hexId, never, open, runJson } from "./registry.ts";

const experiments = [experimentJson("1", "one")];
const HISTORY = "GET metrics/get-history";
const BULK = "GET metrics/get-history-bulk";

function points(key: string, count: number): PointJson[] {
  return Array.from({ length: count }, (_, step) => ({ key, value: step / 7, step, timestamp: 1000 + step }));
}

/** Runs with this many points for each metric. */
function runsWith(counts: Readonly<Record<string, Readonly<Record<string, number>>>>): Content {
  return {
    experiments,
    runs: Object.entries(counts).map(([name, keys]) => runJson(name, { metrics: Object.keys(keys) })),
    points: new Map(
      Object.entries(counts).map(([name, keys]) => [hexId(name), Object.entries(keys).flatMap(([key, count]) => points(key, count))]),
    ),
  };
}

async function read(content: Content): Promise<{ counts: Record<string, number>; asked: string[]; all: Map<string, MetricPoint[]> }> {
  const { source, entities, requests } = open(content);
  const runs = (await entities()).filter((entity): entity is Run => entity.kind === "run");
  requests.length = 0;
  const histories = source.histories(runs, never);
  expect(requests).toEqual([]);
  const all = new Map<string, MetricPoint[]>();
  for (const run of runs) {
    const found: MetricPoint[] = [];
    for await (const batch of histories.points(run.key)) found.push(...batch);
    all.set(run.name, found);
  }
  await source.close();
  return { counts: Object.fromEntries([...all].map(([name, found]) => [name, found.length])), asked: requests, all };
}

describe("histories", () => {
  it("of many runs take one request for each metric", async () => {
    const keys = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`metric ${String(i)}`, 5]));
    const { counts, asked } = await read(runsWith(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`run ${String(i)}`, keys]))));
    expect(Object.values(counts)).toEqual(Array<number>(100).fill(60));
    expect(asked).toEqual(Array<string>(12).fill(BULK));
  });

  it("ask for a metric only with the runs that have it, and for nothing where there is none", async () => {
    const { counts, asked } = await read(runsWith({ a: { loss: 3 }, b: { accuracy: 2 }, c: {} }));
    expect(counts).toEqual({ a: 3, b: 2, c: 0 });
    expect(asked).toEqual([BULK, BULK]);
  });

  it("of a run without metrics are told at once, without the others' being read", async () => {
    const { source, entities, requests } = open(runsWith({ a: { loss: 3 }, b: {} }));
    const runs = (await entities()).filter((entity): entity is Run => entity.kind === "run");
    requests.length = 0;
    const histories = source.histories(runs, never);
    for (const run of runs.filter(({ name }) => name === "b")) {
      for await (const _ of histories.points(run.key)) throw new Error("a run without metrics has points");
    }
    expect(requests).toEqual([]);
    await source.close();
  });

  it("that were cut are read again with fewer runs, one that is long by itself in pages", async () => {
    const { counts, asked } = await read(runsWith({ a: { m: 20_000 }, b: { m: 60_000 }, c: { m: 10_000 }, d: { m: 1 } }));
    expect(counts).toEqual({ a: 20_000, b: 60_000, c: 10_000, d: 1 });
    expect(asked.filter((route) => route === HISTORY)).toHaveLength(3);
  });

  it("that are exactly as long as an answer may be are not taken for whole", async () => {
    expect((await read(runsWith({ a: { m: 25_000 } }))).counts).toEqual({ a: 25_000 });
  });

  it("beyond what is kept in memory are read when the run's turn comes", async () => {
    const keys = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`metric ${String(i)}`, 10]));
    const { entities, http, requests, source } = open(runsWith({ a: keys, b: keys }));
    const runs = (await entities()).filter((entity): entity is Run => entity.kind === "run");
    requests.length = 0;
    const histories = readHistories(http, runs, never, 100);
    const counts: number[] = [];
    for (const run of runs) {
      let count = 0;
      for await (const batch of histories.points(run.key)) count += batch.length;
      counts.push(count);
    }
    expect(counts).toEqual([600, 600]);
    const bulk = requests.filter((route) => route === BULK).length;
    expect(bulk).toBeLessThan(20);
    expect(requests.filter((route) => route === HISTORY)).toHaveLength(2 * (60 - bulk));
    await source.close();
  });

  it("are read one by one where the server has no bulk route", async () => {
    const { counts, asked } = await read({ ...runsWith({ a: { m: 3, n: 1 }, b: { m: 2 } }), broken: { "metrics/get-history-bulk": 404 } });
    expect(counts).toEqual({ a: 4, b: 2 });
    expect(asked.filter((route) => route === HISTORY)).toHaveLength(3);
  });

  it("keep every digit, NaN and the infinities", async () => {
    const awkward = [
      { key: "m", value: "NaN", step: "9223372036854775807", timestamp: "9007199254740993" },
      { key: "m", value: "-Infinity", step: "-4611686018427387904", timestamp: 0 },
      { key: "m", value: 5e-324, step: 0, timestamp: 1 },
    ];
    const { all } = await read({ experiments, runs: [runJson("a", { metrics: ["m"] })], points: new Map([[hexId("a"), awkward]]) });
    expect(all.get("a")?.map(pointText)).toEqual([
      "9223372036854775807/9007199254740993/NaN",
      "-4611686018427387904/0/-Infinity",
      "0/1/5e-324",
    ]);
  });

  it("that the server cannot give for many runs are read run by run, and fail run by run", async () => {
    const content = runsWith({ a: { m: 1 }, b: { n: 1 } });
    expect((await read({ ...content, broken: { "metrics/get-history-bulk": 500 } })).counts).toEqual({ a: 1, b: 1 });
    const broken = { "metrics/get-history-bulk": 500, "metrics/get-history": 500 };
    await expect(read({ ...content, broken })).rejects.toMatchObject({ code: "REQUEST_FAILED" });
  });

  it("are handed out in batches that are not long", async () => {
    const { source, entities } = open(runsWith({ a: { m: 24_000, n: 20_000 } }));
    const runs = (await entities()).filter((entity): entity is Run => entity.kind === "run");
    const sizes: number[] = [];
    for (const run of runs) for await (const batch of source.histories(runs, never).points(run.key)) sizes.push(batch.length);
    expect(sizes).toEqual([10_000, 10_000, 10_000, 10_000, 4000]);
    await source.close();
  });
});
