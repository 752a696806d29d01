// A saved plan on real servers: carried out whole, once, also when it is killed; and refused object by object where others, with
// MLflow's own client, have changed something since.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { statusSchema } from "../../src/report/status.ts";
import type { JobJson } from "../../src/report/json.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import type { Proxy } from "./proxy.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, source } from "./source.ts";

let place: Workplace;
let target: LiveServer;
let proxy: Proxy;
beforeAll(async () => {
  [place, target] = await Promise.all([createWorkplace(), startMlflow({ name: "apply" })]);
  proxy = await startProxy(target.url);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

/** Lets MLflow's client do something at the target. */
const client = (...calls: readonly (readonly unknown[])[]): Promise<unknown> =>
  runPython("client_calls.py", ["--uri", target.url, JSON.stringify(calls)]);

const ONE_MODEL = ["--models", "many"];

describe("a plan that is killed while it is carried out", () => {
  it("is made without a write", async () => {
    const before = await target.storedState();
    const { code, report } = await place.plan(["plan", source().url, proxy.url, "--out", "first.plan", ...ONE_MODEL]);
    expect(code).toBe(0);
    expect(report).toMatchObject({ saved: "first.plan", totals: { objects: report.totals.actions["create"] } });
    expect(await target.storedState()).toBe(before);
  });

  it("is resumed, and everything is there once", async () => {
    let kill = (): void => undefined;
    // A model's version is being written: runs are there, some of them without their files.
    proxy.behave(({ path, method }) => {
      if (method === "POST" && path.includes("/model-versions/create")) kill();
      return "pass";
    });
    const killed = await place.run(["apply", "first.plan", "--quiet"], { onStart: (child) => (kill = () => void child.kill("SIGKILL")) });
    expect(killed.code, killed.stderr).toBeNull();
    await proxy.idle();
    proxy.behave(() => "pass");
    const { stdout } = await place.run(["status", "--json"]);
    const [cutOff] = statusSchema.parse(JSON.parse(stdout)).jobs;
    expect(cutOff).toMatchObject({ state: "unfinished", source: source().url, target: proxy.url });
    expect(cutOff?.done).toBeGreaterThan(0);
    const { code, report, told } = await place.job(["resume"]);
    expect(code, told).toBe(0);
    expect(report.totals.states).toMatchObject({ failed: 0, refused: 0, blocked: 0 });
    expect(report.totals.states["skipped"]).toBeGreaterThan(0);
    const verified = await place.verify(["verify", source().url, proxy.url, "--level", "bytes", ...ONE_MODEL]);
    expect(verified.report.findings).toEqual([]);
    expect(verified.code).toBe(0);
    // 14 versions, each with its run, and a parent in another experiment.
    expect(await client(["search_registered_models"])).toEqual([expect.stringContaining("name='many'") as string]);
    expect((await runsAt()).length).toBe(verified.report.compared.by_kind.run);
  });

  it("writes nothing when it is applied again", async () => {
    const before = await target.storedState();
    const { code, report, told } = await place.job(["apply", "first.plan"]);
    expect(code, told).toBe(0);
    expect(report.totals.states).toMatchObject({ done: 0, skipped: report.totals.objects });
    expect(await target.storedState()).toBe(before);
    expect((await place.run(["resume"])).stderr).toContain("there is nothing to resume");
  });
});

async function runsAt(): Promise<string[]> {
  const post = async (route: string, body: object): Promise<Record<string, unknown>> => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${target.url}/api/2.0/mlflow/${route}`, { method: "POST", headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  };
  const { experiments } = (await post("experiments/search", { max_results: 100 })) as { experiments: { experiment_id: string }[] };
  const ids = experiments.map(({ experiment_id: id }) => id);
  const { runs } = (await post("runs/search", { experiment_ids: ids, max_results: 1000, run_view_type: "ALL" })) as {
    runs?: { info: { run_id: string } }[];
  };
  return (runs ?? []).map(({ info }) => info.run_id);
}

describe("a plan between which and its application others were at work", () => {
  const MORE = [...ONE_MODEL, "--models", "staged", "--experiments", "tags of an experiment"];
  let before: JobJson;
  let gone: string;

  it("leaves alone what they have changed at the target, and does the rest", async () => {
    before = (await place.job(["apply", "first.plan"])).report;
    const tenth = `run:${source().ids["runs.many"][9] ?? ""}`;
    gone = before.placed.find(({ source: key }) => key === tenth)?.target.slice("run:".length) ?? "";
    expect((await place.plan(["plan", source().url, proxy.url, "--out", "second.plan", ...MORE])).code).toBe(0);
    await client(
      ["set_registered_model_alias", "many", "challenger", "1"],
      ["update_registered_model", "many", "edited by hand"],
      ["delete_run", gone],
      ["create_experiment", "tags of an experiment"],
    );
    const { code, report } = await place.job(["apply", "second.plan"]);
    expect(code).toBe(6);
    const stale = report.outcomes.filter(({ code: why }) => why === "STALE_PLAN").map(({ key }) => key);
    expect(stale.sort()).toEqual(
      ["alias:many/challenger", `experiment:${source().ids["experiment.tags"] ?? ""}`, "registered-model:many", tenth].sort(),
    );
    expect(report.outcomes.filter(({ code: why }) => why !== "STALE_PLAN")).toEqual([]);
    const placed = new Set(report.placed.map(({ source: key }) => key));
    for (const number of [1, 2, 3, 4]) expect(placed).toContain(`model-version:staged/${String(number)}`);
    expect(await client(["get_model_version_by_alias", "many", "challenger"])).toEqual(["1"]);
  });

  it("leaves alone what they have changed at the source, leaves out what is new, and names what is gone", async () => {
    expect((await place.run(["plan", target.url, "copy.tar", "--out", "third.plan", ...ONE_MODEL, "--quiet"])).code).toBe(0);
    const [tagged = "", used = ""] = before.placed
      .map(({ target: key }) => key.replace(/^run:/, ""))
      .filter((id) => /^[0-9a-f]{32}$/.test(id) && id !== gone);
    const [, version] = (await client(
      ["set_tag", tagged, "looked at", "yes"],
      ["create_model_version", "many", `runs:/${used}/model`, used],
      ["delete_registered_model_alias", "many", "challenger"],
    )) as [null, string];
    const { code, report } = await place.job(["apply", "third.plan"]);
    expect(code).toBe(6);
    expect(report.outcomes.filter(({ code: why }) => why === "STALE_PLAN").map(({ key }) => key)).toEqual([`run:${tagged}`]);
    expect(report.plan?.left_out).toEqual([`model-version:many/${version}`]);
    expect(report.plan?.gone).toEqual([{ key: "alias:many/challenger", action: "create", due: true }]);
    expect(existsSync(join(place.dir, "copy.tar"))).toBe(true);
    expect((await place.run(["verify", "copy.tar", "--quiet"])).code).toBe(0);
  });

  it("has not written anything to the source", expectSourceUntouched);
});
