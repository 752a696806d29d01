// The part of the source contract about questions: what a place answers without being read whole is what a reading would have told.
import { expect } from "vitest";
import { asMigrationError } from "../../src/errors.ts";
import { KINDS } from "../../src/model/entities.ts";
import type { Entity, EntityKey, LoggedModel } from "../../src/model/entities.ts";
import { keyOf, PROVENANCE } from "../../src/model/keys.ts";
import { isAnswer } from "../../src/model/question.ts";
import type { Question } from "../../src/model/question.ts";
import { expectSameFacts } from "./reading.ts";
import type { View } from "./source-view.ts";
import type { Check } from "./suite.ts";

const never = new AbortController().signal;

/** Defines the tests. */
export function asking(check: Check, opened: () => View): void {
  check("answers with the object under a key, as a selection yields it", async () => {
    const view = opened();
    for (const entity of await view.read(view.all)) {
      const [answer, ...more] = await answers(view, { about: "key", key: entity.key });
      if (answer === undefined) throw new Error(`${entity.key} was not found`);
      expect(more).toEqual([]);
      expect(answer.provenance).toEqual(entity.provenance);
      expectSameFacts(told(answer), told(entity), view.source.capabilities);
    }
  });

  check("answers with nothing for a key that is not there, whatever it looks like", async () => {
    const view = opened();
    const ids = [
      "",
      "999999999",
      "f".repeat(32),
      `m-${"f".repeat(32)}`,
      "nobody/7",
      "nobody/x",
      "no*body",
      "a'b\"c",
      "line\nbreak",
      "../x",
      "%2e",
    ];
    for (const kind of KINDS) for (const id of ids) expect(await answers(view, { about: "key", key: keyOf(kind, id) })).toEqual([]);
  });

  check("finds experiments and models by name, and lists their names", async () => {
    const view = opened();
    for (const { entity } of view.items) {
      if (entity.kind !== "experiment" && entity.kind !== "registered-model") continue;
      const { name } = view.expected(entity) as typeof entity;
      const found = await answers(view, { about: "names", kind: entity.kind, name });
      expect(found.map(({ key }) => key)).toEqual([view.keyOf(entity.key)]);
      const all = await answers(view, { about: "names", kind: entity.kind });
      expect(all.map(({ key }) => key)).toContain(view.keyOf(entity.key));
      expect(await answers(view, { about: "names", kind: entity.kind, name: `${name} no more` })).toEqual([]);
    }
  });

  check("tells what needs an object", async () => {
    const view = opened();
    const all = await view.read(view.all);
    for (const { key } of someOf(all)) {
      const wanted = all.filter((entity) => isAnswer(told(entity), { about: "dependants", key })).map((entity) => entity.key);
      const found = (await answers(view, { about: "dependants", key })).map((entity) => entity.key);
      expect(found, key).toEqual(expect.arrayContaining(wanted));
      expect(new Set(found).size).toBe(found.length);
    }
  });

  check("tells what was placed from an object of another registry", async () => {
    const view = opened();
    for (const entity of someOf(await view.read(view.all))) {
      const id = entity.provenance.get(PROVENANCE.sourceId);
      if (id === undefined) continue;
      const found = await answers(view, { about: "origin", key: keyOf(entity.kind, id) });
      expect(found.map(({ key }) => key)).toEqual([entity.key]);
      expect(await answers(view, { about: "origin", key: keyOf(entity.kind, `${id}0`) })).toEqual([]);
    }
  });

  check("answers nothing once it is told to stop", async () => {
    const { source, items, keyOf: placed } = opened();
    const [item] = items;
    if (item === undefined) throw new Error("no items");
    const answer = source.ask({ about: "key", key: placed(item.entity.key) }, AbortSignal.abort())[Symbol.asyncIterator]();
    expect(await answer.next().catch((thrown: unknown) => asMigrationError(thrown).code)).toBe("INTERRUPTED");
  });
}

async function answers({ source }: View, question: Question): Promise<Entity[]> {
  const found: Entity[] = [];
  for await (const entity of source.ask(question, never)) found.push(entity);
  return found;
}

/** A few of each kind, those with most needs first: at a server each costs requests. */
function someOf(entities: readonly Entity[]): Entity[] {
  const sorted = [...entities].sort((a, b) => b.needs.length + b.mayReference.length - a.needs.length - a.mayReference.length);
  return KINDS.flatMap((kind) => sorted.filter((entity) => entity.kind === kind).slice(0, 4));
}

/** Without the links that only a reading of everything tells: which runs used a logged model. */
function told(entity: Entity): Entity {
  if (entity.kind !== "logged-model") return entity;
  const users = new Set<EntityKey>(entity.inputOf.filter((run) => !isMaker(entity, run)));
  return { ...entity, inputOf: [], needs: entity.needs.filter((key) => !users.has(key)) };
}

function isMaker({ sourceRun, outputOf, metrics }: LoggedModel, run: EntityKey): boolean {
  return run === sourceRun || outputOf.some((output) => output.run === run) || metrics.some((metric) => metric.run === run);
}
