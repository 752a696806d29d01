// References between runs that are written at the same time.
import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { idOf, keyOf } from "../../src/model/keys.ts";
import type { PutContext, Target } from "../../src/ports/target.ts";
import { ORIGIN, byState, experiment, job, run, runJob, verifyJob } from "./registry.ts";

const [EARLY, LATE] = ["a".repeat(32), "b".repeat(32)];

test("a reference is set although the other run came while the first was being written", async () => {
  const source = createMemory({ origin: ORIGIN, newIds: false });
  source.load(experiment("1"));
  const tags = new Map([["mlflow.log-model.history", JSON.stringify([{ run_id: LATE }])]]);
  source.load(run(EARLY, { tags, mayReference: [keyOf("run", LATE)] }), { files: { "a file": "x" } });
  source.load(run(LATE, { startTime: 1_600_000_000_001n }));
  const target = createMemory();
  expect(Object.keys(byState(await runJob(job(source, holding(target)))))).toEqual(["done"]);
  expect((await verifyJob(job(source, target))).flatMap(({ findings }) => findings)).toEqual([]);
});

/** Holds the files of the early run back until the late one is there: its tags are then those of before. */
function holding(target: Target): Target {
  const late = Promise.withResolvers<true>();
  return {
    ...target,
    async put(entity, context) {
      if (entity.kind !== "run") return target.put(entity, context);
      if (idOf(entity.key) !== EARLY) return target.put(entity, context).finally(() => void setImmediate(() => late.resolve(true)));
      const files: PutContext["files"] = async (send) => {
        await late.promise;
        await context.files(send);
      };
      return target.put(entity, Object.create(context, { files: { value: files } }) as PutContext);
    },
  };
}
