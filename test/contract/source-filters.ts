// The part of the source contract that is about filters: what they let through, what comes with it, and what is told of both.
import { expect } from "vitest";
import type { Selection } from "../../src/model/selection.ts";
import {
  alias,
  experiment,
  experimentKey,
  LONG_AGO,
  loggedModel,
  modelKey,
  point,
  registeredModel,
  run,
  runKey,
  tags,
  versionOf,
} from "./builders.ts";
import type { Item } from "./item.ts";
import type { View } from "./source-view.ts";
import type { Check } from "./suite.ts";

const DAY = 86_400_000n;

/** Two experiments of a team and one of another; runs of three days; a model of four versions and one of one. */
export function filterable(scope: string): Item[] {
  const team = { tags: tags({ team: `${scope} risk`, kind: "flt" }) };
  const first = experiment(`${scope}-flt-first`, team);
  const second = experiment(`${scope}-flt-second`, { tags: tags({ team: `${scope} ads` }) });
  const begun = (day: bigint, days = 0n): { startTime: bigint; endTime: bigint } => ({
    startTime: LONG_AGO + day * DAY,
    endTime: LONG_AGO + (day + days) * DAY,
  });
  const files = { "model/MLmodel": "flavors: {}" };
  const parent = run(`${scope}-flt-parent`, first, begun(0n));
  const good = run(
    `${scope}-flt-good`,
    first,
    { ...begun(1n), params: tags({ depth: "3" }), tags: tags({ "why/not": `it's` }) },
    { points: [point("auc", 0.9)], files, parent: parent.entity.key },
  );
  const bad = run(`${scope}-flt-bad`, first, { ...begun(0n, 3n), params: tags({ depth: "3" }) }, { points: [point("auc", 0.5)], files });
  const late = run(`${scope}-flt-late`, second, { ...begun(5n), status: "FAILED" }, { points: [point("auc", NaN)] });
  const gone = run(
    `${scope}-flt-gone`,
    first,
    { ...begun(1n), params: tags({ depth: "3" }), deleted: true },
    { points: [point("auc", 1)] },
  );
  const made = loggedModel(`${scope}-flt-made`, first, { sourceRun: good.entity.key, outputOf: [{ run: good.entity.key, step: 0n }] });
  const model = registeredModel(`${scope}-flt`, team);
  const other = registeredModel(`${scope}-flt-other`);
  const one = versionOf(bad, 1, model, { stage: "Archived" });
  const two = versionOf(good, 2, model, { stage: "Production" });
  const four = versionOf(bad, 4, model, { stage: "Production" });
  const nine = versionOf(bad, 9, model);
  return [
    ...[first, second, parent, good, bad, late, gone, made],
    ...[model, other, one, two, four, nine, versionOf(late, 3, other)],
    ...[alias("champion", two), alias("challenger", nine), alias("champion-2", four)],
  ];
}

export function filtering(check: Check, opened: () => View): void {
  filteringRuns(check, opened);
  filteringVersions(check, opened);
  telling(check, opened);
}

function filteringRuns(check: Check, opened: () => View): void {
  const runsOf = async (filter: string, more: Partial<Selection> = {}): Promise<string[]> => {
    const { scope, names } = opened();
    const found = await names({ experiments: [`${scope}-flt-*`], runs: filter, ...more });
    return found.filter((key) => key.startsWith("run:"));
  };
  const named = (...which: string[]): string[] => which.map((name) => runKey(`${opened().scope}-flt-${name}`)).sort();

  check("selects runs by metric, param, tag, time and state, with their parents", async () => {
    expect(await runsOf("metrics.auc > 0.6")).toEqual(named("good", "parent"));
    expect(await runsOf("params.depth = '3' AND metrics.auc <= 0.5")).toEqual(named("bad"));
    expect(await runsOf('tags.`why/not` = "it\'s"')).toEqual(named("good", "parent"));
    expect(await runsOf(`attributes.start_time >= ${String(LONG_AGO + 2n * DAY)}`)).toEqual(named("late"));
    expect(await runsOf("status != 'FINISHED'")).toEqual(named("late"));
    expect(await runsOf("metrics.auc != 3")).toEqual(named("bad", "good", "late", "parent"));
    expect(await runsOf("run_name LIKE '%-flt-_ad'")).toEqual(named("bad"));
  });

  check("selects deleted runs by a filter where they are asked for", async () => {
    expect(await runsOf("metrics.auc > 0.95", { includeDeleted: true })).toEqual(named("gone"));
    await expect(runsOf("metrics.auc > 0.95")).rejects.toMatchObject({ code: "NOTHING_SELECTED" });
  });

  check("brings the experiments and the logged models of filtered runs, and nothing else", async () => {
    const { scope, select, names } = opened();
    const selection = { experiments: [`${scope}-flt-*`], runs: "metrics.auc > 0.6" };
    const found = await names(selection);
    expect(found.filter((key) => key.startsWith("experiment:"))).toEqual([experimentKey(`${scope}-flt-first`)]);
    expect(found.filter((key) => key.startsWith("logged-model:"))).toHaveLength(1);
    expect(found).toHaveLength(4);
    expect((await select(selection)).pulledIn).toEqual([
      { kind: "run", count: 1, because: "parents of runs" },
      { kind: "logged-model", count: 1, because: "logged models of runs" },
    ]);
  });

  check("refuses a run filter that it does not understand, and one that leaves nothing, by name", async () => {
    for (const filter of ["metrics.auc > 'high'", "status = 'FAILED' OR status = 'KILLED'", "colour = 'red'"]) {
      await expect(runsOf(filter), filter).rejects.toMatchObject({
        code: "FILTER_INVALID",
        message: expect.stringContaining(JSON.stringify(filter)) as unknown,
      });
    }
    await expect(runsOf("params.depth = '4'")).rejects.toMatchObject({
      code: "NOTHING_SELECTED",
      message: expect.stringContaining("params.depth = '4'") as unknown,
    });
  });

  check("selects runs that began or ended since a time", async () => {
    const { scope, names } = opened();
    const from = Number(LONG_AGO + 2n * DAY);
    const since = { asked: "then", from };
    const found = await names({ experiments: [`${scope}-flt-*`], since });
    expect(
      found.filter((key) => key.startsWith("run:") && key !== runKey(`${scope}-flt-good`) && key !== runKey(`${scope}-flt-parent`)),
    ).toEqual(named("bad", "late"));
    const narrower = await runsOf("metrics.auc < 1", { since });
    expect(narrower).toEqual(named("bad"));
  });

  check("selects experiments and models by their tags", async () => {
    const { scope, select } = opened();
    const all = { experiments: [`*${scope}*`], models: [`*${scope}*`] };
    const both = await select({ ...all, tags: [{ key: "team", value: `${scope} r*` }, { key: "kind" }] });
    expect(both.experiments.map(({ name }) => name)).toEqual([`${scope}-flt-first`]);
    expect(both.models.map(({ name }) => name)).toEqual([expect.stringContaining(`${scope}-flt`)]);
    const one = await select({ ...all, tags: [{ key: "team", value: `${scope} ads` }] });
    expect([one.experiments.length, one.models.length]).toEqual([1, 0]);
    await expect(select({ ...all, tags: [{ key: "team", value: "nobody's" }] })).rejects.toMatchObject({
      code: "NOTHING_SELECTED",
      message: expect.stringContaining("--tags team=nobody's") as unknown,
    });
  });
}

