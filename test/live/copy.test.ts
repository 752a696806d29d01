// From one server straight to another under a mapping, as the plan foretold; and a selection by way of a folder.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listingSchema } from "../../src/report/json.ts";
import type { JobJson, ListingJson, PlanJson } from "../../src/report/json.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { compareServers, predict } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { AGREED, AGREED_COUNT, CARRIERS, expectSourceUntouched, NAMED_LOSSES, source } from "./source.ts";

const MAPPING = `
models:
  - {from: many, to: ml.prod.many}
  - {from: "promoted*", to: "prod promoted*"}
experiments:
  - {from: runs of many, to: training of many}
  - {from: "artifacts *", to: "files/* (moved)"}
aliases:
  - {from: "second-name-of-*", to: "other-*"}
stages:
  Production: {alias: champion}
  Staging: {alias: staging}
  Archived: {tag: lifecycle=archived}
tags:
  - {from: team, drop: true}
`;

const PROMOTED = [
  "promoted",
  "promoted twice",
  "promoted from a logged model",
  "promoted before the rename",
  "promoted before the deletion",
];
const RENAMED = {
  models: { many: "ml.prod.many", ...Object.fromEntries(PROMOTED.map((name) => [name, `prod ${name}`])) },
  experiments: {
    "runs of many": "training of many",
    "artifacts through the proxy": "files/through the proxy (moved)",
    "artifacts at a plain path": "files/at a plain path (moved)",
    "artifacts at a file uri": "files/at a file uri (moved)",
  },
};

/** What the mapping asks for, beyond names: of two versions in Production the newer one gets the alias. */
const CHANGED = [
  "model-version:staged/1 stage 'Production' 'None'",
  "model-version:staged/1 tags.source_stage absent 'Production'",
  "model-version:staged/2 stage 'Production' 'None'",
  "model-version:staged/2 tags.source_stage absent 'Production'",
  "model-version:staged/3 stage 'Staging' 'None'",
  "model-version:staged/3 tags.source_stage absent 'Staging'",
  "model-version:staged/4 stage 'Archived' 'None'",
  "model-version:staged/4 tags.lifecycle absent 'archived'",
  "model-version:staged/4 tags.source_stage absent 'Archived'",
  "model-version:staged and aliased/1 stage 'Production' 'None'",
  "model-version:staged and aliased/1 tags.source_stage absent 'Production'",
  "registered-model:staged aliases.champion absent '2'",
  "registered-model:staged aliases.staging absent '3'",
  "registered-model:many aliases.second-name-of-10 '10' absent",
  "registered-model:many aliases.other-10 absent '10'",
  "registered-model:many tags.team 'a' absent",
];

let place: Workplace;
let target: LiveServer;

