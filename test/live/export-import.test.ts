// A whole registry into a bundle and out of it on an empty server: nothing differs but what is named, and twice is as once.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { KINDS } from "../../src/model/entities.ts";
import { facts } from "../../src/model/facts.ts";
import { isEntry } from "../../src/model/keys.ts";
import { bundleCheckSchema } from "../../src/report/bundle-check-json.ts";
import { listingSchema } from "../../src/report/json.ts";
import type { JobJson } from "../../src/report/json.ts";
import { writeBundle } from "../bundle/rig.ts";
import { readEntities } from "../contract/reading.ts";
import { PARTS } from "../contract/sample.ts";
import { bundleContent } from "./bundle-content.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { compareServers, predict } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { AGREED, AGREED_COUNT, CARRIERS, expectSourceUntouched, NAMED_LOSSES, source } from "./source.ts";

const OBJECTS = { experiment: 23, run: 75, "logged-model": 7, "registered-model": 29, "model-version": 54, alias: 12 };
/** With the kinds of which an MLflow server has none. */
const COUNTS = { ...Object.fromEntries(KINDS.map((kind) => [kind, 0])), ...OBJECTS };
const POINTS = 31_257;
const UNREADABLE_NAMES = ["%23.txt", "double%2520.txt", "escaped%20space.txt", "folder#1", "hash#tag.txt"];
const NOT_CARRIED = [
  { what: "prompts", count: 2, at_least: false },
  { what: "traces", count: 3, at_least: false, where: "traces" },
];

let place: Workplace;
let target: LiveServer;
let bundle: string;

