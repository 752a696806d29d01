import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import type { Entity, Stage } from "../../src/model/entities.ts";
import type { MappingFile } from "../../src/model/mapping.ts";
import { alias, byState, collect, job, model, ORIGIN, planJob, runJob, verifyJob, version } from "./registry.ts";

const never = new AbortController().signal;

/** One model, `churn`, whose versions 1, 2, … have these stages, and these aliases of its own. */
function source(stages: readonly Stage[], aliases: Readonly<Record<string, number>> = {}): MemoryPlace {
  const place = createMemory({ origin: ORIGIN, uri: "memory:source" });
  place.load(model("churn"));
  stages.forEach((stage, index) => place.load(version("churn", index + 1, { stage })));
  for (const [word, number] of Object.entries(aliases)) place.load(alias("churn", word, number));
  return place;
}

const catalog = (): MemoryPlace => createMemory({ capabilities: unityCatalogCapabilities });

async function held(place: MemoryPlace): Promise<{ aliases: Record<string, number>; stages: (string | undefined)[] }> {
  const entities: Entity[] = await collect((await place.select({ includeDeleted: true }, never)).entities(never));
  return {
    aliases: Object.fromEntries(entities.flatMap((one) => (one.kind === "alias" ? [[one.alias, one.version]] : []))),
    stages: entities.flatMap((one) => (one.kind === "model-version" ? [one.tags.get("source_stage")] : [])),
  };
}

/** Copies to a target without stages, checks that verification agrees, and gives what is there then. */
async function moved(from: MemoryPlace, mapping: MappingFile) {
  const target = catalog();
  const options = { mapping: { schema: "ml.prod", ...mapping } };
  const outcomes = await runJob(job(from, target, options));
  const findings = (await verifyJob(job(from, target, options))).flatMap((item) => item.findings).filter(({ kind }) => kind !== "left out");
  expect(findings).toEqual([]);
  const again = await runJob(job(from, target, options));
  expect(again.filter((outcome) => outcome.state === "done")).toEqual([]);
  return { outcomes, ...(await held(target)) };
}

const PRODUCTION: Stage[] = ["Production", "Production", "None", "Production"];

test("by default the newest version of a stage gets its alias, and the report names the others", async () => {
  const { outcomes, aliases, stages } = await moved(source(PRODUCTION), {});
  expect(aliases).toEqual({ champion: 4 });
  expect(stages).toEqual(PRODUCTION);
  const told = outcomes.find((outcome) => outcome.step.source.key === "alias:churn/champion")?.step.changes;
  expect(told?.map(({ field, from, to, rule }) => [field, from, to, rule])).toEqual([
    ["stage of version 2", "Production", "tag source_stage=Production", "version 4 is newer and has champion"],
    ["stage of version 1", "Production", "tag source_stage=Production", "version 4 is newer and has champion"],
  ]);
});

test("a stage of several versions is refused where the mapping says so: the versions move, the alias does not", async () => {
  const { outcomes, aliases, stages } = await moved(source(PRODUCTION), { stages: { Production: { alias: "live", conflict: "refuse" } } });
  expect(aliases).toEqual({});
  expect(stages).toEqual(PRODUCTION);
  expect(byState(outcomes).refused).toEqual(["alias:churn/live"]);
  const refused = outcomes.find((outcome) => outcome.state === "refused");
  expect(refused?.error?.message).toBe(
    "alias live of churn is left out: its versions 1 (Production), 2 (Production), 4 (Production) would all have it",
  );
});

test("a stage of one version is not refused", async () => {
  const { aliases } = await moved(source(["None", "Staging"]), { stages: { conflict: "refuse" } });
  expect(aliases).toEqual({ challenger: 2 });
});

test("versions of one stage are numbered, the newest without a number", async () => {
  const { aliases } = await moved(source(PRODUCTION), { stages: { conflict: "number" } });
  expect(aliases).toEqual({ champion: 4, "champion-2": 2, "champion-3": 1 });
});

test("numbers pass over aliases that the model has already, and a version that has the name needs no other", async () => {
  const own = { champion: 2, "champion-2": 3 };
  const { aliases } = await moved(source(PRODUCTION, own), { stages: { conflict: "number" } });
  expect(aliases).toEqual({ champion: 2, "champion-2": 3, "champion-3": 4, "champion-4": 1 });
});

test("two stages that become one alias are several versions of one stage", async () => {
  const stages = { Production: { alias: "live" }, Staging: { alias: "live" } };
  expect((await moved(source(["Production", "Staging"]), { stages })).aliases).toEqual({ live: 2 });
});

test("an alias of the model itself stays where it is, and the stage that wanted its name is told on it", async () => {
  const { outcomes, aliases, stages } = await moved(source(["Production", "None", "Production"], { champion: 1 }), {});
  expect(aliases).toEqual({ champion: 1 });
  expect(stages).toEqual(["Production", "None", "Production"]);
  const told = outcomes.find((outcome) => outcome.step.source.key === "alias:churn/champion")?.step.changes;
  expect(told?.filter(({ field }) => field.startsWith("stage")).map(({ field, rule }) => [field, rule])).toEqual([
    ["stage of version 3", "the model has an alias champion of its own"],
  ]);
});

test("a stage that became a tag of the user's is readable as every other one", async () => {
  const { stages } = await moved(source(["Archived"]), { stages: { Archived: { tag: "lifecycle=archived" } } });
  expect(stages).toEqual(["Archived"]);
});

test("what a version says of a stage that it had elsewhere stands, where it came from has none", async () => {
  const place = source([]);
  place.load(version("churn", 1, { tags: new Map([["source_stage", "Production"]]) }));
  expect((await moved(place, {})).stages).toEqual(["Production"]);
});

test("a target with stages gets no tag for None", async () => {
  const steps = await planJob(job(source(["None"]), createMemory()));
  expect(steps.flatMap(({ entity }) => (entity.kind === "model-version" ? [...entity.tags] : []))).toEqual([]);
});
