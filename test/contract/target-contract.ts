// The suite that every target runs: what is put is what is read, nothing comes twice, and nothing half-written looks whole.
import { expect } from "vitest";
import { alias, experiment, idFor, run, tags } from "./builders.ts";
import type { Item } from "./item.ts";
import { oneOfEach } from "./one-of-each.ts";
import { expectSameFacts } from "./reading.ts";
import { isHeld, PARTS, SAMPLES } from "./sample.ts";
import { contract } from "./suite.ts";
import type { ContractOptions } from "./suite.ts";
import { refusing, removing, updating } from "./target-changes.ts";
import { createStage, expectItem, isLinkedLate } from "./target-stage.ts";
import type { Stage, StagedCheck, TargetPlace } from "./target-stage.ts";

export type { TargetPlace } from "./target-stage.ts";

/** Runs the suite on places that `makeTarget` makes; several tests may get the same one, since each uses names of its own. */
export function targetContract(name: string, makeTarget: () => Promise<TargetPlace>, options: ContractOptions = {}): void {
  const suite = idFor(`target ${name}`).slice(0, 4);
  contract(`target contract: ${name}`, options, (define) => {
    let tests = 0;
    const check: StagedCheck = (test, body) => {
      const scope = `t${suite}-${++tests}`;
      define(test, async () => {
        const place = await makeTarget();
        try {
          await body(createStage(place, scope));
        } finally {
          await place.dispose();
        }
      });
    };
    for (const [subject, sample] of Object.entries(SAMPLES)) check(`holds ${subject}`, (stage) => comesBack(stage, sample(stage.scope)));
    for (const [subject, sample] of Object.entries(PARTS)) {
      check(`holds ${subject} as far as it says`, (stage) =>
        comesBack(stage, sample(stage.scope).filter(isHeld(stage.target.capabilities))),
      );
    }
    writingParts(check);
    finding(check);
    completing(check);
    updating(check);
    removing(check);
    refusing(check);
  });
}

/** Those of kinds that the place has: the engine leaves others out. */
function held({ target }: Pick<Stage, "target">, items: readonly Item[]): readonly Item[] {
  return items.filter(({ entity }) => target.capabilities.kinds.has(entity.kind));
}

async function comesBack(stage: Stage, sample: readonly Item[]): Promise<void> {
  const items = held(stage, sample);
  await stage.ferry.putAll(items);
  for (const item of items.filter(isLinkedLate)) await stage.ferry.link(item, "linked");
  const content = await stage.readBack(items);
  for (const item of items) await expectItem(item, content, stage);
}

function writingParts(check: StagedCheck): void {
  check("finds what hangs on a version when it was put, and changes it", async (stage) => {
    const items = Object.values(PARTS)
      .flatMap((sample) => sample(stage.scope))
      .filter(isHeld(stage.target.capabilities));
    const [parts, hosts] = [items.filter(({ entity }) => !("tags" in entity)), items.filter(({ entity }) => "tags" in entity)];
    await stage.ferry.putAll(hosts);
    for (const item of parts) {
      expect(await stage.ferry.find(item)).toBeUndefined();
      const key = await stage.ferry.put(item);
      expect(await stage.ferry.find(item)).toMatchObject({ key, ours: true, deleted: false });
    }
    for (const item of parts) {
      if (item.entity.kind !== "comment") continue;
      const changed = { ...item, entity: { ...item.entity, text: "short" } };
      const existing = await stage.ferry.find(item);
      await stage.ferry.put(changed, existing === undefined ? {} : { existing });
      expect(await stage.look(changed)).toMatchObject({ text: "short" });
    }
  });
}