beforeAll(async () => {
  place = await createWorkplace();
  target = await startMlflow({ name: "import" });
  bundle = join(place.dir, "reg.tar");
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

describe("a whole registry, exported and imported", () => {
  let exported: Awaited<ReturnType<Workplace["job"]>>;
  let imported: Awaited<ReturnType<Workplace["job"]>>;

  it("exports everything that the server can deliver, and names the rest", async () => {
    exported = await place.job(["export", source().url, "-o", bundle, "--include-deleted"]);
    expect(exported.code, exported.told).toBe(NAMED_LOSSES);
    expect(exported.report.losses.map(({ key, field, agreed }) => `${key} ${field} ${String(agreed)}`).sort()).toEqual(namedLosses());
    expect(exported.report.not_carried).toEqual(NOT_CARRIED);
    expect(movedByKind(exported.report)).toEqual(OBJECTS);
    expect(exported.report.totals.points).toBe(POINTS);
    expect(exported.report.outcomes.map(({ key, state }) => `${state} ${key}`).sort()).toEqual(
      [...unreadableRuns(), "model-version:without a run/1", "model-version:without a run/2"].map((key) => `partial ${key}`).sort(),
    );
  });

  it("writes a bundle that is whole by its own account", async () => {
    const { code, stdout } = await place.run(["verify", bundle, "--json", "--quiet"]);
    const check = bundleCheckSchema.parse(JSON.parse(stdout));
    expect({ code, problems: check.problems, counts: check.counts }).toEqual({ code: 0, problems: [], counts: COUNTS });
    expect(check.earlier_losses).toBe(namedLosses().length);
  });

  it("writes a bundle that a reader finds whole that was made from its specification alone", async () => {
    const blobs = new Set((await bundleContent(bundle)).blobs);
    const read = (await runPython("../../../examples/read_bundle.py", [bundle])) as { compressed_members: number };
    expect(read).toMatchObject({ version: 3, counts: COUNTS, points: expect.any(Number) as number, blobs: blobs.size });
    expect(read.compressed_members).toBeGreaterThan(20);
  });

  it("lists the same from the bundle as from the server", async () => {
    const [there, here] = await Promise.all(
      [source().url, bundle].map(async (location) => {
        const { stdout } = await place.run(["ls", location, "--include-deleted", "--json", "--quiet"]);
        const { experiments, models, counts } = listingSchema.parse(JSON.parse(stdout));
        return { counts, experiments: inOrder(experiments), models: inOrder(models) };
      }),
    );
    expect(here).toEqual(there);
  });

  it("imports everything into an empty server, and tells again what was lost before", async () => {
    imported = await place.job(["import", bundle, target.url, "--include-deleted"]);
    expect(imported.code, imported.told).toBe(NAMED_LOSSES);
    expect(imported.report.losses).toEqual([]);
    expect(imported.report.outcomes).toEqual([]);
    expect(imported.report.earlier_losses.map(({ key, field }) => `${key} ${field} false`).sort()).toEqual(namedLosses());
    expect(imported.report.not_carried).toEqual(NOT_CARRIED);
    expect(movedByKind(imported.report)).toEqual(OBJECTS);
    expect(imported.report.totals.points).toBe(POINTS);
    expect(imported.report.placed).toHaveLength(Object.values(OBJECTS).reduce((sum, count) => sum + count));
  });

  it("leaves a server that MLflow's own client cannot tell from the source, but for what is agreed", async () => {
    const { differences, allowed, carriers, compared } = await compareServers(source().url, target.url, { allow: AGREED });
    expect(differences).toEqual([]);
    expect({ allowed, carriers }).toEqual({ allowed: AGREED_COUNT, carriers: CARRIERS });
    expect(compared).toEqual({ experiments: 23, runs: 75, logged_models: 7, models: 29, versions: 54 });
  });

  it("verifies every byte of the bundle against the server", async () => {
    const { code, report } = await place.verify(["verify", bundle, target.url, "--level", "bytes", "--include-deleted"]);
    expect(report.findings.filter(({ agreed }) => !agreed)).toEqual([]);
    expect(code).toBe(0);
    expect(report.compared.by_kind).toEqual(OBJECTS);
    expect(report.compared.points).toBe(POINTS);
    // Files of versions that lie in runs and logged models are compared with these; the rest are what was moved.
    expect(report.compared.files).toBeGreaterThanOrEqual(imported.report.totals.files);
    expect(report.compared.bytes).toBeGreaterThanOrEqual(imported.report.totals.bytes);
  });

  it.each(["with its journal", "without a journal"])("changes nothing when it is imported again %s", async (how) => {
    const before = await target.storedState();
    if (how === "without a journal") await rm(place.state, { recursive: true });
    const { code, stdout } = await place.run(["import", bundle, target.url, "--include-deleted", "--quiet"]);
    expect(await target.storedState()).toBe(before);
    expect(code).toBe(NAMED_LOSSES);
    expect(stdout).toMatch(/nothing to (do|move)|everything .* already/i);
  });

  it("gives models that predict as at the source, by version and by alias", async () => {
    const uris = [
      "models:/many/17",
      "models:/many@Champion_1-a",
      "models:/promoted@prod",
      "models:/promoted before the deletion/1",
      "models:/by run and model name/2",
      "models:/logged model is deleted/1",
      "models:/local files/2",
      "models:/at the root/3",
      "models:/größe 模型 \u{1f680}@champion",
    ];
    const [there, here] = await Promise.all([predict(source().url, ...uris), predict(target.url, ...uris)]);
    expect(there["models:/many/17"]).toEqual([51, 119]);
    expect(here).toEqual(there);
  });

  it("has not written anything to the source", expectSourceUntouched);
});

describe("the past of versions, which an MLflow server has no place for", () => {
  const past = PARTS["the past of a version"]?.("noted") ?? [];
  const model = ["--models", "noted-past"];
  let bundled: string;

  it("arrives as notes, once", async () => {
    bundled = join(place.dir, "past.tar");
    await writeBundle(bundled, past);
    const { code, report, told } = await place.job(["import", bundled, target.url]);
    expect(code, told).toBe(0);
    expect(movedByKind(report)).toMatchObject({ "stage-transition": 4, comment: 3, "transition-request": 1 });
    const before = await target.storedState();
    const again = await place.job(["import", bundled, target.url]);
    expect(Object.keys(movedByKind(again.report)).length).toBeGreaterThan(3);
    expect(await target.storedState()).toBe(before);
  });

  it("is verified as what it stands for, and shown as that", async () => {
    const { code, report } = await place.verify(["verify", bundled, target.url, "--level", "metadata"]);
    expect({ code, findings: report.findings }).toEqual({ code: 0, findings: [] });
    const { stdout } = await place.run(["show", target.url, "models:/noted-past/1", "--quiet"]);
    expect(stdout).toContain("Staging → Production");
  });

  it("comes out again as it went in", async () => {
    const out = join(place.dir, "past-again.tar");
    expect((await place.run(["export", target.url, "-o", out, ...model, "--quiet"])).code).toBe(0);
    const [there, here] = await Promise.all([pastIn(bundled), pastIn(out)]);
    expect(there).toHaveLength(8);
    expect(here).toEqual(there);
  });
});

/** Key and facts of what hangs on versions, in the bundle's order. */
async function pastIn(path: string): Promise<unknown[]> {
  const opened = await openBundleSource(path);
  try {
    const entities = await readEntities(opened, { includeDeleted: true });
    return entities.filter(isEntry).map((entry) => [entry.key, [...facts(entry)].sort()]);
  } finally {
    await opened.close();
  }
}

/** Moved, whole or with named losses. */
function movedByKind({ totals }: JobJson): Record<string, number> {
  return Object.fromEntries(Object.entries(totals.by_kind).map(([kind, { done, skipped, partial }]) => [kind, done + skipped + partial]));
}

function inOrder<T extends { readonly key: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function unreadableRuns(): string[] {
  const { ids } = source();
  return [ids["run.plain path.unproxied"], ids["run.file uri.unproxied"]].map((id) => `run:${String(id)}`);
}

function namedLosses(): string[] {
  const files = unreadableRuns().flatMap((run) => UNREADABLE_NAMES.map((name) => `${run} files/${name} false`));
  return [...files, "model-version:without a run/1 files/ false", "model-version:without a run/2 files/ false"].sort();
}
