// What readings of a registry see change, where it does not tell its past: remembered by registry, and told the same in every later reading.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { sightedSource } from "../../src/journal/sighted-source.ts";
import { openSightings } from "../../src/journal/sightings.ts";
import type { Entity, ModelVersion, OriginId, Stage } from "../../src/model/entities.ts";
import { alias, registeredModel, version } from "../contract/builders.ts";
import { entitiesOf } from "../contract/reading.ts";

const never = new AbortController().signal;
const ORIGIN = "aa11" as OriginId;

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "mlferry-seen-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Reading {
  readonly dir: string;
  readonly now: number;
  readonly stage: Stage;
  readonly changedAt?: number;
  readonly origin?: OriginId;
  readonly history?: NonNullable<ModelVersion["history"]>;
}

/** What one reading gives of a version, and the transitions that come with it. */
async function read({ dir, now, stage, changedAt, origin = ORIGIN, history = { state: "unavailable" } }: Reading) {
  const model = registeredModel("m");
  const place = createMemory({ origin });
  const changed = changedAt === undefined ? {} : { changedAt: BigInt(changedAt) };
  const one = version(2, model, { files: { owner: "own" }, stage, history, ...changed });
  for (const { entity } of [model, one, alias("best", one)]) place.load(entity);
  const sightings = openSightings({ dir, origin, now: BigInt(now) });
  try {
    const catalogue = await sightedSource(place, sightings).select({ includeDeleted: true }, never);
    const entities = await entitiesOf(catalogue);
    for (const entity of entities) expect(await catalogue.entity(entity.key)).toEqual(entity);
    return { kinds: entities.map(({ kind }) => kind), seen: entities.find(isVersion)?.history, transitions: entities.filter(isTransition) };
  } finally {
    sightings.close();
  }
}

const isVersion = (entity: Entity): entity is ModelVersion => entity.kind === "model-version";
const isTransition = (entity: Entity) => entity.kind === "stage-transition";

test("a first reading tells since when the past is known, and no transition", async () => {
  const dir = folder();
  expect(await read({ dir, now: 1000, stage: "Staging", changedAt: 500 })).toEqual({
    kinds: ["registered-model", "model-version", "alias"],
    seen: { state: "complete", since: 1000n },
    transitions: [],
  });
  expect((await read({ dir, now: 2000, stage: "Staging", changedAt: 500 })).seen).toEqual({ state: "complete", since: 1000n });
});

test("a change between two readings is a transition, in this and every later one", async () => {
  const dir = folder();
  await read({ dir, now: 1000, stage: "None", changedAt: 500 });
  const second = await read({ dir, now: 2000, stage: "Staging", changedAt: 1700 });
  expect(second.kinds).toEqual(["registered-model", "model-version", "stage-transition", "alias"]);
  expect(second.seen).toMatchObject({ state: "partial", since: 1000n });
  expect(second.transitions).toMatchObject([
    {
      key: "stage-transition:m/2/seen_1",
      from: "None",
      to: "Staging",
      at: 1700n,
      bySystem: false,
      comment: expect.stringContaining("seen between") as string,
    },
  ]);
  const third = await read({ dir, now: 3000, stage: "Archived" });
  expect(third.transitions).toMatchObject([
    { from: "None", to: "Staging" },
    { from: "Staging", to: "Archived", at: 3000n },
  ]);
  expect((await read({ dir, now: 4000, stage: "Archived" })).transitions).toEqual(third.transitions);
});

test("where something else happened to a version, a change may have been missed", async () => {
  const dir = folder();
  await read({ dir, now: 1000, stage: "Staging", changedAt: 500 });
  expect((await read({ dir, now: 2000, stage: "Staging", changedAt: 1500 })).seen).toMatchObject({ state: "partial", since: 1000n });
  expect((await read({ dir: folder(), now: 1000, stage: "Staging" })).seen).toMatchObject({ state: "partial" });
});

test("what a place tells itself is left as it is, and other registries have a past of their own", async () => {
  const dir = folder();
  await read({ dir, now: 1000, stage: "None" });
  const told = { state: "complete" } as const;
  expect(await read({ dir, now: 2000, stage: "Staging", history: told })).toMatchObject({ seen: told, transitions: [] });
  expect((await read({ dir, now: 3000, stage: "Staging", origin: "bb22" as OriginId })).transitions).toEqual([]);
});
