// What a selection comes to, in which order, and in how many requests.
import { afterEach, describe, expect, it } from "vitest";
import { asMigrationError } from "../../src/errors.ts";
import type { Content } from "../fakes/readable-mlflow.ts";
import {
  experimentJson,
  hexId,
  loggedModelJson,
  modelId,
  modelJson,
  never,
  open as openContent,
  runJson,
  shown,
  tagList,
  versionJson,
} from "./registry.ts";
import type { Opened } from "./registry.ts";

const opened: Opened[] = [];
function open(content: Content, options?: Parameters<typeof openContent>[1]): Opened {
  const place = openContent(content, options);
  opened.push(place);
  return place;
}
afterEach(async () => {
  for (const place of opened.splice(0)) await place.source.close();
});

const two = [experimentJson("1", "one"), experimentJson("2", "two")];

describe("experiments and runs", () => {
  it("come with their runs, parents before children whatever their start", async () => {
    const runs = [
      runJson("child", { parent: "top", start: 1 }),
      runJson("grandchild", { parent: "child", start: 2 }),
      runJson("top", { start: 3 }),
    ];
    const { keys, entity } = open({ experiments: two, runs });
    expect(await keys({ experiments: ["one"] })).toEqual(["experiment:1", "run:top", "run:child", "run:grandchild"]);
    expect((await entity("run:child")).needs.map(shown)).toEqual(["experiment:1", "run:top"]);
  });

  it("bring ancestors and their experiments along, deleted ones too", async () => {
    const runs = [
      runJson("child", { parent: "top", start: 2 }),
      runJson("top", { experiment: "2", deleted: true, parent: "first", start: 1 }),
      runJson("first", { experiment: "2" }),
    ];
    const { keys, select } = open({ experiments: two, runs: [...runs, runJson("other", { experiment: "2" })] });
    expect(await keys({ experiments: ["one"] })).toEqual(["experiment:1", "experiment:2", "run:first", "run:top", "run:child"]);
    expect((await select({ experiments: ["one"] })).experiments.map(({ name }) => name)).toEqual(["one", "two"]);
  });

  it("whose parents form a circle come once, with the circle as mere references", async () => {
    const { entities } = open({
      experiments: two,
      runs: [runJson("a", { parent: "b" }), runJson("b", { parent: "a" }), runJson("self", { parent: "self" })],
    });
    const found = (await entities()).filter(({ kind }) => kind === "run");
    expect(found.map(({ key, mayReference }) => [shown(key), ...mayReference.map(shown)])).toEqual([
      ["run:b", "run:a"],
      ["run:a"],
      ["run:self", "run:self"],
    ]);
  });

  it("whose parent is gone do not wait for it", async () => {
    const { entity } = open({ experiments: two, runs: [runJson("child", { parent: "purged" })] });
    const run = await entity("run:child");
    expect(run.needs).toEqual(["experiment:1"]);
    expect(run.mayReference).toEqual([]);
  });

  it("refer to what their tags name, where that comes too", async () => {
    const history = JSON.stringify([{ run_id: hexId("b"), model_uuid: "f".repeat(32) }]);
    const { entity } = open({ experiments: two, runs: [runJson("a", { tags: { "mlflow.log-model.history": history } }), runJson("b")] });
    expect((await entity("run:a")).mayReference.map(shown)).toEqual(["run:b"]);
  });

  it("that are deleted come only where they are asked for", async () => {
    const experiments = [...two, experimentJson("3", "gone", { lifecycle_stage: "deleted" })];
    const { keys } = open({
      experiments,
      runs: [runJson("kept"), runJson("deleted", { deleted: true }), runJson("within", { experiment: "3", deleted: true })],
    });
    expect(await keys()).toEqual(["experiment:1", "experiment:2", "run:kept"]);
    expect((await keys({ includeDeleted: true })).sort()).toEqual([
      "experiment:1",
      "experiment:2",
      "experiment:3",
      "run:deleted",
      "run:kept",
      "run:within",
    ]);
  });

  it("come once when a new run shifts the pages", async () => {
    const runs = Array.from({ length: 1500 }, (_, i) => runJson(`run ${String(i)}`, { start: i }));
    const { keys, requests } = open({ experiments: two, runs: [...runs.slice(0, 1000), ...runs.slice(990)] });
    expect((await keys({ experiments: ["one"] })).filter((key) => key.startsWith("run:"))).toHaveLength(1500);
    expect(requests.filter((route) => route === "POST runs/search")).toHaveLength(2);
  });

  it("stop when they are told to", async () => {
    const { select } = open({ experiments: two, runs: [runJson("a")] });
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { key } of (await select()).entities(stop.signal)) {
        seen.push(key);
        stop.abort();
      }
    })();
    expect(await reading.catch((thrown: unknown) => asMigrationError(thrown).code)).toBe("INTERRUPTED");
    expect(seen).toHaveLength(1);
  });

  it("without a match are told before any run is read, with names that there are", async () => {
    const { select, requests } = open({ experiments: two, runs: [runJson("a")] });
    const error = asMigrationError(await select({ experiments: ["one", "tow"] }).catch((thrown: unknown) => thrown));
    expect([error.code, error.message]).toEqual(["NOTHING_SELECTED", 'no experiment matches "tow"']);
    expect(error.hint).toContain('"one", "two"');
    expect(requests).toEqual(["POST experiments/search"]);
  });
});

