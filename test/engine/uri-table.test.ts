import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { movedObjects } from "../../src/engine/moved-objects.ts";
import { uriTable } from "../../src/engine/uri-table.ts";
import type { MovedObject, UriRow } from "../../src/engine/uri-table.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import { keyOf, versionKey } from "../../src/model/keys.ts";
import { createMapping } from "../../src/model/mapping.ts";
import type { MappingFile } from "../../src/model/mapping.ts";
import { alias, collect, job, model, ORIGIN, runJob, sampleSource, version } from "./registry.ts";

const never = new AbortController().signal;
const text = (rows: readonly UriRow[]): string[] =>
  rows.map((row) => `${row.old} -> ${row.new ?? "?"}${row.note === undefined ? "" : ` (${row.note})`}`);

/** Moves to a target with Unity Catalog's rules, and gives the table of the journal and the one that the target tells. */
async function tables(
  source: MemoryPlace,
  mapping: MappingFile,
  options: Parameters<typeof job>[2] = {},
): Promise<{ journal: string[]; place: string[] }> {
  const target = createMemory({ capabilities: unityCatalogCapabilities });
  const journal = memoryJournal();
  const all = { mapping: { schema: "ml.prod", ...mapping }, onLoss: "drop" as const, journal, ...options };
  const outcomes = await runJob(job(source, target, all));
  const rules = createMapping(all.mapping);
  const objects: MovedObject[] = [];
  for (const { step } of outcomes) {
    const entry = await journal.last(step.source.key);
    if (entry === undefined) continue;
    const place = entry.placed === undefined ? { reason: entry.error?.code ?? "" } : { target: entry.placed };
    objects.push({ source: entry.key, ...place, ...(entry.detail === undefined ? {} : { detail: entry.detail }) });
  }
  const there = (await target.select({ includeDeleted: true }, never)).entities(never);
  return { journal: text(uriTable(objects, rules)), place: text(uriTable(await collect(movedObjects(there)), rules)) };
}

test("every form in which a consumer may have written something down has its row, from the journal and from the target alike", async () => {
  const { journal, place } = await tables(sampleSource(), {});
  const ofModels = journal.filter((line) => line.startsWith("models:/churn") || line.startsWith("models:/live"));
  expect(ofModels).toEqual([
    "models:/churn -> models:/ml.prod.churn",
    "models:/churn/1 -> models:/ml.prod.churn/1",
    "models:/churn/3 -> models:/ml.prod.churn/3",
    "models:/churn/4 -> models:/ml.prod.churn/4",
    "models:/churn/7 -> models:/ml.prod.churn/7",
    "models:/churn/None -> models:/ml.prod.churn/7 (version 7; no alias stands for the stage)",
    "models:/churn/Production -> models:/ml.prod.churn@champion (version 4, the newest of 2 in the stage)",
    "models:/churn/Archived -> models:/ml.prod.churn/3 (version 3; no alias stands for the stage)",
    "models:/churn/latest -> models:/ml.prod.churn/7 (version 7 was the latest when it moved)",
    "models:/churn@champion -> models:/ml.prod.churn@champion",
    "models:/churn@prod -> models:/ml.prod.churn@prod",
    "models:/live -> models:/ml.prod.live",
    "models:/live/1 -> models:/ml.prod.live/1",
    "models:/live/Staging -> models:/ml.prod.live@challenger (version 1)",
    "models:/live/latest -> models:/ml.prod.live/1 (version 1 was the latest when it moved)",
    "models:/live@challenger -> models:/ml.prod.live@challenger",
  ]);
  expect(journal.filter((line) => line.startsWith("models:/m-"))).toHaveLength(1);
  expect(journal.filter((line) => line.startsWith("runs:/"))).toHaveLength(3);
  expect(place).toEqual(journal);
});

test("numbers that were given anew stand in the table, and gaps that were kept do not change it", async () => {
  const compact = await tables(sampleSource(), {}, { versionNumbers: "compact" });
  expect(compact.journal.slice(1, 5)).toEqual([
    "models:/churn/1 -> models:/ml.prod.churn/1",
    "models:/churn/3 -> models:/ml.prod.churn/2 (it has another number)",
    "models:/churn/4 -> models:/ml.prod.churn/3 (it has another number)",
    "models:/churn/7 -> models:/ml.prod.churn/4 (it has another number)",
  ]);
  expect(compact.journal).toContain("models:/churn/Production -> models:/ml.prod.churn@champion (version 4, the newest of 2 in the stage)");
  expect(compact.place).toEqual(compact.journal);
});

test("a stage whose alias went to another version is the version itself", async () => {
  const place = createMemory({ origin: ORIGIN, uri: "memory:source" });
  place.load(model("m"));
  place.load(version("m", 1));
  place.load(version("m", 2, { stage: "Production" }));
  place.load(alias("m", "champion", 1));
  const { journal } = await tables(place, {});
  expect(journal).toContain("models:/m/Production -> models:/ml.prod.m/2 (version 2; no alias stands for the stage)");
});

test("numbered aliases stand for a stage when the plain one is taken", async () => {
  const place = createMemory({ origin: ORIGIN, uri: "memory:source" });
  place.load(model("m"));
  place.load(version("m", 1));
  place.load(version("m", 2, { stage: "Production" }));
  place.load(alias("m", "champion", 1));
  const { journal } = await tables(place, { stages: { conflict: "number" } });
  expect(journal).toContain("models:/m/Production -> models:/ml.prod.m@champion-2 (version 2)");
});

test("a stage that the target keeps stays one, and what did not move says why", () => {
  const moved = (key: EntityKey, fields: Partial<MovedObject>): MovedObject => ({ source: key, ...fields });
  const rows = uriTable(
    [
      moved(versionKey("b", 10), { reason: "its run is gone", detail: { stage: "None", stageKept: false } }),
      moved(versionKey("b", 9), { target: versionKey("n.b", 9), detail: { stage: "Staging", stageKept: true } }),
      moved(keyOf("run", "f".repeat(32)), {}),
    ],
    createMapping({}),
  );
  expect(text(rows)).toEqual([
    "models:/b/9 -> models:/n.b/9",
    "models:/b/10 -> ? (its run is gone)",
    "models:/b/None -> ? (version 10: its run is gone)",
    "models:/b/Staging -> models:/n.b/Staging (version 9)",
    "models:/b/latest -> ? (version 10 was the latest when it moved: its run is gone)",
    `runs:/${"f".repeat(32)} -> ? (it did not move)`,
  ]);
});
