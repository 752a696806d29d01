// Selections on real servers: the same filter means the same everywhere, brings what it needs, and gives numbers that last.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import type { Run } from "../../src/model/entities.ts";
import { idOf } from "../../src/model/keys.ts";
import { runFilter } from "../../src/model/run-filter.ts";
import { listingSchema } from "../../src/report/json.ts";
import type { ListingJson } from "../../src/report/json.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { compareServers, predict } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, source, sourceBundle } from "./source.ts";

let place: Workplace;
let target: LiveServer;

beforeAll(async () => {
  place = await createWorkplace();
  target = await startMlflow({ name: "selection" });
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function list(...flags: readonly string[]): Promise<ListingJson> {
  const { code, stdout, stderr } = await place.run(["ls", source().url, ...flags, "--json", "--quiet"]);
  expect(code, stderr).toBe(0);
  return listingSchema.parse(JSON.parse(stdout));
}

describe("a run filter", () => {
  // Ids of the source stand for themselves by the names under which the seed remembers them.
  const filters = [
    "status = 'FINISHED'",
    "status != 'FINISHED'",
    "attributes.status = 'RUNNING' AND attributes.user_id = 'ada'",
    "attributes.user_id LIKE '%@example.org'",
    "user_id ILIKE 'ADA'",
    "attributes.run_name = 'level 2'",
    "run_name LIKE 'trains _'",
    "`run name` ILIKE 'TRAINS 1%'",
    "tags.`mlflow.runName` = '250 params'",
    "tags.mlflow.parentRunId = '{run.parent}'",
    "run_id = '{run.child}'",
    "attributes.run_id IN ('{run.child}', '{run.parent}', 'nobody')",
    "attributes.run_id NOT IN ('{run.child}')",
    "attributes.start_time >= 1704067800000",
    "start_time < 1704067200000",
    "attributes.end_time <= 1704067200001",
    "created >= 9999999999999",
    "params.`param/007` = 'value 7'",
    'params."param/007" LIKE "value _"',
    "params.p IS NULL AND tags.t IS NULL",
    "tags.t IS NOT NULL",
    "params.p != 'plain'",
    'params.p = "it\'s"',
    "metrics.rmse > 0",
    "metrics.rmse != 1.5",
    "metrics.nan = 0",
    "metrics.nan != 0",
    "dataset.name = 'shared data'",
    "dataset.context IN ('training', 'validation')",
    "datasets.digest LIKE '01%' AND dataset.context != 'training'",
  ];
  const refused = [
    "status = 'FAILED' OR status = 'KILLED'",
    "params.p > '3'",
    "params.p = 3",
    "metrics.rmse = '3'",
    "status IN ('FAILED')",
    "attributes.start_time = 'now'",
    "attributes.colour = 'red'",
    "colours.red = 'x'",
    "metrics.rmse IS NULL",
  ];
  let runs: readonly Run[];
  let experimentIds: readonly string[];

  beforeAll(async () => {
    const bundle = await openBundleSource(await sourceBundle());
    const { signal } = new AbortController();
    const catalogue = await bundle.select({ includeDeleted: true }, signal);
    const found: Run[] = [];
    for await (const entity of catalogue.entities(signal)) if (entity.kind === "run") found.push(entity);
    await bundle.close();
    runs = found;
    experimentIds = catalogue.experiments.map(({ key }) => idOf(key));
  });

  const withIds = (filter: string): string => filter.replace(/\{([\w.]+)\}/g, (_, name: string) => String(source().ids[name]));

  async function atServer(filter: string): Promise<Response> {
    const body = { experiment_ids: experimentIds, filter, run_view_type: "ALL", max_results: 1000 };
    return fetch(`${source().url}/api/2.0/mlflow/runs/search`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  it.each(filters)("%s means the same for a bundle as for the server", async (text) => {
    const filter = withIds(text);
    const answer = (await (await atServer(filter)).json()) as { runs?: { info: { run_id: string } }[] };
    const ours = runs.filter(runFilter(filter)).map(({ key }) => idOf(key));
    expect(ours.sort()).toEqual((answer.runs ?? []).map(({ info }) => info.run_id).sort());
  });

  it("selects something in most of these, and not everything", () => {
    const counts = filters.map((filter) => runs.filter(runFilter(withIds(filter))).length);
    expect(counts.filter((count) => count > 0 && count < runs.length).length).toBeGreaterThan(filters.length * 0.7);
  });

  it.each(refused)("%s is refused by both", async (filter) => {
    expect((await atServer(filter)).status).toBe(400);
    expect(() => runFilter(filter)).toThrow(expect.objectContaining({ code: "FILTER_INVALID" }));
  });

  it("that the server refuses ends a command with its words", async () => {
    const { code, stderr } = await place.run(["ls", source().url, "--runs", "params.p > 3", "--quiet"]);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: the run filter "params\.p > 3" is refused: .*quoted string value.*\nhint: /) as unknown,
    });
  });
});

describe("a selection", () => {
  it("of a stage brings the runs of its versions and says so", async () => {
    const { counts, pulled_in: pulledIn, models } = await list("--models", "staged", "--stages", "Production");
    expect(models[0]?.versions.map(({ version }) => version)).toEqual([1, 2]);
    expect(counts).toMatchObject({ run: 2, experiment: 1, "model-version": 2 });
    expect(pulledIn).toEqual([
      { kind: "experiment", count: 1, because: "experiments of runs" },
      { kind: "run", count: 2, because: "runs of versions" },
    ]);
  });

  it("of numbers and of aliases names the aliases that stay behind", async () => {
    const byNumber = await list("--models", "many", "--versions", "2,16-17");
    expect(byNumber.models[0]?.versions.map(({ version }) => version)).toEqual([2, 16, 17]);
    expect(byNumber.aliases_left_out).toEqual(["alias:many/Champion_1-a", "alias:many/second-name-of-10"]);
    const byAlias = await list("--models", "many", "--aliases", "Champion*");
    expect(byAlias.models[0]?.versions).toMatchObject([{ version: 10, aliases: ["Champion_1-a", "second-name-of-10"] }]);
  });

  it("of a tag, and of the latest version of every model", async () => {
    expect((await list("--tags", "plain=t*")).experiments).toHaveLength(8);
    const { models } = await list("--versions", "latest:1");
    expect(models.every(({ versions }) => versions.length === 1)).toBe(true);
    expect(models.find(({ name }) => name === "many")?.versions).toMatchObject([{ version: 17 }]);
  });

  it("of a time has what began or ended since", async () => {
    const { experiments } = await list("--experiments", "runs of many", "--since", "2024-01-01T00:10Z");
    // The one that trains 9 ends when 10 begins.
    expect(experiments).toMatchObject([{ name: "runs of many", runs: 10 }]);
    const { code, stderr } = await place.run(["ls", source().url, "--since", "2290-01-01", "--quiet"]);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing is left by --since 2290-01-01") as unknown,
    });
  });
});

