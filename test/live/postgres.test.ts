// A target on PostgreSQL, which holds texts to the widths of its columns, refuses NUL and orders by a locale: SQLite does none of it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startPostgres } from "./postgres.ts";
import type { Postgres } from "./postgres.ts";
import { compareServers, predict } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { AGREED, CARRIERS, source, sourceBundle } from "./source.ts";

let place: Workplace;
let postgres: Postgres;
let target: LiveServer;
/** On SQLite, with what PostgreSQL cannot hold. */
let wide: LiveServer;

beforeAll(async () => {
  [place, postgres] = await Promise.all([createWorkplace(), startPostgres()]);
  [target, wide] = await Promise.all([
    startMlflow({ name: "postgres", database: await postgres.createDatabase("target") }),
    startMlflow({ name: "wide" }),
  ]);
});

afterAll(async () => {
  await wide[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

describe("a whole registry of 3.17.2", () => {
  it("arrives on PostgreSQL, but for one tag that is wider than its column", async () => {
    const bundle = await sourceBundle();
    const planned = await place.plan(["plan", bundle, target.url]);
    expect(planned.report.steps.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal.message]))).toEqual([
      "registered-model:tags at the limits is left out: the target cannot hold tags.at the limit (a value longer than 5000 characters)",
    ]);
    const { code, report, told } = await place.job(["import", bundle, target.url, "--include-deleted", "--on-loss", "drop"]);
    expect(code, told).toBe(0);
    expect(report.outcomes).toEqual([]);
    const allow = AGREED.filter(({ field }) => !field.startsWith("files."));
    const { differences, carriers } = await compareServers(source().url, target.url, {
      allow: [...allow, { key: "registered-model:tags at the limits", field: "tags.at the limit" }],
      files: false,
    });
    expect(differences).toEqual([]);
    expect(carriers).toBe(CARRIERS);
  });

  it("gives models that predict as before", async () => {
    const uris = ["models:/many/17", "models:/from logged models/2"];
    expect(await predict(target.url, ...uris)).toEqual(await predict(source().url, ...uris));
  });
});

describe("what only SQLite holds", () => {
  const LONG_RUN = "r".repeat(300);
  const NUL = "before\u0000after";

  beforeAll(async () => {
    const [home] = [await post("experiments/create", { name: "narrow" }), await post("experiments/create", { name: "e".repeat(300) })];
    const experiment = String(home["experiment_id"]);
    await post("runs/create", { experiment_id: experiment, run_name: LONG_RUN, start_time: 1 });
    const { run } = (await post("runs/create", { experiment_id: experiment, run_name: "with NUL", start_time: 2 })) as {
      run: { info: { run_id: string } };
    };
    const tags = [{ key: "fine", value: "f" }];
    await post("runs/log-batch", {
      run_id: run.info.run_id,
      params: [{ key: "nul", value: NUL }],
      tags: [...tags, { key: "nul", value: NUL }],
    });
    await post("registered-models/create", { name: "described", description: "d".repeat(5001), tags });
  });

  it("is a name: told before anything is written", async () => {
    const before = await target.storedState();
    const { code, stderr } = await place.run(["copy", wide.url, target.url]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: the target does not allow the experiment name "e+": 1 to 256 characters, no NUL$/m);
    expect(stderr).toMatch(/^hint: rename it: --rename-experiment/m);
    expect(await target.storedState()).toBe(before);
  });

  it("is a text: planned, refused, and left out when that is agreed to", async () => {
    const only = ["--experiments", "narrow", "--models", "*"];
    const planned = await place.plan(["plan", wide.url, target.url, ...only]);
    expect(planned.report.steps.flatMap(({ refusal }) => refusal?.message.replace(/^.* is left out: /, "") ?? []).sort()).toEqual([
      "the target cannot hold description (a value longer than 5000 characters)",
      "the target cannot hold params.nul (a NUL character, which the target's database refuses)",
    ]);
    const { report } = await place.job(["copy", wide.url, target.url, ...only, "--on-loss", "drop"]);
    expect(report.losses.map(({ field, agreed }) => `${field} ${String(agreed)}`).sort()).toEqual([
      "description true",
      "params.nul true",
      "tags.nul true",
    ]);
    // What no limit foretells is the server's refusal, for that object alone.
    expect(report.outcomes).toMatchObject([
      {
        state: "failed",
        code: "REQUEST_FAILED",
        message: expect.stringMatching(/runs\/create: \(psycopg2\S+\) value too long for type character varying\(250\)$/) as string,
        hint: expect.stringContaining("shorten it") as string,
      },
    ]);
    expect(report.totals.by_kind).toMatchObject({ run: { done: 1, failed: 1 }, "registered-model": { done: 1 } });
  });
});

async function post(route: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${wide.url}/api/2.0/mlflow/${route}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as Record<string, unknown>;
  expect(answer.status, JSON.stringify(json)).toBe(200);
  return json;
}
