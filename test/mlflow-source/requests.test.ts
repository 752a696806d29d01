// How many requests reading a registry takes: what an export is made of.
import { describe, expect, it } from "vitest";
import type { Run } from "../../src/model/entities.ts";
import type { Content } from "../fakes/readable-mlflow.ts";
import { experimentJson, hexId, modelJson, never, open, runJson, versionJson } from "./registry.ts";
import type { Opened } from "./registry.ts";

const RUNS = 1200;
const KEYS = 5;
const GROUP = 100;

function registry(): Content {
  const keys = Array.from({ length: KEYS }, (_, i) => `metric ${String(i)}`);
  const experiments = Array.from({ length: 30 }, (_, i) => experimentJson(String(i + 1), `experiment ${String(i)}`));
  const runs = Array.from({ length: RUNS }, (_, i) =>
    runJson(`run ${String(i)}`, { experiment: String((i % 30) + 1), start: i, metrics: keys }),
  );
  const points = new Map(runs.map(({ info }) => [info.run_id, keys.map((key) => ({ key, value: 1, step: 0, timestamp: 1 }))]));
  const files = Object.fromEntries(runs.map(({ info }) => [`${info.artifact_uri.slice("mlflow-artifacts:/".length)}/model.txt`, "x"]));
  const versions = Array.from({ length: 300 }, (_, i) =>
    versionJson("m", i + 1, `runs:/${hexId(`run ${String(i)}`)}/`, { run_id: hexId(`run ${String(i)}`) }),
  );
  return { experiments, runs, points, files, models: [modelJson("m", { aliases: [{ alias: "champion", version: "300" }] })], versions };
}

/** Reads everything as an export does, and gives the requests by route. */
async function readAll({ source, entities, requests }: Opened): Promise<Record<string, number>> {
  const runs = (await entities()).filter((entity): entity is Run => entity.kind === "run");
  for (let at = 0; at < runs.length; at += GROUP) {
    const group = runs.slice(at, at + GROUP);
    const histories = source.histories(group, never);
    for (const run of group) {
      for await (const batch of histories.points(run.key)) expect(batch).toHaveLength(KEYS);
      const reader = source.artifacts(run, never);
      for await (const file of reader.list()) for await (const chunk of reader.open(file)) expect(chunk).toHaveLength(1);
    }
  }
  await source.close();
  const counts: Record<string, number> = {};
  for (const route of requests) {
    const kind = route.replace(/artifacts\/artifacts\/.*/, "artifacts/artifacts/…");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

describe("reading 1,200 runs with 5 metrics and a file each, and 300 versions", () => {
  it("takes a request for each page, for each metric of a hundred runs, for each folder and for each file", async () => {
    expect(await readAll(open(registry()))).toEqual({
      "POST experiments/search": 1,
      "POST runs/search": 2,
      "POST logged-models/search": 1,
      // Models, and prompts to be counted.
      "GET registered-models/search": 2,
      "GET model-versions/search": 1,
      "GET metrics/get-history-bulk": (RUNS / GROUP) * KEYS,
      "GET artifacts/list": RUNS,
      "GET /api/2.0/mlflow-artifacts/artifacts/…": RUNS,
      "POST traces/search": 1,
      "POST datasets/search": 1,
      // The first of the experiments tells that the server has none.
      "GET scorers/list": 1,
      "GET webhooks": 1,
      // Whether this principal sees everything.
      "GET users/current": 1,
    });
  });
});