describe("a selection that is copied", () => {
  it("is all that arrives, under the numbers of the source, for MLflow's own client too", async () => {
    const models = ["--models", "staged", "--models", "staged and aliased"];
    const { code, report, told } = await place.job(["copy", source().url, target.url, ...models, "--stages", "Production"]);
    expect(code, told).toBe(0);
    expect(report.renumbered).toEqual([]);
    expect(report.pulled_in.map(({ kind, count }) => `${String(count)} ${kind}`)).toEqual(["1 experiment", "3 run"]);
    const { differences } = await compareServers(source().url, target.url, {
      files: false,
      map: await onlySelected(["staged", "staged and aliased"]),
      allow: [
        { key: "model-version:staged/[345]", field: "missing" },
        { key: "run:runs of many/*", field: "missing" },
      ],
    });
    expect(differences).toEqual([]);
  });

  it("is what is verified afterwards, unless everything is asked for", async () => {
    const { code, report, stderr } = await place.verify(["verify", source().url, target.url, "--level", "bytes"]);
    expect({ code, findings: report.findings }, stderr).toEqual({ code: 0, findings: [] });
    expect(report.compared.by_kind).toMatchObject({ "model-version": 3, run: 3 });
    expect((await place.verify(["verify", source().url, target.url, "--models", "staged"])).code).toBe(4);
  });

  it("gets numbers without gaps where that is asked for, and a later one the next numbers", async () => {
    const args = (versions: string): string[] => [
      ...["copy", source().url, target.url, "--models", "many", "--models", "promoted", "--version-numbers", "compact"],
      ...["--versions", versions],
    ];
    const first = await place.job(args("1,10"));
    expect(first.report.renumbered, first.told).toEqual([{ source: "model-version:many/10", target: "model-version:many/2" }]);
    const state = await target.storedState();
    expect((await place.job(args("1,10"))).code).toBe(0);
    expect(await target.storedState()).toBe(state);
    const second = await place.job(args("1-3,10,17"));
    expect(second.code, second.told).toBe(0);
    expect(
      Object.fromEntries(second.report.placed.filter(({ source: key }) => key.startsWith("model-version:many/")).map(numbers)),
    ).toEqual({
      ...{ 1: 1, 10: 2, 2: 3, 3: 4, 17: 5 },
    });
    const predicted = await predict(target.url, "models:/many/4", "models:/many@Champion_1-a", "models:/promoted/1");
    expect(Object.values(predicted)).toEqual([
      [9, 21],
      [30, 70],
      [9, 21],
    ]);
    const { code, report } = await place.verify(["verify", source().url, target.url]);
    expect({ code, findings: report.findings }).toEqual({ code: 0, findings: [] });
  });

  it("leaves the source as it was", expectSourceUntouched);
});

function numbers({ source: from, target: to }: { readonly source: string; readonly target: string }): [string, number] {
  return [from.replace(/.*\//, ""), Number(to.replace(/.*\//, ""))];
}

/** Names of everything else, which must not be at the target. */
async function onlySelected(models: readonly string[]): Promise<{ experiments: Record<string, null>; models: Record<string, null> }> {
  const all = await list("--include-deleted");
  const others = (named: readonly { readonly name: string }[], kept: readonly string[]): Record<string, null> =>
    Object.fromEntries(named.filter(({ name }) => !kept.includes(name)).map(({ name }) => [name, null]));
  return { experiments: others(all.experiments, ["runs of many", "Default"]), models: others(all.models, models) };
}
