// Filters of a selection at a server: which of its searches they become, and how few requests they take.
import { afterEach, describe, expect, it } from "vitest";
import { asMigrationError } from "../../src/errors.ts";
import type { Selection } from "../../src/model/selection.ts";
import type { Content } from "../fakes/readable-mlflow.ts";
import { experimentJson, hexId, loggedModelJson, modelJson, open as openContent, runJson, tagList, versionJson } from "./registry.ts";
import type { Opened } from "./registry.ts";

const opened: Opened[] = [];
function open(content: Content): Opened {
  const place = openContent(content);
  opened.push(place);
  return place;
}
afterEach(async () => {
  for (const place of opened.splice(0)) await place.source.close();
});

const source = (run: string): string => `runs:/${hexId(run)}/model`;
const RUNS = 100_000;

/** A server with very many runs, of which a model has few. */
function large(): Content {
  const runs = Array.from({ length: RUNS }, (_, i) => runJson(`run ${String(i)}`, { start: i, metrics: i % 20_000 === 0 ? ["rare"] : [] }));
  const versions = Array.from({ length: 12 }, (_, i) =>
    versionJson("churn", i + 1, source(`run ${String(i)}`), {
      run_id: hexId(`run ${String(i)}`),
      current_stage: i === 5 ? "Production" : "None",
    }),
  );
  const aliases = [
    { alias: "champion", version: "6" },
    { alias: "old", version: "2" },
  ];
  return {
    experiments: [experimentJson("1", "all of them")],
    runs,
    models: [modelJson("churn", { aliases }), modelJson("other")],
    versions,
  };
}

const content = large();

/** Counts of the requests that a selection takes, without those that ask what it cannot see or carry. */
async function requestsOf(selection: Partial<Selection>): Promise<{ keys: string[]; requests: Record<string, number> }> {
  const place = open(content);
  const keys = await place.keys(selection);
  const requests: Record<string, number> = {};
  for (const route of place.requests.filter((one) => !/users|traces|datasets|scorers|webhooks|graphql/.test(one))) {
    requests[route] = (requests[route] ?? 0) + 1;
  }
  return { keys, requests };
}

describe(`of a server with ${String(RUNS)} runs`, () => {
  it("a stage of a model takes a search for its runs, and lists no others", async () => {
    const { keys, requests } = await requestsOf({ models: ["churn"], stages: ["Production"] });
    expect(keys).toEqual(["experiment:1", "run:run 5", "registered-model:churn", "model-version:churn/6", "alias:churn/champion"]);
    expect(requests).toEqual({
      "POST experiments/search": 1,
      "GET registered-models/search": 1,
      "GET model-versions/search": 1,
      "POST runs/search": 1,
      "POST logged-models/search": 1,
    });
  });

  it("a run filter is the server's own, in one search", async () => {
    const { keys, requests } = await requestsOf({ runs: "metrics.rare >= 0" });
    expect(keys).toHaveLength(6);
    expect(requests).toEqual({ "POST experiments/search": 1, "POST runs/search": 1, "POST logged-models/search": 1 });
  });

  it("a time takes two searches for runs, since what began before may have ended after it", async () => {
    const { keys, requests } = await requestsOf({ experiments: ["*"], since: { asked: "99998", from: RUNS - 2 } });
    expect(keys).toEqual(["experiment:1", "run:run 99998", "run:run 99999"]);
    expect(requests).toEqual({ "POST experiments/search": 1, "POST runs/search": 2, "POST logged-models/search": 2 });
  });
});

describe("a filter", () => {
  const two = [experimentJson("1", "one"), experimentJson("2", "two", { tags: tagList({ team: "ads" }) })];
  const runs = [runJson("a", { made: ["lm"] }), runJson("b", { experiment: "2", start: 5000 })];

  it("that the server refuses is named, with the server's words", async () => {
    const { select } = open({ experiments: two, runs });
    const error = asMigrationError(await select({ runs: "colour = 'red'" }).catch((thrown: unknown) => thrown));
    expect(error.code).toBe("FILTER_INVALID");
    expect(error.message).toMatch(/^the run filter "colour = 'red'" is refused: .*Invalid clause/);
  });

  it("leaves logged models to the runs that made them", async () => {
    const loggedModels = [loggedModelJson("lm", { sourceRun: "a" }), loggedModelJson("elsewhere", { experiment: "2" })];
    const { keys } = open({ experiments: two, runs, loggedModels });
    expect(await keys({ runs: `attributes.run_id = '${hexId("a")}'` })).toEqual(["experiment:1", "run:a", "logged-model:lm"]);
  });

  it("by tags keeps experiments from being listed", async () => {
    const { keys } = open({ experiments: two, runs, models: [modelJson("m")] });
    expect(await keys({ tags: [{ key: "team", value: "a*" }] })).toEqual(["experiment:2", "run:b"]);
  });

  it("by time lets through what changed after it was made: experiments, models, versions and logged models", async () => {
    const changed = { last_updated_timestamp: 9000 };
    const { keys } = open({
      experiments: [experimentJson("1", "one"), experimentJson("2", "renamed since", { last_update_time: 9000 })],
      runs: [runJson("a")],
      loggedModels: [{ info: { ...loggedModelJson("lm").info, last_updated_timestamp_ms: 9000 } }, loggedModelJson("old")],
      models: [modelJson("m", changed), modelJson("n")],
      versions: [versionJson("m", 1, source("a"), changed), versionJson("m", 2, source("a"))],
    });
    expect(await keys({ since: { asked: "8s", from: 8000 } })).toEqual([
      "experiment:1",
      "experiment:2",
      "run:a",
      "logged-model:lm",
      "registered-model:m",
      "model-version:m/1",
    ]);
  });

  it("that leaves a promoted version without the one it came from finds its files by itself", async () => {
    const { keys, entity } = open({
      experiments: two,
      runs,
      models: [modelJson("m")],
      versions: [versionJson("m", 1, source("a"), { run_id: hexId("a") }), versionJson("m", 2, "models:/m/1", { run_id: hexId("a") })],
      locations: { "m/2": `mlflow-artifacts:/1/${hexId("a")}/artifacts/model` },
    });
    const last = { models: ["m"], versions: { latest: 1 } };
    expect(await keys(last)).toEqual(["experiment:1", "run:a", "registered-model:m", "model-version:m/2"]);
    expect(await entity("model-version:m/2", last)).toMatchObject({ files: { owner: "run", path: "model" } });
  });
});
