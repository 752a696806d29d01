// Plans that are saved and carried out, by the real program: into an MLflow server that only remembers, and into bundles.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { jobSchema, planSchema } from "../../src/report/json.ts";
import type { JobJson } from "../../src/report/json.ts";
import { model } from "../engine/registry.ts";
import { startFakeMlflow } from "../fakes/mlflow-server.ts";
import type { FakeMlflow } from "../fakes/mlflow-server.ts";
import { smallSource, writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";
import type { Ran } from "./program.ts";

let cwd: string;
let server: FakeMlflow;

beforeEach(async () => {
  cwd = tempFolder();
  await writeBundle(join(cwd, "b.tar"), smallSource());
  const fake = await startFakeMlflow();
  onTestFinished(() => fake.close());
  server = fake;
});

const run = (...args: string[]): Promise<Ran> => mlferryHere(args, { cwd });

async function save(...flags: string[]): Promise<void> {
  const ran = await run("plan", "b.tar", server.url, "--out", "a.plan", ...flags);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
}

async function apply(): Promise<Ran & { readonly report: JobJson }> {
  const ran = await run("apply", "a.plan", "--json", "--quiet");
  return { ...ran, report: jobSchema.parse(JSON.parse(ran.stdout)) };
}

const writes = (): string[] => server.requests.filter((request) => !/^GET |\/search$/.test(request));

describe("a saved plan", () => {
  test("is made without a write, is told of, and is its owner's alone", async () => {
    const ran = await run("plan", "b.tar", server.url, "--out", "a.plan");
    expect(ran.stdout.trimEnd().split("\n").at(-1)).toBe("saved as a.plan: mlferry apply carries out exactly this");
    expect(statSync(join(cwd, "a.plan")).mode & 0o777).toBe(0o600);
    expect(writes()).toEqual([]);
    const json = planSchema.parse(JSON.parse((await run("plan", "b.tar", server.url, "--out", "a.plan", "--json")).stdout));
    expect(json.saved).toBe("a.plan");
    expect(readdirSync(cwd).sort()).toEqual(["a.plan", "b.tar"]);
  });

  test("is carried out whole, and then there is nothing to do", async () => {
    await save();
    const first = await apply();
    expect(first.code, first.stderr).toBe(0);
    expect(first.report).toMatchObject({ totals: { states: { done: 4, skipped: 0 } }, plan: { path: "a.plan", left_out: [], gone: [] } });
    server.requests.length = 0;
    const second = await apply();
    expect(second.code, second.stderr).toBe(0);
    expect(second.report.totals.states).toMatchObject({ done: 0, skipped: 4 });
    expect(writes()).toEqual([]);
    expect((await run("verify", "b.tar", server.url, "--level", "metadata")).code).toBe(0);
  });

  test("is the same job as the copy with the same options", async () => {
    await save("--rename-model", "*=x-*");
    await apply();
    const copied = await run("copy", "b.tar", server.url, "--rename-model", "*=x-*");
    expect(copied.stdout).toContain("nothing to do: the target already holds everything (4 objects checked)");
    const { jobs } = JSON.parse((await run("status", "--json")).stdout) as { jobs: unknown[] };
    expect(jobs).toHaveLength(1);
  });

  test("carries its rules with it: a mapping file that was edited since does not matter", async () => {
    writeFileSync(join(cwd, "map.yaml"), "models:\n  - {from: churn, to: renamed}\n");
    await save("--map", "map.yaml");
    writeFileSync(join(cwd, "map.yaml"), "models:\n  - {from: churn, to: another}\n");
    expect((await apply()).code).toBe(0);
    expect([...server.store.models.keys()]).toEqual(["renamed"]);
    rmSync(join(cwd, "map.yaml"));
    expect((await apply()).report.totals.states).toMatchObject({ skipped: 4 });
  });

  test("calls a registry by its name, and asks mlferry.yaml again who that is", async () => {
    writeFileSync(join(cwd, "mlferry.yaml"), `registries:\n  prod: {uri: "${server.url}"}\n`);
    expect((await run("plan", "b.tar", "prod", "--out", "a.plan")).code).toBe(0);
    expect(readFileSync(join(cwd, "a.plan"), "utf8")).toContain('"target":{"location":"prod","origin":');
    mkdirSync(join(cwd, "elsewhere"));
    const nowhere = await mlferryHere(["apply", "../a.plan"], { cwd: join(cwd, "elsewhere") });
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('"prod"') as string });
    const ran = await mlferryHere(["apply", "../a.plan", "--config", "../mlferry.yaml"], { cwd: join(cwd, "elsewhere") });
    expect(ran.code, ran.stderr).toBe(0);
    expect(server.store.models.size).toBe(1);
  });

  test("is for one workspace", async () => {
    const ran = await run("plan", "b.tar", server.url, "--out", "a.plan", "--workspaces", "*");
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("error: --out saves the plan of one workspace, and --workspaces goes through several\n");
  });

  test("holds in another folder", async () => {
    await save();
    mkdirSync(join(cwd, "elsewhere"));
    const ran = await mlferryHere(["apply", "../a.plan"], { cwd: join(cwd, "elsewhere") });
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
  });

  test("becomes a bundle, and the bundle stays as it is when it is applied again", async () => {
    expect((await run("plan", "b.tar", "new.tar", "--out", "a.plan")).code).toBe(0);
    expect(existsSync(join(cwd, "new.tar"))).toBe(false);
    expect(await run("apply", "a.plan")).toMatchObject({ code: 0, stderr: "" });
    const bytes = readFileSync(join(cwd, "new.tar"));
    const again = await run("apply", "a.plan");
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing to do") as string });
    expect(readFileSync(join(cwd, "new.tar")).equals(bytes)).toBe(true);
    rmSync(join(cwd, "new.tar"));
    writeFileSync(join(cwd, "new.tar"), "someone's file");
    expect((await run("apply", "a.plan")).code).not.toBe(0);
    expect(readFileSync(join(cwd, "new.tar"), "utf8")).toBe("someone's file");
  });
});