function filteringVersions(check: Check, opened: () => View): void {
  const numbers = async (selection: Partial<Selection>, models = `*${opened().scope}-flt`): Promise<number[]> => {
    const found = await opened().read({ models: [models], ...selection });
    return found.flatMap((entity) => (entity.kind === "model-version" ? [entity.version] : []));
  };

  check("selects versions by number, stage and alias, and the latest of those", async () => {
    expect(
      await numbers({
        versions: {
          spans: [
            { first: 1, last: 1 },
            { first: 3, last: 8 },
          ],
        },
      }),
    ).toEqual([1, 4]);
    expect(await numbers({ versions: { latest: 2 } })).toEqual([4, 9]);
    expect(await numbers({ stages: ["Production"] })).toEqual([2, 4]);
    expect(await numbers({ stages: ["Production", "Archived"], versions: { latest: 2 } })).toEqual([2, 4]);
    expect(await numbers({ aliases: ["champion"] })).toEqual([2]);
    expect(await numbers({ aliases: ["champion*"], stages: ["Production"], versions: { latest: 1 } })).toEqual([4]);
  });

  check("brings only the runs of the versions that are selected, and tells why", async () => {
    const { scope, names, select } = opened();
    const selection = { models: [`*${scope}-flt`], aliases: ["champion"] };
    const found = await names(selection);
    expect(found).toEqual(expect.arrayContaining([runKey(`${scope}-flt-good`), runKey(`${scope}-flt-parent`), modelKey(`${scope}-flt`)]));
    expect(found).not.toContain(runKey(`${scope}-flt-bad`));
    const { pulledIn } = await select(selection);
    expect(pulledIn).toEqual([
      { kind: "experiment", count: 1, because: "experiments of runs" },
      { kind: "run", count: 1, because: "runs of versions" },
      { kind: "run", count: 1, because: "parents of runs" },
      { kind: "logged-model", count: 1, because: "logged models of runs" },
    ]);
  });

  check("leaves models out of which no version is selected", async () => {
    const { scope, select } = opened();
    const { models } = await select({ models: [`*${scope}-flt*`], stages: ["Archived"] });
    expect(models.map(({ name }) => name)).toEqual([expect.stringMatching(/-flt$/)]);
  });

  check("refuses a number or an alias that no version has, and a stage that leaves none, with what there is", async () => {
    await expect(
      numbers({
        versions: {
          spans: [
            { first: 4, last: 4 },
            { first: 5, last: 8 },
          ],
        },
      }),
    ).rejects.toMatchObject({
      code: "NOTHING_SELECTED",
      message: expect.stringContaining("5-8") as unknown,
      hint: expect.stringContaining("1, 2, 4, 9") as unknown,
    });
    await expect(numbers({ aliases: ["champion", "champoin"] })).rejects.toMatchObject({
      code: "NOTHING_SELECTED",
      message: expect.stringContaining('"champoin"') as unknown,
      hint: expect.stringContaining("challenger, champion, champion-2") as unknown,
    });
    await expect(numbers({ stages: ["Staging"] })).rejects.toMatchObject({
      code: "NOTHING_SELECTED",
      message: expect.stringContaining("--stages Staging") as unknown,
      hint: expect.stringContaining("2 in Production") as unknown,
    });
  });
}

function telling(check: Check, opened: () => View): void {
  check("tells the aliases that are left out because their versions are not selected", async () => {
    const { scope, select, keyOf, items } = opened();
    const { leftOut } = await select({ models: [`*${scope}-flt`], versions: { spans: [{ first: 2, last: 2 }] } });
    const expected = items.flatMap(({ entity }) =>
      entity.kind === "alias" && entity.model === `${scope}-flt` && entity.version !== 2 ? [keyOf(entity.key)] : [],
    );
    expect([...leftOut].sort()).toEqual(expected.sort());
  });

  check("tells of nothing that came along where everything is selected", async () => {
    const { select, all } = opened();
    const { pulledIn, leftOut } = await select(all);
    expect({ pulledIn, leftOut }).toEqual({ pulledIn: [], leftOut: [] });
  });
}
