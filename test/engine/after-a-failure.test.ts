// What a job leaves behind when something goes wrong late, and what the next run makes of it.
import { expect, test } from "vitest";
import { createMemory, type MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { MigrationError } from "../../src/errors.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import type { Source } from "../../src/ports/source.ts";
import type { PutContext, Target } from "../../src/ports/target.ts";
import { byState, experiment, job, loggedModel, model, ORIGIN, run, runJob, sampleSource, verifyJob, version } from "./registry.ts";

const mlflowLike = { versionNumbers: "assigned", creationTimes: "assigned" } as const;

function source(): MemoryPlace {
  const place = createMemory({ origin: ORIGIN, newIds: false });
  place.load(experiment("1"));
  return place;
}

async function differences(from: Source, target: Target, options: Parameters<typeof job>[2] = {}): Promise<string[]> {
  const verified = await verifyJob(job(from, target, options));
  return verified.flatMap((item) => item.findings).map((finding) => `${finding.key} ${finding.field} ${finding.kind}`);
}

/** A target whose `what` fails while `broken` says so. */
function failing(target: MemoryPlace, what: "put" | "link" | "remove" | "find", broken: (key: EntityKey) => boolean): Target {
  return new Proxy<Target>(target, {
    get(place, name: keyof Target) {
      const member = place[name];
      if (name !== what || typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        const [entity] = args as [{ key: EntityKey }];
        if (broken(entity.key)) throw new MigrationError("REQUEST_FAILED", "the server refused it", { hint: "look at its log" });
        return (member as (...all: unknown[]) => unknown).apply(place, args);
      };
    },
  });
}

function killedAtFiles(context: PutContext): PutContext {
  const files = { value: () => Promise.reject(new MigrationError("INTERRUPTED", "killed")) };
  return Object.create(context, { files }) as PutContext;
}

test("stopping during the last deletions is an interruption, not an end", async () => {
  const place = source();
  for (const id of ["a", "b", "c", "d"]) place.load(run(id.repeat(32), { deleted: true }));
  const target = createMemory();
  const drain = new AbortController();
  const stopping: Target = { ...target, remove: (...args) => (drain.abort(), target.remove(...args)) };
  let ended: string | undefined;
  const journal = { ...memoryJournal(), end: async (state: string) => void (ended = state) };
  await expect(runJob(job(place, stopping, { drain: drain.signal, journal, inFlight: 1 }))).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(ended).toBeUndefined();
  await runJob(job(place, target));
  expect(await differences(place, target)).toEqual([]);
});

test.each([
  ["with the journal", true],
  ["without it", false],
])("a reference to something that failed is set by the next run %s", async (_name, keep) => {
  const place = source();
  const made = loggedModel(`m-${"d".repeat(32)}`);
  const history = JSON.stringify([{ model_uuid: `m-${"d".repeat(32)}` }]);
  place.load(run("a".repeat(32), { tags: new Map([["mlflow.log-model.history", history]]), mayReference: [made.key] }));
  place.load(made);
  const target = createMemory();
  const journal = memoryJournal({ resuming: true });
  const states = byState(
    await runJob(
      job(
        place,
        failing(target, "put", (key) => key === made.key),
        { journal },
      ),
    ),
  );
  expect(states.failed).toEqual([made.key]);
  await runJob(job(place, target, { journal: keep ? journal : memoryJournal() }));
  expect(await differences(place, target)).toEqual([]);
});

test("a run whose link failed is not deleted, and both are done by the next run", async () => {
  const place = source();
  const parent = run("b".repeat(32), { startTime: 2000n });
  place.load(
    run("a".repeat(32), {
      startTime: 1000n,
      deleted: true,
      tags: new Map([["mlflow.parentRunId", "b".repeat(32)]]),
      mayReference: [parent.key],
    }),
  );
  place.load(parent);
  const target = createMemory();
  const journal = memoryJournal({ resuming: true });
  const outcomes = await runJob(
    job(
      place,
      failing(target, "link", () => true),
      { journal },
    ),
  );
  const failed = outcomes.find((outcome) => outcome.state === "failed");
  expect(failed?.error).toMatchObject({ message: `cannot finish run:${"a".repeat(32)}: the server refused it`, hint: "look at its log" });
  await runJob(job(place, target, { journal }));
  expect(await differences(place, target)).toEqual([]);
});

test("a file that could not be read is tried again, also where the loss was agreed to", async () => {
  const place = sampleSource();
  const broken: Source = {
    ...place,
    artifacts: (owner, signal) => ({
      list: () => place.artifacts(owner, signal).list(),
      async *open() {
        throw new MigrationError("ARTIFACT_UNREADABLE", "the connection was cut");
        yield new Uint8Array();
      },
    }),
  };
  const target = createMemory();
  const outcomes = await runJob(job(broken, target, { onLoss: "drop" }));
  expect(Object.keys(byState(outcomes))).toEqual(["done"]);
  expect(outcomes.flatMap((outcome) => outcome.fileLosses).every((loss) => loss.agreed && !loss.permanent)).toBe(true);
  await runJob(job(place, target));
  expect(await differences(place, target)).toEqual([]);
});

test("files noted in the journal count only where the target lists them", async () => {
  const place = source();
  const work = run("a".repeat(32));
  place.load(work, { files: { f: "bytes" } });
  const target = createMemory();
  const journal = memoryJournal({ resuming: true });
  await journal.appendFile(work.key, { path: "f", sizeBytes: 5, digest: "sha256:00" });
  const dying: Target = {
    ...target,
    put: (entity, context) => target.put(entity, entity.kind === "run" ? killedAtFiles(context) : context),
  };
  await expect(runJob(job(place, dying, { journal }))).rejects.toMatchObject({ code: "INTERRUPTED" });
  await runJob(job(place, target, { journal }));
  expect(await differences(place, target)).toEqual([]);
});

test("an experiment that was renamed at the source in between is not split by a resumed job", async () => {
  const place = source();
  for (const id of ["a", "b"]) place.load(run(id.repeat(32)));
  const target = createMemory();
  const journal = memoryJournal({ resuming: true });
  await runJob(
    job(
      place,
      failing(target, "put", (key) => key === `run:${"b".repeat(32)}`),
      { journal },
    ),
  );
  place.load(experiment("1", { name: "renamed" }));
  await runJob(job(place, target, { journal }));
  expect(await differences(place, target)).toEqual([]);
});

test("what was deleted at the target since is told, not passed over", async () => {
  const target = createMemory();
  await runJob(job(sampleSource(), target));
  const { signal } = new AbortController();
  const catalogue = await target.select({ includeDeleted: true }, signal);
  for await (const entity of catalogue.entities(signal)) {
    if (entity.kind === "run" && entity.name === `run ${"b".repeat(32)}`) await target.remove(entity, entity.key as never, signal);
  }
  const outcomes = await runJob(job(sampleSource(), target));
  expect(byState(outcomes).refused).toEqual([`run:${"b".repeat(32)}`]);
  expect(outcomes.find((outcome) => outcome.state === "refused")?.error).toMatchObject({ code: "DELETED_AT_TARGET" });
});

test("a look-up that fails costs its object and what needs it, and names side and object", async () => {
  const place = source();
  place.load(experiment("2"));
  place.load(run("a".repeat(32)));
  const target = failing(createMemory(), "find", (key) => key === "experiment:1");
  const outcomes = await runJob(job(place, target));
  expect(byState(outcomes)).toEqual({ refused: ["experiment:1"], blocked: [`run:${"a".repeat(32)}`], done: ["experiment:2"] });
  expect(await differences(place, target)).toContain("experiment:1  unreadable");
});

test("a version that is there and is refused now does not hold back later ones", async () => {
  const place = source();
  place.load(model("m"));
  place.load(version("m", 1), { files: { f: "1" } });
  const target = createMemory({ capabilities: { ...mlflowLike, tags: { "model-version": { valueChars: 100 } } } });
  await runJob(job(place, target));
  place.load(version("m", 1, { tags: new Map([["note", "x".repeat(101)]]) }), { files: { f: "1" } });
  place.load(version("m", 2), { files: { f: "2" } });
  const outcomes = await runJob(job(place, target));
  expect(byState(outcomes)).toMatchObject({ refused: ["model-version:m/1"], done: ["model-version:m/2"] });
});

test("a registered model of somebody else is a difference, not ours", async () => {
  const place = source();
  place.load(model("m"));
  const target = createMemory();
  target.load(experiment("1"));
  target.load(model("m"));
  expect(await differences(place, target)).toContain("registered-model:m  different");
});