describe("registered models", () => {
  const content: Content = {
    experiments: two,
    runs: [runJson("of v1"), runJson("of v2", { experiment: "2", deleted: true }), runJson("other")],
    loggedModels: [loggedModelJson("lm", { experiment: "2" })],
    models: [
      modelJson("m", {
        aliases: [
          { alias: "champion", version: "10" },
          { alias: "dangling", version: "3" },
        ],
      }),
      modelJson("n"),
      modelJson("greeting", { tags: tagList({ "mlflow.prompt.is_prompt": "true" }) }),
    ],
    versions: [
      versionJson("m", 10, `runs:/${hexId("of v2")}/model`, { run_id: hexId("of v2") }),
      versionJson("m", 2, `runs:/${hexId("of v1")}/model`, { run_id: hexId("of v1") }),
      versionJson("m", 11, `models:/${modelId("lm")}`),
      versionJson("m", 9, "runs:/x/y", { tags: tagList({ mlferry_placeholder: "1" }) }),
      versionJson("n", 1, `runs:/${hexId("other")}/model`, { run_id: hexId("other") }),
    ],
  };

  it("bring what their versions need, ascending, and aliases that point somewhere", async () => {
    const { keys } = open(content);
    expect(await keys({ models: ["m"] })).toEqual([
      "experiment:1",
      "experiment:2",
      "run:of v1",
      "run:of v2",
      "logged-model:lm",
      "registered-model:m",
      "model-version:m/2",
      "model-version:m/10",
      "model-version:m/11",
      "alias:m/champion",
    ]);
  });

  it("are selected with few requests, however many versions they have", async () => {
    const runs = Array.from({ length: 250 }, (_, i) => runJson(`run ${String(i)}`));
    const versions = runs.map(({ info }, i) => versionJson("m", i + 1, `runs:/${info.run_id}/model`, { run_id: info.run_id }));
    const { keys, requests } = open({ experiments: two, runs, models: [modelJson("m"), modelJson("n")], versions });
    expect(await keys({ models: ["m"] })).toHaveLength(1 + 250 + 1 + 250);
    expect(requests).toEqual([
      "POST experiments/search",
      "GET registered-models/search",
      "GET model-versions/search",
      "POST runs/search",
      "POST runs/search",
      "POST runs/search",
      "POST logged-models/search",
      "GET registered-models/search",
    ]);
  });

  it("that are prompts are counted, not carried, and only where their name is selected", async () => {
    const { select } = open(content);
    expect((await select()).notCarried).toContainEqual({ what: "prompts", count: 1 });
    expect((await select({ models: ["m"] })).notCarried.map(({ what }) => what)).not.toContain("prompts");
  });

  it("with aliases of versions that are gone are named with the number of these", async () => {
    const { select } = open(content);
    expect((await select({ models: ["m"] })).notCarried).toEqual([{ what: "aliases of deleted versions", count: 1, where: "m" }]);
  });

  it("without a match are told before versions are read", async () => {
    const { select, requests } = open(content);
    await expect(select({ models: ["greeting"] })).rejects.toMatchObject({ code: "NOTHING_SELECTED" });
    expect(requests).not.toContain("GET model-versions/search");
  });
});

