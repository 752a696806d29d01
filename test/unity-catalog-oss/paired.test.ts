// Runs at an MLflow server, and models that name them in an open-source Unity Catalog.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connectMlflow } from "../../src/adapters/mlflow/connect.ts";
import type { MlflowServer } from "../../src/adapters/mlflow/server.ts";
import { createMlflowSource } from "../../src/adapters/mlflow/source.ts";
import { createMlflowTarget } from "../../src/adapters/mlflow/target.ts";
import { withOpenCatalog } from "../../src/adapters/unity-catalog-oss/paired.ts";
import { createHttpClient } from "../../src/http/client.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Target } from "../../src/ports/target.ts";
import { createStores } from "../../src/stores/open.ts";
import { byState, job, runJob, sampleSource, verifyJob } from "../engine/registry.ts";
import { startFakeMlflow } from "../fakes/mlflow-server.ts";
import type { FakeMlflow } from "../fakes/mlflow-server.ts";
import { startFakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";
import type { FakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";

const never = new AbortController().signal;
const MODELS = { models: [{ from: "*", to: "main.ml.*" }] };
const DROP = { mapping: MODELS, onLoss: "drop" as const };

interface Pair extends AsyncDisposable {
  readonly mlflow: FakeMlflow;
  readonly catalog: FakeUnityCatalog;
  /** Another process on both servers. */
  open(): Promise<Target>;
  /** The same on the MLflow server with its own registry. */
  openServer(): Promise<Target>;
  /** Requests that write, to either, since the last call. */
  writes(): string[];
}

async function start(): Promise<Pair> {
  const root = mkdtempSync(join(tmpdir(), "mlferry-uc-"));
  const [mlflow, catalog] = await Promise.all([
    startFakeMlflow(),
    startFakeUnityCatalog({ storage: { root: `file://${root}` }, schemas: ["main.ml"] }),
  ]);
  const opened: Target[] = [];
  const client = (baseUrl: string) => {
    const clock = { now: () => 0, wait: () => Promise.resolve() };
    return { baseUrl, pacer: createPacer({ inFlight: 8 }), userAgent: "mlferry-test", maxAttempts: 3, clock };
  };
  const connect = () => connectMlflow({ ...client(mlflow.url), writes: true }, never);
  const target = (server: MlflowServer): Target => {
    const made = createMlflowTarget(server, createMlflowSource(server));
    opened.push(made);
    return made;
  };
  let seen = { mlflow: 0, catalog: 0 };
  return {
    mlflow,
    catalog,
    async open() {
      const stores = createStores({ settings: {}, rules: [{ from: `file://${root}`, to: root }] });
      return target(await withOpenCatalog(await connect(), { http: createHttpClient(client(catalog.url)), stores, settings: {} }, never));
    },
    openServer: async () => target(await connect()),
    writes() {
      const sent = [...mlflow.requests.slice(seen.mlflow), ...catalog.requests.slice(seen.catalog)];
      seen = { mlflow: mlflow.requests.length, catalog: catalog.requests.length };
      return sent.filter((route) => /^(PUT|PATCH|DELETE) |^POST (?!.*(search|credentials|get-history))/.test(route));
    },
    async [Symbol.asyncDispose]() {
      for (const place of opened) await place.close();
      await Promise.all([mlflow.close(), catalog.close()]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Of models and versions: the fake server gives neither files nor histories back. */
async function differences(pair: Pair): Promise<unknown[]> {
  const findings = (await verifyJob(job(sampleSource(), await pair.open(), DROP))).flatMap((verified) => verified.findings);
  return findings.filter(({ agreed, key }) => !agreed && /^(registered-model|model-version):/.test(key));
}

it("runs arrive at the one, models at the other, and versions name the runs; a second time nothing is written", async () => {
  await using pair = await start();
  const outcomes = await runJob(job(sampleSource(), await pair.open(), DROP));
  expect(byState(outcomes)).not.toHaveProperty("failed");
  expect(pair.mlflow.store.models.size).toBe(0);
  expect(pair.mlflow.store.runs.size).toBeGreaterThan(0);
  const versions = [...(pair.catalog.state.models.get("main.ml.churn")?.versions.values() ?? [])];
  const named = versions.flatMap(({ runId }) => (runId === undefined ? [] : [runId]));
  expect(named.length).toBeGreaterThan(0);
  for (const id of named) expect([...pair.mlflow.store.runs.keys()]).toContain(id);
  const losses = outcomes.flatMap(({ step }) => step.changes.filter((change) => change.class === "lost").map(({ field }) => field));
  expect(losses).not.toContain("run");
  expect(await differences(pair)).toEqual([]);
  pair.writes();
  expect(byState(await runJob(job(sampleSource(), await pair.open(), DROP)))["done"]).toBeUndefined();
  expect(pair.writes()).toEqual([]);
});

it.each([/POST .*\/models\/versions$/, /PATCH .*\/finalize$/])(
  "when the answer to %s is lost, each version is there once, with its run",
  async (route) => {
    await using pair = await start();
    pair.catalog.lose(route, "after", "before");
    expect(byState(await runJob(job(sampleSource(), await pair.open(), DROP)))).not.toHaveProperty("failed");
    expect(await differences(pair)).toEqual([]);
  },
);

it("is told by both of its servers: neither the server nor the catalog alone is the same place", async () => {
  await using pair = await start();
  const [place, server] = [await pair.open(), await pair.openServer()];
  expect(place.uri).toBe(`uc:${pair.catalog.url} (runs at ${server.uri})`);
  expect(place.origin).not.toBe(server.origin);
  expect(place.tracking).toBe(server.tracking);
  expect((await pair.open()).origin).toBe(place.origin);
});
