// Recorded answers as entities.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { toExperiment, toLoggedModel, toModelVersion, toRegisteredModel, toRun } from "../../src/adapters/mlflow/convert.ts";
import { parseWire, wire } from "../../src/adapters/mlflow/wire.ts";
import { parseJson } from "../../src/http/json.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import { hexId, tagList } from "./registry.ts";

function recorded(name: string): unknown {
  return parseJson(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"));
}

const run = parseWire(wire.run, recorded("runs-get-full"), "runs/get").run;

/** The recorded run with these tags. */
function runWithTags(tags: Readonly<Record<string, string>>): ReturnType<typeof toRun> {
  return toRun({ ...run, data: { ...run.data, tags: new Map(Object.entries(tags)) } });
}

describe("a recorded run", () => {
  it("keeps every field, with times and steps beyond 2 to the 53", () => {
    const entity = toRun(run);
    expect(entity).toMatchObject({
      name: "renamed",
      user: "alice",
      status: "FINISHED",
      startTime: 1_600_000_000_000n,
      endTime: 1_600_000_001_000n,
      deleted: false,
    });
    expect(entity.latestMetrics.get("sp")).toEqual({ key: "sp", value: 1, timestamp: 9223372036854775807n, step: 9223372036854775807n });
    expect(entity.params.size).toBe(10);
    expect(entity.datasets).toEqual([
      {
        name: "d1",
        digest: "abc",
        sourceType: "local",
        source: '{"uri":"/x"}',
        schema: '{"a":1}',
        profile: '{"n":1}',
        tags: new Map([["mlflow.data.context", "training"]]),
      },
    ]);
  });

  it("has its name once, as a name and not as a tag", () => {
    expect([...toRun(run).tags.keys()]).toEqual(["mlflow.user", "a", "a b", "a/b", "a.b-c_d", "a:b", "ü"]);
  });

  it("shows what mlferry wrote on it apart from its tags", () => {
    const { tags, provenance } = runWithTags({ mlferry_source: "abc", mlferry_done: "d", own: "1" });
    expect([tags, provenance]).toEqual([
      new Map([["own", "1"]]),
      new Map([
        ["source", "abc"],
        ["done", "d"],
      ]),
    ]);
  });

  it("names the runs and logged models that its tags name", () => {
    const [a, b] = [hexId("a"), hexId("b")];
    const history = JSON.stringify([{ run_id: a, model_uuid: b, model_id: `m-${b}` }]);
    const { mayReference } = runWithTags({ "mlflow.parentRunId": b, "mlflow.log-model.history": history, other: hexId("c") });
    expect([...mayReference].sort()).toEqual([`logged-model:m-${b}`, `run:${a}`, `run:${b}`]);
  });

  it("has absent fields where the server leaves them out", () => {
    const bare = toRun(
      parseWire(wire.run, { run: { info: { run_id: hexId("bare"), experiment_id: "1", status: "RUNNING" } } }, "runs/get").run,
    );
    expect(bare).toMatchObject({ name: "", user: "", params: new Map(), tags: new Map(), datasets: [] });
    expect(bare).not.toHaveProperty("startTime");
    expect(bare).not.toHaveProperty("endTime");
  });
});

describe("other recorded objects", () => {
  it("are an experiment", () => {
    expect(toExperiment(parseWire(wire.experiment, recorded("experiments-get"), "experiments/get").experiment)).toMatchObject({
      key: "experiment:1",
      name: "exp-a",
      deleted: false,
      createdAt: 1_795_464_493_566n,
      tags: new Map([
        ["t1", "v1"],
        ["mlflow.note.content", "desc"],
      ]),
    });
  });

  it("are a logged model with the metrics that runs measured, and without the tag that the server keeps itself", () => {
    const { model } = parseWire(wire.loggedModel, recorded("logged-models-get"), "logged-models/get");
    const tagged = { ...model, info: { ...model.info, tags: new Map([...model.info.tags, ["mlflow.modelVersions", "[]"]]) } };
    const source = run.info.run_id;
    const entity = toLoggedModel(tagged, { outputOf: [{ run: `run:${source}` as EntityKey, step: 3n }], inputOf: [] }, () => true);
    expect(entity).toMatchObject({
      name: "lm1",
      status: "READY",
      modelType: "mt",
      sourceRun: `run:${source}`,
      params: new Map([["lp", "1"]]),
      tags: new Map([["a/b", "z"]]),
    });
    expect(entity.metrics[0]).toEqual({
      key: "lmm",
      value: 0.5,
      timestamp: 1_600_000_000_000n,
      step: 3n,
      run: `run:${source}`,
      datasetName: "d1",
      datasetDigest: "abc",
    });
    expect(entity.needs).toEqual(["experiment:1", `run:${source}`]);
  });

  it("are a registered model and its version", () => {
    const model = parseWire(wire.registeredModel, recorded("registered-models-get"), "registered-models/get").registered_model;
    expect(toRegisteredModel(model)).toMatchObject({ key: "registered-model:rm1", description: "d", tags: new Map([["k", "v"]]) });
    const version = parseWire(wire.modelVersion, recorded("model-versions-get"), "model-versions/get").model_version;
    expect(toModelVersion(version, { files: { owner: "own" } })).toMatchObject({
      key: "model-version:rm1/1",
      version: 1,
      stage: "None",
      description: "vd",
      needs: ["registered-model:rm1"],
    });
  });

  it("have stages in any letter case", () => {
    const json = { model_version: { name: "m", version: 2, current_stage: "production", tags: tagList({}) } };
    const { model_version: version } = parseWire(wire.modelVersion, json, "model-versions/get");
    expect(toModelVersion(version, { files: { owner: "own" } }).stage).toBe("Production");
  });
});

describe("an answer that is not MLflow's", () => {
  it("is told with the call and the field", () => {
    expect(() => parseWire(wire.runs, { runs: [{ info: { run_id: 5 } }] }, "runs/search")).toThrow(
      expect.objectContaining({ code: "NOT_A_REGISTRY", message: expect.stringMatching(/runs\/search.*runs\.0\.info\.run_id/) as unknown }),
    );
  });

  it("may have fields that are new", () => {
    const answer = { experiments: [{ experiment_id: "1", name: "x", colour: "red" }], mood: "good" };
    expect(parseWire(wire.experiments, answer, "experiments/search").experiments).toHaveLength(1);
  });
});