describe("what is not carried", () => {
  const trace = (id: string): { trace_location: unknown } => ({ trace_location: { mlflow_experiment: { experiment_id: id } } });

  it("is counted by experiment", async () => {
    const { select } = open({ experiments: two, traces: [trace("1"), trace("2"), trace("1")] });
    expect((await select()).notCarried).toEqual([
      { what: "traces", count: 2, where: "one" },
      { what: "traces", count: 1, where: "two" },
    ]);
  });

  it("is counted on servers before 3.0 by their own route", async () => {
    const old = ["1", "2", "1"].map((id) => ({ experiment_id: id }));
    const { select } = open({ experiments: two, traces: old, broken: { "traces/search": 404 } });
    expect((await select()).notCarried).toEqual([
      { what: "traces", count: 2, where: "one" },
      { what: "traces", count: 1, where: "two" },
    ]);
  });

  it("is nothing where the server does not have the kind, and webhooks are nothing to whom they are not open", async () => {
    const { select } = open({
      experiments: two,
      switchedOff: ["traces/search"],
      broken: { "datasets/search": 404, "scorers/list": 501, webhooks: 403 },
    });
    expect((await select()).notCarried).toEqual([]);
  });

  it("is named without a number where the server does not show it to this principal", async () => {
    const { select } = open({ experiments: two, broken: { "traces/search": 403, "datasets/search": 403, "scorers/list": 403 } });
    expect((await select()).notCarried).toEqual([
      { what: "traces", count: 0, atLeast: true },
      { what: "evaluation datasets", count: 0, atLeast: true },
      { what: "scorers", count: 0, atLeast: true },
    ]);
  });

  it("fails the selection where the server is overloaded", async () => {
    for (const route of ["traces/search", "datasets/search", "scorers/list", "webhooks"]) {
      const { select } = open({ experiments: two, broken: { [route]: 503 } });
      await expect(select()).rejects.toMatchObject({ code: "REQUEST_FAILED", request: { status: 503 } });
    }
  });
});

it("hides the experiment and the runs that only carry files of versions", async () => {
  const experiments = [...two, experimentJson("9", "mlferry carriers", { tags: tagList({ mlferry_carrier: "experiment" }) })];
  const carrier = runJson("carrier", { experiment: "9", tags: { mlferry_carrier: "m/1" } });
  const versions = [
    versionJson("m", 1, `${carrier.info.artifact_uri}/model`, {
      run_id: carrier.info.run_id,
      tags: tagList({ mlferry_carrier: "m/1" }),
    }),
  ];
  const { keys, entity } = open({ experiments, runs: [carrier], models: [modelJson("m")], versions });
  expect(await keys()).toEqual(["experiment:1", "experiment:2", "registered-model:m", "model-version:m/1"]);
  expect(await entity("model-version:m/1")).toMatchObject({ files: { owner: "own" } });
  expect(await openContent({ experiments, runs: [runJson("somebody's", { experiment: "9" })] }).keys()).toContain("experiment:9");
});

it("gives the same again when a catalogue is read twice", async () => {
  const { select } = open({ experiments: two, runs: [runJson("a"), runJson("b", { parent: "a" })] });
  const catalogue = await select();
  const read = async (): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const entity of catalogue.entities(never)) found.push(entity);
    return found;
  };
  expect(await read()).toEqual(await read());
});
