// Logged models in a selection: which runs come with them, and what finding those out costs.
import { afterEach, describe, expect, it } from "vitest";
import type { Content } from "../fakes/readable-mlflow.ts";
import { experimentJson, hexId, loggedModelJson, open as openContent, runJson, shown } from "./registry.ts";
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

describe("logged models", () => {
  const loggedModels = [loggedModelJson("lm", { sourceRun: "maker" }), loggedModelJson("elsewhere", { experiment: "2" })];
  const runs = [runJson("maker", { made: ["lm"] }), runJson("user", { used: ["lm", "elsewhere", "gone"] })];

  it("know the runs that made and used them, though searches do not tell the latter", async () => {
    const { entity } = open({ experiments: two, runs, loggedModels });
    expect(await entity("logged-model:lm")).toMatchObject({
      outputOf: [{ run: `run:${hexId("maker")}`, step: 0n }],
      inputOf: [`run:${hexId("user")}`],
    });
    expect((await entity("logged-model:lm")).needs.map(shown)).toEqual(["experiment:1", "run:maker", "run:user"]);
  });

  it("that a run used come with it from other experiments", async () => {
    const { keys } = open({ experiments: two, runs, loggedModels });
    expect(await keys({ experiments: ["one"] })).toEqual([
      "experiment:1",
      "experiment:2",
      "run:maker",
      "run:user",
      "logged-model:lm",
      "logged-model:elsewhere",
    ]);
  });

  it("bring the runs that measured them, whose metrics have no place without them", async () => {
    const measured = [loggedModelJson("lm", { sourceRun: "maker", measuredBy: "judge" })];
    const { keys } = open({
      experiments: two,
      runs: [runs[0] ?? runJson("maker"), runJson("judge", { experiment: "2" })],
      loggedModels: measured,
    });
    expect(await keys({ experiments: ["one"] })).toEqual(["experiment:1", "experiment:2", "run:judge", "run:maker", "logged-model:lm"]);
  });

  it("are found out about run by run where the server has no GraphQL", async () => {
    const { entity, requests } = open({ experiments: two, runs, loggedModels, broken: { "/graphql": 403 } });
    expect(await entity("logged-model:lm")).toMatchObject({ inputOf: [`run:${hexId("user")}`] });
    expect(requests.filter((route) => route === "GET runs/get")).toHaveLength(2);
  });

  it("cost nothing where there are none, or the server knows none", async () => {
    const without = open({ experiments: two, runs: [runJson("a")] });
    await without.keys();
    expect(without.requests.filter((route) => route.includes("graphql") || route === "GET runs/get")).toEqual([]);
    const old = open({ experiments: two, runs: [runJson("a")], broken: { "logged-models/search": 404 } }, { version: "2.22.5" });
    expect(await old.keys()).toEqual(["experiment:1", "experiment:2", "run:a"]);
  });
});
