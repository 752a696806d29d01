// Between servers of two generations, each way: a whole registry by bundle and straight across, judged by each server's own client.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startPostgres } from "./postgres.ts";
import type { Database, Postgres } from "./postgres.ts";
import { compareServers, predict, seedAwkward } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer, MlflowVersion } from "./servers.ts";
import { expectSourceUntouched, NAMED_LOSSES, source, sourceBundle } from "./source.ts";
import { REFUSED_NAMES, ROWS } from "./version-rows.ts";
import type { VersionRow } from "./version-rows.ts";

let place: Workplace;
let postgres: Postgres;
/** Of 2.22.5, on PostgreSQL. */
let old: LiveServer;
let oldState: string;
let oldBundle: string;

beforeAll(async () => {
  [place, postgres] = await Promise.all([createWorkplace(), startPostgres()]);
  old = await start("old", "2.22.5", await postgres.createDatabase("old"));
  await seedAwkward(old);
  oldState = await old.storedState();
  oldBundle = join(place.dir, "old.tar");
});

afterAll(async () => {
  await old[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

describe("a server of 2.22.5 on PostgreSQL", () => {
  it("is exported, and what cannot be is named", async () => {
    const { code, report, told } = await place.job(["export", old.url, "-o", oldBundle, "--include-deleted"]);
    expect(code, told).toBe(NAMED_LOSSES);
    expect(report.outcomes.map(({ key, state }) => `${state} ${key}`).filter((line) => !line.includes("run:"))).toEqual(
      ["sources/5", "without a run/1", "without a run/2"].map((key) => `partial model-version:${key}`),
    );
    expect(report.not_carried).toEqual([
      { what: "aliases of deleted versions", count: 1, at_least: false, where: "alias points nowhere" },
      { what: "prompts", count: 2, at_least: false },
      { what: "traces", count: 3, at_least: false, where: "traces" },
    ]);
    expect(report.totals.objects).toBe(205);
  });

  it("has names that later servers refuse: the error says so and how to rename, before anything is written", async () => {
    const before = source().state;
    const { code, stderr } = await place.run(["copy", old.url, source().url, "--models", "*churn"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: the target does not allow the registered model name "\S+" \(and 2 more\): not blank, without \/ and :/m,
    );
    expect(stderr).toMatch(/^hint: rename it: --rename-model FROM=TO, or a rule/m);
    expect(source().state).toBe(before);
    expect(Object.keys(REFUSED_NAMES)).toHaveLength(3);
  });
});

describe.each(ROWS)("from $from to $to", (row) => {
  let imported: LiveServer;
  let copied: LiveServer;
  let moved: Record<"import" | "copy", Awaited<ReturnType<Workplace["job"]>>>;
  const importing = async (): Promise<string[]> => {
    const bundle = row.from === "2.22.5" ? oldBundle : await sourceBundle();
    return ["import", bundle, imported.url, "--include-deleted", ...row.flags];
  };

  beforeAll(async () => {
    const name = `from_${row.from}_to_${row.to}`.replaceAll(".", "_");
    [imported, copied] = await Promise.all([start("imported", row.to, await postgres.createDatabase(name)), start("copied", row.to)]);
    const [byBundle, across] = await Promise.all([
      place.job(await importing()),
      place.job(["copy", urlOf(row), copied.url, "--include-deleted", ...row.flags]),
    ]);
    moved = { import: byBundle, copy: across };
  });
  afterAll(async () => {
    await imported[Symbol.asyncDispose]();
    await copied[Symbol.asyncDispose]();
  });

  it("a bundle arrives on PostgreSQL with all that the version can hold", async () => {
    const { code, report, told } = moved.import;
    expect(report.outcomes, told).toEqual([]);
    expect(code).toBe(row.flags.includes("drop") ? 0 : NAMED_LOSSES);
    await expectAlike(row, imported, { files: true });
  });

  it("a bundle changes nothing when it is imported again", async () => {
    const before = await imported.storedState();
    const again = await place.run([...(await importing()), "--quiet"]);
    expect(again.stderr).toBe("");
    expect(await imported.storedState()).toBe(before);
  });

  it("a copy straight across holds the same", async () => {
    const { report, told } = moved.copy;
    const notMoved = report.outcomes.filter(({ code }) => code !== "ARTIFACT_UNREADABLE");
    expect(notMoved, told).toEqual([]);
    await expectAlike(row, copied, { files: false });
  });

  it("models predict as before", async () => {
    const from = row.from === "2.22.5" ? old : { url: source().url, version: row.from };
    const [there, here] = await Promise.all([
      predict(from, ...row.predict.map(([uri]) => uri)),
      // A client of 2.22.5 cannot load the formats that 3.17.2 logs in, wherever the files lie.
      predict({ url: copied.url, version: row.from === "3.17.2" ? row.from : row.to }, ...row.predict.map(([, uri]) => uri)),
    ]);
    expect(Object.values(here)).toEqual(Object.values(there));
    expect(Object.values(here)).toHaveLength(row.predict.length);
  });
});

describe("what a copy from 3.17.2 to 2.22.5 would lose", () => {
  it("is in the plan, object by object, and refused unless it is agreed to", async () => {
    await using target = await start("planned", "2.22.5");
    const { code, report } = await place.plan(["plan", source().url, target.url]);
    expect(code).toBe(NAMED_LOSSES);
    const refused = report.steps
      .filter(({ action }) => action === "refuse")
      .map(({ refusal }) => refusal?.message.replace(/^.* is left out: /, ""));
    expect(new Set(refused)).toEqual(
      new Set(["the target has no logged models", "the target cannot hold tags.at the limit (a value longer than 5000 characters)"]),
    );
    const agreed = await place.plan(["plan", source().url, target.url, "--on-loss", "drop"]);
    expect(agreed.report.totals.actions).toMatchObject({ drop: 7, refuse: 0 });
    expect(agreed.report.not_carried.map(({ what }) => what)).toEqual(["prompts", "traces"]);
  });

  it("has not written anything to either source", async () => {
    await expectSourceUntouched();
    expect(await old.storedState()).toBe(oldState);
  });
});

function start(name: string, version: MlflowVersion, database?: Database): Promise<LiveServer> {
  return startMlflow({ name, version, ...(database === undefined ? {} : { database }) });
}

function urlOf({ from }: VersionRow): string {
  return from === "2.22.5" ? old.url : source().url;
}

async function expectAlike(row: VersionRow, target: LiveServer, { files }: { readonly files: boolean }): Promise<void> {
  const allow = files ? row.allow : row.allow.filter(({ field }) => !field.startsWith("files."));
  const versions = { source: row.from, target: row.to };
  const compared = await compareServers(urlOf(row), target.url, { versions, map: { models: row.models }, allow, files });
  expect(compared.differences).toEqual([]);
  expect({ allowed: compared.allowed, carriers: compared.carriers }).toEqual({
    allowed: files ? row.allowed.withFiles : row.allowed.withoutFiles,
    carriers: row.carriers,
  });
}
