// What moving costs in requests, on real servers and counted at a proxy: reading takes hardly more than the API's least, writing
// a run takes the calls that it needs, and doing it again writes nothing.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillRegistry } from "../../bench/fill.ts";
import type { Shape } from "../../bench/fill.ts";
import { startProxy, totalOf } from "../../bench/latency-proxy.ts";
import type { CountingProxy } from "../../bench/latency-proxy.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

const SHAPE: Shape = {
  runs: 120,
  experiments: 3,
  metrics: 5,
  points: 3,
  params: 4,
  models: 3,
  versions: 2,
  files: ["model/MLmodel", "report/summary.json"],
};
/** The root of a run's files, `model` and `report`. */
const FOLDERS = 3;
/** Every server has the experiment `Default` too. */
const EXPERIMENTS = SHAPE.experiments + 1;

/** What reading the data takes at least. */
const LEAST_READS = {
  "POST /api/2.0/mlflow/experiments/search": 1,
  // A page holds 1,000 runs.
  "POST /api/2.0/mlflow/runs/search": Math.ceil(SHAPE.runs / 1000),
  "POST /api/2.0/mlflow/logged-models/search": 1,
  "GET /api/2.0/mlflow/registered-models/search": 1,
  "GET /api/2.0/mlflow/model-versions/search": 1,
  // One metric of up to 100 runs.
  "GET /ajax-api/2.0/mlflow/metrics/get-history-bulk": SHAPE.metrics * Math.ceil(SHAPE.runs / 100),
  "GET /api/2.0/mlflow/artifacts/list": SHAPE.runs * FOLDERS,
  "GET /api/2.0/mlflow-artifacts/artifacts/*": SHAPE.runs * SHAPE.files.length,
};

/** Calls that an export makes besides, once for a server or an experiment. */
const FIXED_READS = {
  // Is it an MLflow server, and of which version?
  "GET /version": 1,
  // Does it pass files on?
  "GET /api/3.0/mlflow/server-info": 1,
  // Which registry is it? By the creation time of its first experiment.
  "GET /api/2.0/mlflow/experiments/get": 1,
  // What does it offer?
  "GET /api/2.0/mlflow/logged-models": 1,
  "GET /api/2.0/mlflow/model-versions/transition-stage": 1,
  // Does it show everything to this login?
  "GET /api/2.0/mlflow/users/current": 1,
  // What is there that cannot be carried? Prompts, …
  "GET /api/2.0/mlflow/registered-models/search": 1,
  // … traces, …
  "POST /api/3.0/mlflow/traces/search": 1,
  // … evaluation datasets, …
  "POST /api/3.0/mlflow/datasets/search": 1,
  // … webhooks, …
  "GET /api/2.0/mlflow/webhooks": 1,
  // … and scorers, which are listed by experiment.
  "GET /api/3.0/mlflow/scorers/list": EXPERIMENTS,
};

/** What writing takes at least: a create for each object, and for a run its end, its values, and its files. */
const LEAST_WRITES = {
  "POST /api/2.0/mlflow/experiments/create": SHAPE.experiments,
  "POST /api/2.0/mlflow/runs/create": SHAPE.runs,
  "POST /api/2.0/mlflow/runs/update": SHAPE.runs,
  "POST /api/2.0/mlflow/runs/log-batch": SHAPE.runs,
  "PUT /api/2.0/mlflow-artifacts/artifacts/*": SHAPE.runs * SHAPE.files.length,
  "POST /api/2.0/mlflow/registered-models/create": SHAPE.models,
  "POST /api/2.0/mlflow/model-versions/create": SHAPE.models * SHAPE.versions,
  "POST /api/2.0/mlflow/registered-models/alias": SHAPE.models,
};

describe("the requests that moving a registry takes", () => {
  const source: { server?: LiveServer; proxy?: CountingProxy } = {};
  let dir = "";

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "mlferry-requests-"));
    source.server = await startMlflow({ name: "requests-source" });
    await fillRegistry(source.server.url, SHAPE);
    source.proxy = await startProxy({ target: source.server.url });
  });
  afterAll(async () => {
    await source.proxy?.close();
    await source.server?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  const bundle = (): string => join(dir, "bundle.tar");
  const mlferry = (args: readonly string[], state = "state"): Promise<unknown> =>
    run(process.execPath, [MAIN, ...args, "--state", join(dir, state), "--quiet", "--json"], { maxBuffer: 2 ** 26 });

  it("are within a tenth of the least that the API allows, for an export", async () => {
    const { proxy } = source;
    if (proxy === undefined) throw new Error("no proxy");
    await mlferry(["export", proxy.url, "-o", bundle()]);
    const counts = proxy.take();
    const least = sum(LEAST_READS, FIXED_READS);
    expect(fewer(counts, sum(LEAST_READS)), "what was not read").toEqual([]);
    // Each route by itself: the many reads of files would hide a metric that is read run by run.
    expect(more(counts, least), "routes that were asked too often, or that nothing here names").toEqual([]);
    expect(totalOf(counts)).toBeLessThanOrEqual(1.1 * totalOf(least));
  });

  describe("for an import", () => {
    const target: { server?: LiveServer; proxy?: CountingProxy } = {};
    beforeAll(async () => {
      target.server = await startMlflow({ name: "requests-target" });
      target.proxy = await startProxy({ target: target.server.url });
    });
    afterAll(async () => {
      await target.proxy?.close();
      await target.server?.[Symbol.asyncDispose]();
    });

    it("are a create, an update, one log-batch and one PUT per file for a small run", async () => {
      const { proxy } = target;
      if (proxy === undefined) throw new Error("no proxy");
      await mlferry(["import", bundle(), proxy.url]);
      expect(writes(proxy.take())).toEqual(LEAST_WRITES);
    });

    it.each([
      ["after a job that its journal tells of", "state"],
      ["without a journal", "another-state"],
    ])("are reads alone when everything is there, %s", async (_, state) => {
      const { proxy, server } = target;
      if (proxy === undefined || server === undefined) throw new Error("no server");
      const before = await server.storedState();
      await mlferry(["import", bundle(), proxy.url], state);
      expect(writes(proxy.take())).toEqual({});
      expect(await server.storedState()).toBe(before);
    });
  });
});

type Counts = ReadonlyMap<string, number>;

function sum(...tables: readonly Readonly<Record<string, number>>[]): Counts {
  const counts = new Map<string, number>();
  for (const table of tables) for (const [route, count] of Object.entries(table)) counts.set(route, (counts.get(route) ?? 0) + count);
  return counts;
}

/** Routes that were asked less often than they have to be. */
function fewer(counts: Counts, least: Counts): string[] {
  return [...least].filter(([route, count]) => (counts.get(route) ?? 0) < count).map(([route]) => route);
}

/** Routes that were asked over a tenth more often than they have to be. */
function more(counts: Counts, least: Counts): string[] {
  return [...counts].filter(([route, count]) => count > 1.1 * (least.get(route) ?? 0)).map(([route]) => route);
}

/** Everything but reads and the searches that are sent as POST. */
function writes(counts: Counts): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].filter(([route]) => !route.startsWith("GET ") && !route.endsWith("/search")));
}
