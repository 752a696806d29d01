// The part of the target contract that is about what was put before: updates, deletion and refusals.
import { expect } from "vitest";
import { asMigrationError } from "../../src/errors.ts";
import type { Entity } from "../../src/model/entities.ts";
import { run, tags, versionOf } from "./builders.ts";
import type { Item } from "./item.ts";
import { oneOfEach } from "./one-of-each.ts";
import type { Items } from "./one-of-each.ts";
import { expectSameFacts } from "./reading.ts";
import { expectItem } from "./target-stage.ts";
import type { Stage, StagedCheck } from "./target-stage.ts";

export function updating(check: StagedCheck): void {
  const updates = (test: string, pick: (items: Items) => Item, change: (entity: Entity) => Entity): void => {
    check(test, async (stage) => {
      const items = oneOfEach(stage.scope);
      await stage.ferry.putAll(items.all);
      const item = pick(items);
      const changed = { ...item, entity: change(item.entity) };
      await updateFound(stage, changed);
      expectSameFacts(await stage.look(changed), stage.ferry.expected(changed.entity), stage.target.capabilities);
    });
  };
  const withTags = (entity: Entity): Entity => (!("tags" in entity) ? entity : { ...entity, tags: tags({ a: "2", b: "" }) });

  updates("changes and adds tags of an experiment", ({ home }) => home, withTags);
  updates("changes and adds tags of a run", ({ made }) => made, withTags);
  updates(
    "ends a run and adds params",
    ({ made }) => made,
    (entity) =>
      entity.kind === "run" ? { ...entity, status: "FAILED", endTime: 1_700_000_000_000n, params: tags({ p: "1", q: "2" }) } : entity,
  );
  updates("changes and adds tags of a logged model", ({ logged }) => logged, withTags);
  updates(
    "changes description and tags of a registered model",
    ({ model }) => model,
    (entity) => ({ ...withTags(entity), description: "second" }) as Entity,
  );
  updates(
    "changes description and tags of a version",
    ({ first }) => first,
    (entity) => ({ ...withTags(entity), description: "second" }) as Entity,
  );
  updates(
    "changes the stage of a version",
    ({ second }) => second,
    (entity) => (entity.kind === "model-version" ? { ...entity, stage: "Production" } : entity),
  );
  updates(
    "moves an alias",
    ({ champion }) => champion,
    (entity) => (entity.kind === "alias" ? { ...entity, version: 2 } : entity),
  );
  updates(
    "takes tags away that an experiment of ours no longer has",
    ({ home }) => home,
    (entity) => (entity.kind === "experiment" ? { ...entity, tags: tags({}) } : entity),
  );
}

export function removing(check: StagedCheck): void {
  check("shows a removed run as deleted, and removes it again without harm", async (stage) => {
    const { home, made } = oneOfEach(stage.scope);
    await stage.ferry.putAll([home, made]);
    await stage.ferry.remove(made);
    await stage.ferry.remove(made);
    expect(await stage.ferry.find(made)).toMatchObject({ ours: true, deleted: true });
    const { entities } = await stage.readBack([home]);
    const deleted = [...entities.values()].map((entity) => [entity.kind, "deleted" in entity && entity.deleted]);
    expect(deleted).toEqual([
      ["experiment", false],
      ["run", true],
    ]);
  });

  check("shows a removed experiment as deleted, and removes it again without harm", async (stage) => {
    const { home } = oneOfEach(stage.scope);
    await stage.ferry.put(home);
    await stage.ferry.remove(home);
    await stage.ferry.remove(home);
    expect(await stage.ferry.find(home)).toMatchObject({ ours: true, deleted: true });
    const { entities } = await stage.readBack([home]);
    expect([...entities.values()]).toMatchObject([{ kind: "experiment", deleted: true }]);
  });

  check("writes an update of a deleted run, which is active until it is removed again", async (stage) => {
    const { home, made } = oneOfEach(stage.scope);
    await stage.ferry.putAll([home, made]);
    await stage.ferry.remove(made);
    const changed = { ...made, entity: { ...made.entity, tags: tags({ a: "2" }) } };
    await updateFound(stage, changed);
    expect(await stage.ferry.find(changed)).toMatchObject({ ours: true, deleted: false });
    expectSameFacts(await stage.look(changed), stage.ferry.expected(changed.entity), stage.target.capabilities);
    await stage.ferry.remove(changed);
    expect(await stage.ferry.find(changed)).toMatchObject({ ours: true, deleted: true });
    const content = await stage.readBack([home]);
    await expectItem({ ...changed, entity: { ...changed.entity, deleted: true } }, content, stage);
  });

  check("writes an update of a deleted experiment, and leaves its deleted runs deleted", async (stage) => {
    const { home, made } = oneOfEach(stage.scope);
    await stage.ferry.putAll([home, made]);
    await stage.ferry.remove(made);
    await stage.ferry.remove(home);
    const changed = { ...home, entity: { ...home.entity, tags: tags({ a: "2" }), deleted: true } };
    await updateFound(stage, changed);
    // The end of a job; only objects that it wrote are removed again.
    await stage.ferry.remove(changed);
    expectSameFacts(await stage.look(changed), stage.ferry.expected(changed.entity), stage.target.capabilities);
    expect(await stage.ferry.find(made)).toMatchObject({ ours: true, deleted: true });
  });

  check("keeps files and points of a removed run", async (stage) => {
    const { home, made } = oneOfEach(stage.scope);
    await stage.ferry.putAll([home, made]);
    await stage.ferry.remove(made);
    await expectItem(made, await stage.readBack([home]), stage);
  });
}