describe("a plan is refused as a whole", () => {
  test.each([
    ["when it was altered", (text: string) => text.replace('"create"', '"skip"'), "PLAN_INVALID"],
    ["when it was cut off", (text: string) => text.slice(0, -5), "PLAN_INVALID"],
    ["when another mlferry made it", (text: string) => text.replace(/"tool":"[^"]*"/, '"tool":"0.0.9"'), "STALE_PLAN"],
  ])("%s", async (_when, change, code) => {
    await save();
    let text = change(readFileSync(join(cwd, "a.plan"), "utf8"));
    if (code === "STALE_PLAN") text = resealed(text);
    writeFileSync(join(cwd, "a.plan"), text);
    await refused(code);
  });

  test("when another registry answers at its source or target", async () => {
    await save();
    await replaceSource(createMemory({ newIds: false }));
    expect((await refused("STALE_PLAN")).stderr).toContain("is stale: another registry is at ");
  });

  test("when it is a folder, or not there", async () => {
    mkdirSync(join(cwd, "a.plan"));
    expect((await refused("PLAN_INVALID")).stderr).toContain("error: a.plan is no plan: it is a folder");
    rmSync(join(cwd, "a.plan"), { recursive: true });
    expect(await run("apply", "a.plan")).toMatchObject({ code: 1, stderr: "error: there is no plan a.plan\nhint: check the path\n" });
  });

  test("when its source holds nothing that was selected any more", async () => {
    await save("--models", "churn");
    await replaceSource(createMemory({ origin: smallSource().origin, newIds: false }));
    expect((await refused("STALE_PLAN")).stderr).toContain('is stale: no model matches "churn"');
  });

  test("when others have made a registered model of a planned name", async () => {
    await save();
    const theirs = { name: "churn", tags: new Map(), aliases: new Map(), versions: new Map(), description: "", lastNumber: 0 };
    server.store.models.set("churn", theirs);
    expect((await refused("STALE_PLAN")).stderr).toContain("is stale: the target already holds another registered model named");
  });

  async function refused(code: string): Promise<Ran> {
    const ran = await run("apply", "a.plan", "--json");
    expect(ran.code, ran.stderr).toBe(6);
    expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code, exitCode: 6 } });
    expect(writes()).toEqual([]);
    return ran;
  }
});

/** Another bundle under the source's name. */
async function replaceSource(source: MemoryPlace): Promise<void> {
  rmSync(join(cwd, "b.tar"));
  await writeBundle(join(cwd, "b.tar"), source);
}

/** The text with a last line that fits it. */
function resealed(text: string): string {
  const body = text.slice(0, text.indexOf('{"steps":'));
  const steps = body.trimEnd().split("\n").length - 1;
  return `${body}${JSON.stringify({ steps, sha256: createHash("sha256").update(body).digest("hex") })}\n`;
}

describe("an object that has changed since the plan", () => {
  test("at the source is told as stale, what needs it too, and the rest is written", async () => {
    await save();
    await replaceSource(smallSource({ description: "changed" }));
    const { code, report } = await apply();
    expect(code).toBe(6);
    expect(report.outcomes.map(({ key, code: why }) => `${key} ${why}`)).toEqual([
      "registered-model:churn STALE_PLAN",
      "model-version:churn/1 NEEDS_FAILED",
    ]);
    expect(report.totals.states).toMatchObject({ done: 2 });
    expect(server.store.models.size).toBe(0);
    const text = await run("apply", "a.plan");
    expect(text.stdout).toContain("registered-model:churn is not as it was when the plan was made: it has changed at the source");
    expect(text.stdout).toContain("hint: make a new plan: mlferry plan SRC DST --out FILE");
  });

  test("is gone from the source: that is told, and the plan does not count as carried out", async () => {
    await replaceSource(withMore());
    await save();
    await replaceSource(smallSource());
    const { code, report } = await apply();
    expect(code).toBe(6);
    expect(report.plan?.gone).toEqual([{ key: "registered-model:more", action: "create", due: true }]);
    expect((await run("apply", "a.plan")).stdout).toContain(
      "gone from the source since the plan was made\n  registered-model:more  was to be written (create)",
    );
  });

  test("has come to the source: it is left out, and the plan is carried out", async () => {
    await save();
    await replaceSource(withMore());
    const { code, report } = await apply();
    expect(code).toBe(0);
    expect(report.plan?.left_out).toEqual(["registered-model:more"]);
    expect([...server.store.models.keys()]).toEqual(["churn"]);
    expect((await run("apply", "a.plan")).stdout).toContain("new at the source, not in the plan, left out\n  registered-model:more");
  });

  function withMore(): MemoryPlace {
    const place = smallSource();
    place.load(model("more"));
    return place;
  }
});