beforeAll(async () => {
  [place, target] = await Promise.all([createWorkplace(), startMlflow({ name: "copy" })]);
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

describe("a copy under a mapping", () => {
  let planned: PlanJson;
  let copied: JobJson;
  const args = (command: string): string[] => [
    command,
    source().url,
    target.url,
    "--include-deleted",
    "--map",
    join(place.dir, "map.yaml"),
  ];

  beforeAll(() => writeFile(join(place.dir, "map.yaml"), MAPPING));

  it("is planned without a write", async () => {
    const before = await target.storedState();
    const { code, report, stderr } = await place.plan(args("plan"));
    expect(code, stderr).toBe(NAMED_LOSSES);
    expect(await target.storedState()).toBe(before);
    planned = report;
  });

  it("creates exactly what the plan foretold", async () => {
    const { code, report, told } = await place.job(args("copy"));
    expect(code, told).toBe(NAMED_LOSSES);
    copied = report;
    expect(actionsOf(planned)).toEqual(placedOf(report));
    expect(report.totals.states).toMatchObject({ skipped: planned.totals.actions["skip"] ?? 0, failed: 0, refused: 0, blocked: 0 });
    expect(report.losses.filter(({ agreed }) => agreed)).toEqual([
      expect.objectContaining({ key: "registered-model:many", field: "tags.team" }),
    ]);
  });

  it("renames, turns stages into aliases and drops tags, and changes nothing else", async () => {
    const { differences, allowed, carriers } = await compareServers(source().url, target.url, { map: RENAMED, allow: AGREED });
    expect(differences.map(({ label, field, source: from, target: to }) => `${label} ${field} ${from} ${to}`).sort()).toEqual(
      [...CHANGED].sort(),
    );
    expect({ allowed, carriers }).toEqual({ allowed: AGREED_COUNT, carriers: CARRIERS });
  });

  it("leaves nothing to do but what could not be read", async () => {
    const { report } = await place.plan(args("plan"));
    const due = report.steps.filter(({ action }) => action !== "skip").map(({ action, key }) => `${action} ${key}`);
    const unread = copied.outcomes.map(({ key }) => `update ${key}`);
    expect(due.sort()).toEqual(unread.sort());
  });

  it("is verified under the mapping of the copy, which the journal remembers", async () => {
    const { code, report } = await place.verify(["verify", source().url, target.url, "--models", "*", "--level", "bytes"]);
    const unread = new Set(copied.outcomes.map(({ key }) => key));
    expect(report.findings.filter(({ key, agreed }) => !agreed && !unread.has(key))).toEqual([]);
    expect(report.compared.by_kind["model-version"]).toBe(54);
    // Files that could not be read are not found at the target.
    expect(code).toBe(4);
  });

  it("gives models that predict as before under their new names", async () => {
    const [there, here] = await Promise.all([
      predict(source().url, "models:/many@Champion_1-a", "models:/promoted@prod", "models:/staged/2"),
      predict(target.url, "models:/ml.prod.many@other-10", "models:/prod promoted@prod", "models:/staged@champion"),
    ]);
    expect(Object.values(here)).toEqual(Object.values(there));
  });
});

describe("a selection, by way of a folder", () => {
  const ELSEWHERE = "experiment of the children";

  it("brings what it needs: runs of versions, parents of runs, and their experiments", async () => {
    await using other = await startMlflow({ name: "selection" });
    const everything = await listing(source().url);
    const only = ["--models", "many", "--experiments", ELSEWHERE];
    const exported = await place.job(["export", source().url, "-o", "folder", ...only]);
    expect(exported.code, exported.told).toBe(0);
    expect(await place.run(["verify", "folder", "--quiet"])).toMatchObject({ code: 0 });
    const { experiments, counts } = await listing("folder");
    expect(experiments.map(({ name, runs }) => `${name}: ${runs}`).sort()).toEqual([`${ELSEWHERE}: 1`, "runs of many: 14", "runs: 1"]);
    expect(counts).toMatchObject({ run: 16, "registered-model": 1, "model-version": 14, alias: 3, "logged-model": 0 });

    const imported = await place.job(["import", "folder", other.url]);
    expect(imported.code, imported.told).toBe(0);
    const { differences } = await compareServers(source().url, other.url, {
      map: {
        experiments: leftOut(everything.experiments, ELSEWHERE, "Default"),
        models: leftOut(everything.models, "many"),
      },
      // Experiments of which only some runs were needed: for the comparison they are left out, with all runs but these.
      allow: ["runs", "runs of many"].flatMap((name) => [
        { key: `experiment:${name}`, field: "extra" },
        { key: `run:${name}/*`, field: "experiment" },
      ]),
    });
    expect(differences).toEqual([]);
  });

  it("has not written anything to the source", expectSourceUntouched);
});

/** Keys by what the plan says of them: created, or there already. */
function actionsOf({ steps }: PlanJson): string[] {
  expect(new Set(steps.map(({ action }) => action))).toEqual(new Set(["create", "skip"]));
  return steps.map(({ key }) => key).sort();
}

function placedOf({ placed }: JobJson): string[] {
  return placed.map(({ source: key }) => key).sort();
}

async function listing(location: string): Promise<ListingJson> {
  const { stdout } = await place.run(["ls", location, "--include-deleted", "--json", "--quiet"]);
  return listingSchema.parse(JSON.parse(stdout));
}

function leftOut(all: readonly { readonly name: string }[], ...wanted: readonly string[]): Record<string, null> {
  return Object.fromEntries(all.filter(({ name }) => !wanted.includes(name)).map(({ name }) => [name, null]));
}