async function updateFound(stage: Stage, item: Item): Promise<void> {
  const existing = await stage.ferry.find(item);
  if (existing === undefined) throw new Error(`${item.entity.key} was not found`);
  await stage.ferry.put(item, { existing });
}

export function refusing(check: StagedCheck): void {
  check("refuses a version number that is taken", async (stage) => {
    const { all, model, home } = oneOfEach(stage.scope);
    await stage.ferry.putAll(all);
    const { stranger } = stage;
    for (const named of [home, model]) {
      const existing = await stranger.find(named);
      await stranger.put(named, existing === undefined ? {} : { existing });
    }
    const theirs = run(`${stage.scope}-theirs`, home);
    await stranger.put(theirs);
    await expect(stranger.put(versionOf(theirs, 1, model))).rejects.toMatchObject({ code: "VERSION_NUMBER_TAKEN" });
  });

  check("gives a version the number it asks for, or refuses it once that has passed", async (stage) => {
    const { all, made, model, second } = oneOfEach(stage.scope);
    await stage.ferry.putAll(all);
    await stage.ferry.put(versionOf(made, 7, model));
    const between = versionOf(made, 4, model);
    if (stage.target.capabilities.versionNumbers === "assigned") {
      await expect(stage.ferry.put(between)).rejects.toMatchObject({ code: "VERSION_NUMBER_TAKEN" });
    } else {
      await stage.ferry.put(between);
      expect(await stage.look(between)).toMatchObject({ version: 4 });
    }
    expect(await stage.look(second)).toMatchObject({ version: 2 });
  });

  check("writes nothing once it is told to stop", async ({ scope, ferry }) => {
    const { home } = oneOfEach(scope);
    const signal = AbortSignal.abort();
    const stopped = await ferry.put(home, { signal }).catch((thrown: unknown) => asMigrationError(thrown).code);
    expect(stopped).toBe("INTERRUPTED");
    expect(await ferry.find(home)).toBeUndefined();
  });

  check("stops reading files when it is told to stop", async ({ scope, ferry }) => {
    const { home, made } = oneOfEach(scope);
    await ferry.put(home);
    const stop = new AbortController();
    let sent = 0;
    const long = async function* (): AsyncGenerator<Uint8Array> {
      for (; sent < 10_000; sent++) {
        if (sent === 3) stop.abort();
        yield new Uint8Array(1000);
      }
    };
    const put = ferry.put(made, { signal: stop.signal, files: (send) => send({ path: "long" }, long) });
    const stopped = await put.catch((thrown: unknown) => asMigrationError(thrown).code);
    expect(stopped).toBe("INTERRUPTED");
    // A place may have read ahead a little.
    expect(sent).toBeLessThan(1000);
    expect((await ferry.find(made))?.mark).toBeUndefined();
  });
}