function finding(check: StagedCheck): void {
  check("finds nothing before, and what was put afterwards", async ({ scope, ferry, target }) => {
    for (const item of held({ target }, oneOfEach(scope).all)) {
      expect(await ferry.find(item)).toBeUndefined();
      const key = await ferry.put(item);
      expect(await ferry.find(item)).toMatchObject({ key, ours: true, deleted: false });
    }
  });

  check("reads what was found as it was put", async (stage) => {
    const all = held(stage, oneOfEach(stage.scope).all);
    await stage.ferry.putAll(all);
    for (const item of all) {
      expectSameFacts(await stage.look(item), stage.ferry.expected(item.entity), stage.target.capabilities);
    }
  });

  check("tells the mark of what is whole", async ({ scope, ferry }) => {
    const { home, made, logged } = oneOfEach(scope);
    await ferry.put(home);
    await ferry.put(made, { mark: "mark1" });
    await ferry.put(logged, { mark: "mark2" });
    expect(await ferry.find(made)).toMatchObject({ mark: "mark1" });
    expect(await ferry.find(logged)).toMatchObject({ mark: "mark2" });
  });

  check("does not take an object of another origin for ours, whatever its name", async ({ scope, ferry, stranger }) => {
    const { home, made, logged, model, first } = oneOfEach(scope);
    await ferry.putAll([home, made, logged, model, first]);
    for (const named of [home, model])
      expect(await stranger.find(named)).toMatchObject({ key: ferry.placedKey(named.entity.key), ours: false });
    expect(await stranger.find(made)).toBeUndefined();
    expect(await stranger.find(logged)).toBeUndefined();
    expect((await stranger.find(first))?.ours).not.toBe(true);
  });

  check("takes an alias for ours when it points to the same version", async ({ scope, ferry }) => {
    const { all, second } = oneOfEach(scope);
    await ferry.putAll(all);
    expect(await ferry.find(alias("champion", second))).toMatchObject({ ours: false });
  });
}

function completing(check: StagedCheck): void {
  check("finds a run without its mark when its files failed, and completes it", async (stage) => {
    const { home, made } = oneOfEach(stage.scope);
    await stage.ferry.put(home);
    await expect(stage.ferry.put(made, { files: () => Promise.reject(new Error("cut off")) })).rejects.toThrow("cut off");
    const half = await stage.ferry.find(made);
    if (half !== undefined) {
      expect(half).toMatchObject({ ours: true });
      expect(half.mark).toBeUndefined();
    }
    await stage.ferry.put(made, half === undefined ? {} : { existing: half });
    expect((await stage.ferry.find(made))?.mark).toBeDefined();
    await expectOnly(stage, [home, made]);
  });

  check("puts the same again without a second object, point or file", async (stage) => {
    const all = held(stage, oneOfEach(stage.scope).all);
    await stage.ferry.putAll(all);
    for (const item of all) {
      const existing = await stage.ferry.find(item);
      const key = await stage.ferry.put(item, existing === undefined ? {} : { existing });
      expect(key).toBe(existing?.key);
    }
    await expectOnly(stage, all);
  });

  check("sets late references and the mark by a link", async (stage) => {
    const home = experiment(`${stage.scope}-links`);
    const later = run(`${stage.scope}-later`, home);
    const id = idFor(`${stage.scope}-later`);
    const early = run(`${stage.scope}-early`, home, {
      tags: tags({ "mlflow.log-model.history": JSON.stringify([{ run_id: id }]), other: id }),
      mayReference: [later.entity.key],
    });
    await stage.ferry.putAll([home, early, later]);
    await stage.ferry.link(early, "linked");
    expect((await stage.look(early)).tags).toEqual(stage.ferry.expected(early.entity).tags);
    expect(await stage.ferry.find(early)).toMatchObject({ mark: "linked" });
  });
}

/** The items are there, each as it was put, and nothing else of their kinds is. */
async function expectOnly(stage: Stage, items: readonly Item[]): Promise<void> {
  const content = await stage.readBack(items);
  for (const item of items) await expectItem(item, content, stage);
  // Places may give objects permissions of their own accord.
  const written = [...content.entities.values()].filter(({ kind }) => stage.target.capabilities.kinds.has(kind));
  expect(written.length).toBe(items.length);
}
