// One object shown, two places compared, and old names looked up, on real servers.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diffSchema } from "../../src/report/diff-json.ts";
import type { DiffJson } from "../../src/report/diff-json.ts";
import type { EntityJson } from "../../src/report/entity-json.ts";
import { showSchema } from "../../src/report/show-json.ts";
import type { ShowJson } from "../../src/report/show-json.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, source, sourceBundle } from "./source.ts";

let place: Workplace;
let target: LiveServer;

beforeAll(async () => {
  [place, target] = await Promise.all([createWorkplace(), startMlflow({ name: "inspect" })]);
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function show(where: string, key: string, ...flags: readonly string[]): Promise<ShowJson> {
  const { code, stdout, stderr } = await place.run(["show", where, key, "--json", "--quiet", ...flags]);
  expect(code, `${key}: ${stderr}`).toBe(0);
  return showSchema.parse(JSON.parse(stdout));
}

async function diff(a: string, b: string, ...flags: readonly string[]): Promise<DiffJson> {
  const { code, stdout, stderr } = await place.run(["diff", a, b, "--json", "--quiet", ...flags]);
  const report = diffSchema.parse(JSON.parse(stdout));
  expect(code, stderr).toBe(report.exit_code);
  return report;
}

/** Without the links that a server only tells to who reads all runs, and whether an absent object is needed. */
function told(entity: EntityJson): unknown {
  const { needs: _, ...rest } = entity;
  return entity.kind === "logged-model" ? { ...rest, input_of: [] } : rest;
}

describe("mlferry show", () => {
  it("tells of an object of any kind what a bundle of the whole server tells, for a few requests", async () => {
    const { ids, url } = source();
    const bundle = await sourceBundle();
    await using proxy = await startProxy(url);
    const names: Readonly<Record<string, number>> = {
      "experiment:runs of many": 9,
      [`experiment:${ids["experiment.runs"] ?? ""}`]: 10,
      [`runs:/${ids["run.values"] ?? ""}`]: 14,
      [ids["run.three_models"] ?? ""]: 16,
      [`models:/${ids["logged_model.1"] ?? ""}`]: 14,
      "models:/many": 8,
      "models:/many/3": 12,
      "models:/many@Champion_1-a": 13,
      "models:/staged/Staging": 13,
      "models:/promoted twice/1": 16,
      "alias:many/Champion_1-a": 7,
    };
    for (const [name, most] of Object.entries(names)) {
      proxy.behave(() => "pass");
      const [there, here] = [await show(proxy.url, name), await show(bundle, name)];
      expect(told(there.entity), name).toEqual(told(here.entity));
      expect(proxy.requests, name).toBeLessThanOrEqual(most);
    }
  });

  it("lists what stands around a run, its files, and how many points it has", async () => {
    const { ids, url } = source();
    const run = await show(url, ids["run.three_models"] ?? "", "--files", "--points");
    expect(run.experiment_name).toBe("logged models");
    expect(run.dependants).toEqual(expect.arrayContaining([`logged-model:${ids["logged_model.1"] ?? ""}`]));
    const parent = await show(url, ids["run.parent"] ?? "");
    expect(parent.dependants).toEqual(
      expect.arrayContaining(["run.child", "run.early_child", "run.child_elsewhere"].map((name) => `run:${ids[name] ?? ""}`)),
    );
    const many = await show(url, ids["run.120_files"] ?? "", "--files");
    expect(many.files).toHaveLength(120);
    const long = await show(url, ids["run.30000_points"] ?? "", "--points");
    expect(Object.values(long.points ?? {})).toContain(30_000);
  });

  it("says what may have been meant", async () => {
    const { code, stderr } = await place.run(["show", source().url, "models:/mnay/3", "--quiet"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: there is no model-version "mnay\/3" in http.*\nhint: did you mean "many"/);
  });
});

describe("mlferry diff", () => {
  it("finds a server and its bundle equal, to every byte of what can be read", async () => {
    const bundle = await sourceBundle();
    const all = await diff(source().url, bundle, "--include-deleted", "--level", "metadata");
    expect([all.only_a, all.only_b, all.different]).toEqual([[], [], []]);
    expect(all.matched.key).toBe(all.compared.equal);
    expect(all.compared.points).toBeGreaterThan(30_000);
    const part = await diff(bundle, source().url, "--models", "many", "--level", "bytes");
    expect(part).toMatchObject({ different: [], exit_code: 0 });
    expect(part.compared.bytes).toBeGreaterThan(0);
  });

  it("finds exactly the change that was made after a copy under other names", async () => {
    const args = ["copy", source().url, target.url, "--models", "many", "--rename-model", "many=ml.prod.many"];
    const copied = await place.job([...args, "--rename-experiment", "*=moved/*"]);
    expect(copied.code, copied.told).toBe(0);
    const before = await diff(source().url, target.url, "--models", "*many", "--level", "bytes");
    const own = (report: DiffJson): unknown => [report.only_a, report.only_b.filter((key) => key !== "experiment:0"), report.different];
    expect(own(before)).toEqual([[], [], []]);
    expect(before.renamed).toContainEqual({ kind: "registered-model", a: "many", b: "ml.prod.many" });

    const change = { model: "ml.prod.many", version: "3", key: "owner", value: "eve's\n🚢" };
    await runPython("set_tag.py", ["--uri", target.url, ...Object.entries(change).flatMap(([name, value]) => [`--${name}`, value])]);
    const after = await diff(source().url, target.url, "--models", "*many");
    const changed = (a: string, b: string, side: "a" | "b"): unknown => [
      { a, b, matched_by: "provenance", differences: [{ field: "tags.owner", [side]: change.value }] },
    ];
    const version = after.different[0];
    expect(after.different).toEqual(changed(version?.a ?? "", "model-version:ml.prod.many/3", "b"));
    const mirrored = await diff(target.url, source().url, "--models", "*many");
    expect(mirrored.different).toEqual(changed("model-version:ml.prod.many/3", version?.a ?? "", "a"));
  });
});

describe("mlferry lookup", () => {
  it("answers from the journal and from the objects at the target alike, and back", async () => {
    const run = source().ids["runs.many"][0] ?? "";
    const questions = [
      run,
      `runs:/${run}/model`,
      "models:/many",
      "models:/many@Champion_1-a",
      `experiment:${source().ids["experiment.many"] ?? ""}`,
    ];
    const journal = await place.run(["lookup", ...questions, "--quiet"]);
    expect(journal.code, journal.stderr).toBe(0);
    const answers = journal.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(answers.map(([question]) => question)).toEqual(questions);
    expect(answers[1]?.[1]).toBe(`runs:/${answers[0]?.[1] ?? ""}/model`);
    expect(answers[2]?.[1]).toBe("models:/ml.prod.many");
    expect(answers[3]?.[1]).toBe("models:/ml.prod.many@Champion_1-a");

    await using elsewhere = await createWorkplace();
    const tags = await elsewhere.run(["lookup", "--in", target.url, ...questions, "--quiet"]);
    expect({ code: tags.code, stdout: tags.stdout }).toEqual({ code: 0, stdout: journal.stdout });
    const back = await elsewhere.run(["lookup", "--in", target.url, "--reverse", ...answers.map(([, answer = ""]) => answer), "--quiet"]);
    expect(
      back.stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t")[1]),
    ).toEqual(questions);
    expect((await elsewhere.run(["lookup", "--in", target.url, "f".repeat(32)])).code).toBe(3);
  });

  it("has not written anything to the source", expectSourceUntouched);
});
