// The suite that every source runs: everything selected comes once, whole, in an order in which it can be written.
import { afterAll, beforeAll, expect } from "vitest";
import { asMigrationError } from "../../src/errors.ts";
import { KINDS } from "../../src/model/entities.ts";
import type { Entity, EntityKey, Kind } from "../../src/model/entities.ts";
import { experiment, idFor, loggedModelKey, modelKey, registeredModel, run, runKey, versionOf } from "./builders.ts";
import { storablePoints } from "./context.ts";
import type { Item } from "./item.ts";
import { collect, entitiesOf, expectSameFacts, fileTexts, pointTexts, readFiles, readPoints } from "./reading.ts";
import { PARTS, registryOf } from "./sample.ts";
import type { SourcePlace } from "./source-place.ts";
import { asking } from "./source-questions.ts";
import { createView } from "./source-view.ts";
import type { View } from "./source-view.ts";
import { filtering, filterable } from "./source-filters.ts";
import { contract } from "./suite.ts";
import type { Check, ContractOptions } from "./suite.ts";

const never = new AbortController().signal;

/** Runs the suite on one source, which `makeSource` fills with the items it is given; it may hold other objects too. */
export function sourceContract(
  name: string,
  makeSource: (items: readonly Item[]) => Promise<SourcePlace>,
  options: ContractOptions = {},
): void {
  const scope = `s${idFor(`source ${name}`).slice(0, 4)}`;
  const items = inOrder([...registryOf(scope), ...registryOf(scope, Object.values(PARTS)), ...deletedObjects(scope), ...filterable(scope)]);
  contract(`source contract: ${name}`, options, (check) => {
    let place: SourcePlace | undefined;
    beforeAll(async () => {
      place = await makeSource(items);
    });
    afterAll(() => place?.dispose());
    const opened = (): View => {
      if (place === undefined) throw new Error("the source was not made");
      return createView(place, items.filter(place.holds ?? (() => true)), scope);
    };
    yielding(check, opened);
    selecting(check, opened);
    filtering(check, opened);
    asking(check, opened);
    pulling(check, opened);
    stopping(check, opened);
  });
}

/** Deleted objects: one that a version needs, one that nothing needs, and a whole experiment. */
function deletedObjects(scope: string): Item[] {
  const home = experiment(`${scope}-with-deleted`);
  const needed = run(`${scope}-needed`, home, { deleted: true }, { files: { "model/MLmodel": "x" } });
  const unneeded = run(`${scope}-unneeded`, home, { deleted: true });
  const kept = run(`${scope}-kept`, home);
  const model = registeredModel(`${scope}-of-deleted`);
  const gone = experiment(`${scope}-gone`, { deleted: true });
  return [home, needed, unneeded, kept, model, versionOf(needed, 1, model), gone, run(`${scope}-within-gone`, gone, { deleted: true })];
}

function inOrder(items: readonly Item[]): Item[] {
  return KINDS.flatMap((kind) => items.filter((item) => item.entity.kind === kind));
}

function yielding(check: Check, opened: () => View): void {
  check("yields every object once, as it is", async () => {
    const { items, read, all, keyOf, expected, source } = opened();
    const entities = await read(all);
    const byKey = new Map(entities.map((entity) => [entity.key, entity]));
    expect(entities.length).toBe(byKey.size);
    for (const { entity } of items) {
      const found = byKey.get(keyOf(entity.key));
      if (found === undefined) throw new Error(`${entity.key} was not yielded`);
      expectSameFacts(found, expected(entity), source.capabilities);
    }
  });

  check("yields what an object needs before it, and kinds in order", async () => {
    const { read, all } = opened();
    const seen = new Set<EntityKey>();
    let rank = 0;
    for (const entity of await read(all)) {
      const own = KINDS.indexOf(entity.kind);
      expect(own, `${entity.key} after a later kind`).toBeGreaterThanOrEqual(rank);
      expect([...entity.needs].filter((key) => !seen.has(key))).toEqual([]);
      rank = own;
      seen.add(entity.key);
    }
  });

  check("yields the versions of a model ascending", async () => {
    const { read, all } = opened();
    const numbers = new Map<string, number[]>();
    for (const entity of await read(all)) {
      if (entity.kind === "model-version") numbers.set(entity.model, [...(numbers.get(entity.model) ?? []), entity.version]);
    }
    expect([...numbers.values()].some((list) => list.length > 1)).toBe(true);
    for (const list of numbers.values()) expect(list).toEqual([...list].sort((a, b) => a - b));
  });

  check("names what an object needs", async () => {
    const { items, read, all, keyOf } = opened();
    const byKey = new Map((await read(all)).map((entity) => [entity.key, entity]));
    for (const { entity } of items) {
      const needs = byKey.get(keyOf(entity.key))?.needs ?? [];
      expect(needs, entity.key).toEqual(expect.arrayContaining(entity.needs.filter((key) => key !== entity.key).map(keyOf)));
    }
  });

  check("names the objects whose ids are in tags", async () => {
    const { scope, items, entity, keyOf } = opened();
    for (const [name, reference] of [
      [`${scope}-maker`, loggedModelKey(`${scope}-lm`)],
      [`${scope}-self`, runKey(`${scope}-self`)],
    ] as const) {
      const item = items.find((candidate) => candidate.entity.key === runKey(name));
      if (item === undefined) throw new Error(`no item ${name}`);
      const { needs, mayReference } = await entity(item);
      expect([...needs, ...mayReference], name).toContain(keyOf(reference));
    }
  });

  check("yields the same when asked again", async () => {
    const { select, all } = opened();
    const catalogue = await select(all);
    const first = await entitiesOf(catalogue);
    expect(await entitiesOf(catalogue)).toEqual(first);
    expect(await entitiesOf(await select(all))).toEqual(first);
  });

  check("gives any of them again, by key", async () => {
    const { select, all } = opened();
    const catalogue = await select(all);
    for (const entity of await entitiesOf(catalogue)) expect(await catalogue.entity(entity.key)).toEqual(entity);
    await expect(catalogue.entity(runKey("no such run"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  check("tells beforehand which experiments and models will come, and how many objects", async () => {
    const { select, all } = opened();
    const { experiments, models, expected, entities } = await select(all);
    const found: Entity[] = [];
    for await (const entity of entities(never)) found.push(entity);
    const keys = (kind: Kind): EntityKey[] => found.filter((entity) => entity.kind === kind).map((entity) => entity.key);
    expect(experiments.map((one) => one.key).sort()).toEqual(keys("experiment").sort());
    expect(models.map((one) => one.key).sort()).toEqual(keys("registered-model").sort());
    for (const [kind, count] of Object.entries(expected)) expect(keys(kind as Kind).length, kind).toBe(count);
  });
}

function selecting(check: Check, opened: () => View): void {
  check("selects an experiment with its runs and logged models, and nothing else", async () => {
    const { scope, names, items } = opened();
    const home = experiment(`${scope}-lm`).entity.key;
    const within = items.filter(({ entity }) => entity.key === home || ("experiment" in entity && entity.experiment === home));
    expect(await names({ experiments: [`${scope}-lm`] })).toEqual(within.map(({ entity }) => entity.key).sort());
  });

  check("selects experiments by any of several globs", async () => {
    const { scope, select } = opened();
    const { experiments } = await select({ experiments: [`${scope}-neste?`, `*${scope}-[mp]*s`] });
    expect(experiments.map((one) => one.name).sort()).toEqual([`${scope}-metrics`, `${scope}-nested`, `${scope}-params`]);
  });

  check("selects a model with its versions, aliases, and the runs and experiments they need", async () => {
    const { scope, names, items } = opened();
    const wanted = new Set([experiment(`${scope}-versions`).entity.key, runKey(`${scope}-versions`), modelKey(`${scope}-versions`)]);
    const of = items.filter(({ entity }) => wanted.has(entity.key) || ("model" in entity && entity.model === `${scope}-versions`));
    expect(await names({ models: [`*${scope}-versions`] })).toEqual(of.map(({ entity }) => entity.key).sort());
  });

  // A place may tell the files of a promoted version as those of the version that it was promoted from, or of its run.
  check("selects what a promoted version points to", async () => {
    const { scope, read, keyOf } = opened();
    const found = await read({ models: [`*${scope}-prod`] });
    const keys = found.map(({ key }) => key);
    const [version] = found.filter((entity) => entity.kind === "model-version" && entity.model === `${scope}-prod`);
    if (version?.kind !== "model-version" || version.files.owner === "own") throw new Error(`${scope}-prod/1 points to nothing`);
    expect(keys).toEqual(expect.arrayContaining([keyOf(runKey(`${scope}-promoted`)), version.files.key, ...version.needs]));
  });

  check("leaves deleted objects out that nothing needs", async () => {
    const { scope, names } = opened();
    const found = await names({ experiments: [`*${scope}*`], models: [`*${scope}*`] });
    expect(found).toEqual(expect.arrayContaining([runKey(`${scope}-needed`), runKey(`${scope}-kept`)]));
    expect(found).not.toContain(runKey(`${scope}-unneeded`));
    expect(found).not.toContain(experiment(`${scope}-gone`).entity.key);
    expect(found).not.toContain(runKey(`${scope}-within-gone`));
  });

  check("yields deleted objects as deleted where they are asked for", async () => {
    const { read, all, items, keyOf } = opened();
    const isDeleted = (entity: Entity): boolean => "deleted" in entity && entity.deleted;
    const deleted = items.filter(({ entity }) => isDeleted(entity)).map(({ entity }) => keyOf(entity.key));
    const found = (await read(all)).filter(isDeleted).map((entity) => entity.key);
    expect(found.sort()).toEqual(deleted.sort());
  });

  for (const kind of ["experiments", "models"] as const) {
    check(`refuses a pattern for ${kind} that selects nothing`, async () => {
      const { scope, select } = opened();
      const selection = { [kind]: [`*${scope}*`, `${scope}-no-such-*`] };
      await expect(select(selection)).rejects.toMatchObject({
        code: "NOTHING_SELECTED",
        message: expect.stringContaining(`${scope}-no-such-*`) as unknown,
      });
    });
  }
}

function pulling(check: Check, opened: () => View): void {
  check("gives every point of every run", async () => {
    const { items, read, all, source, keyOf } = opened();
    const runs = (await read(all)).filter((entity) => entity.kind === "run");
    const found = await readPoints(source, runs);
    for (const { entity, points = [] } of items) {
      if (entity.kind === "run") expect(found.get(keyOf(entity.key))).toEqual(pointTexts(storablePoints(points, source.capabilities)));
    }
  });

  check("lists and reads every file of runs, logged models and versions", async () => {
    const view = opened();
    const entities = new Map((await view.read(view.all)).map((entity) => [entity.key, entity]));
    for (const item of view.items) {
      const owner = entities.get(view.keyOf(item.entity.key));
      if (owner?.kind !== "run" && owner?.kind !== "logged-model" && owner?.kind !== "model-version") continue;
      expect(await readFiles(view.source, owner), item.entity.key).toEqual(fileTexts(view.files(item)));
    }
  });

  check("reads a file from any offset, and again", async () => {
    const { source, files, ...view } = opened();
    const item = view.items.find((candidate) => candidate.entity.key === runKey(`${view.scope}-files`));
    if (item === undefined) throw new Error("no item with files");
    const owner = await view.entity(item);
    if (owner.kind !== "run") throw new Error("not a run");
    const reader = source.artifacts(owner, never);
    const path = "ünïcode/模型.bin";
    const bytes = Buffer.from(files(item).get(path) ?? []);
    for (const offset of [0, 1, 150_000, bytes.length - 1, bytes.length, 0]) {
      const read = await collect(reader.open({ path, sizeBytes: bytes.length }, { offset }));
      expect(Buffer.compare(read, bytes.subarray(offset)), `from ${offset}`).toBe(0);
    }
  });

  check("says that a file is unreadable which is not there", async () => {
    const { source, entity, items, scope } = opened();
    const item = items.find((candidate) => candidate.entity.key === runKey(`${scope}-files`));
    if (item === undefined) throw new Error("no item with files");
    const owner = await entity(item);
    if (owner.kind !== "run") throw new Error("not a run");
    const read = collect(source.artifacts(owner, never).open({ path: "no such file", sizeBytes: 10 }));
    await expect(read).rejects.toMatchObject({ code: "ARTIFACT_UNREADABLE" });
  });
}

function stopping(check: Check, opened: () => View): void {
  check("stops yielding when it is told to stop", async () => {
    const { select, all } = opened();
    const stop = new AbortController();
    const seen: Entity[] = [];
    const reading = (async () => {
      for await (const entity of (await select(all)).entities(stop.signal)) {
        seen.push(entity);
        stop.abort();
      }
    })();
    expect(await reading.catch((thrown: unknown) => asMigrationError(thrown).code)).toBe("INTERRUPTED");
    expect(seen).toHaveLength(1);
  });

  check("reads no file once it is told to stop", async () => {
    const { source, read, all } = opened();
    const owner = (await read(all)).find((entity) => entity.kind === "run");
    if (owner?.kind !== "run") throw new Error("no run");
    const list = source.artifacts(owner, AbortSignal.abort()).list()[Symbol.asyncIterator]();
    expect(await list.next().catch((thrown: unknown) => asMigrationError(thrown).code)).toBe("INTERRUPTED");
  });
}
