// Re-reads source and target and compares them fact by fact. Knows nothing of how the target came to be: it reconciles the source
// anew, finds each object by its provenance, and reads what is there.
import { asMigrationError, withContext } from "../errors.ts";
import type { Entity, EntityKey, Run } from "../model/entities.ts";
import { differences } from "../model/facts.ts";
import { numberIn } from "../model/keys.ts";
import { localise } from "../model/localise.ts";
import type { Found } from "../ports/target.ts";
import type { Finding, Level, Located, Verified } from "./finding.ts";
import { comparableFacts, isFatal, provenanceOf, transfersOf } from "./job.ts";
import { GROUP_RUNS } from "./groups.ts";
import type { Prepared } from "./preflight.ts";
import { createReconciler } from "./reconcile.ts";
import type { Reconciled } from "./reconciled.ts";
import { concurrently, createPipes } from "./schedule.ts";
import { compareFiles } from "./verify-files.ts";
import { compareHistories } from "./verify-metrics.ts";

/** Yields a result for every entity of the selection. Writes nothing. */
export async function* verify(prepared: Prepared, level: Level): AsyncGenerator<Verified> {
  const { job } = prepared;
  const pipe = createPipes(transfersOf(job));
  const work = async (batch: readonly Sought[]): Promise<readonly Verified[]> => {
    const located = await Promise.all(batch.map((item) => read(item, prepared)));
    const histories = level === "counts" ? undefined : compareHistories(located, job);
    const results: Verified[] = [];
    for (const item of located) results.push(await compareEntity(item, { prepared, level, pipe, histories }));
    return results;
  };
  for await (const results of concurrently(batches(prepared), job.inFlight, work, job.drain)) yield* results;
}

/** An entity and where it was found, or why it could not be looked for. */
type Sought = Pick<Located, "reconciled" | "found" | "error">;

/** Runs in groups, so that their metrics are read together; everything else one by one. Each is looked for before the next. */
async function* batches(prepared: Prepared): AsyncGenerator<readonly Sought[]> {
  const { job, catalogue } = prepared;
  const reconciler = createReconciler({ capabilities: job.target.capabilities, mapping: job.mapping, onLoss: job.onLoss });
  let runs: Sought[] = [];
  for await (const entity of catalogue.entities(job.signal)) {
    const item = await seek(reconciler.reconcile(entity), prepared);
    if (entity.kind === "run") runs.push(item);
    if (runs.length > 0 && (entity.kind !== "run" || runs.length >= GROUP_RUNS)) {
      yield runs;
      runs = [];
    }
    if (entity.kind !== "run") yield [item];
  }
  if (runs.length > 0) yield runs;
  for (const derived of reconciler.flush()) yield [await seek(derived, prepared)];
}

/** Finds the entity and notes its place, so that references to it can be compared; answered from the target's own listings. */
async function seek(reconciled: Reconciled, prepared: Prepared): Promise<Sought> {
  const { job, containers, placements } = prepared;
  const { source, entity } = reconciled;
  if (reconciled.dropped === true) return { reconciled };
  if ("experiment" in entity && placements.placed(entity.experiment) === undefined) return { reconciled };
  try {
    const local = localise(entity, (key) => placements.placed(key));
    const found = await job.target.find(local, { provenance: provenanceOf(source, entity, job, containers), signal: job.signal });
    if (found === undefined) return { reconciled };
    if (job.versionNumbers !== "compact" || entity.kind !== "model-version") {
      placements.set(source.key, found.key);
      return { reconciled, found };
    }
    // Any number is right for a version that came from this one, and none for another.
    if (!found.ours) return { reconciled };
    placements.set(source.key, found.key);
    return { reconciled: { ...reconciled, entity: { ...entity, version: numberIn(found.key) } }, found };
  } catch (thrown) {
    return { reconciled, error: asFinding(thrown, source.key) };
  }
}

async function read(item: Sought, prepared: Prepared): Promise<Located> {
  if (item.found === undefined) return item;
  try {
    return { ...item, present: await item.found.read(prepared.job.signal) };
  } catch (thrown) {
    return { ...item, error: asFinding(thrown, item.reconciled.source.key) };
  }
}

function asFinding(thrown: unknown, key: EntityKey): string {
  const error = withContext(thrown, { side: "target", key });
  if (isFatal(error)) throw error;
  return error.message;
}

interface Comparison {
  readonly prepared: Prepared;
  readonly level: Level;
  readonly pipe: <R>(work: () => Promise<R>) => Promise<R>;
  readonly histories: ReturnType<typeof compareHistories> | undefined;
}

async function compareEntity(located: Located, comparison: Comparison): Promise<Verified> {
  const { reconciled, found, present } = located;
  const key = reconciled.source.key;
  const nothing = { facts: 0, points: 0, files: 0, bytes: 0 };
  if (located.error !== undefined) {
    return { key, compared: nothing, findings: [{ key, field: "", kind: "unreadable", expected: located.error, agreed: false }] };
  }
  if (found === undefined || present === undefined) return { key, compared: nothing, findings: [absent(reconciled)] };
  if (!found.ours && present.kind !== "experiment" && present.kind !== "alias") {
    const finding: Finding = { key, field: "", kind: "different", found: `${found.key} came from elsewhere`, agreed: false };
    return { key, compared: nothing, findings: [finding] };
  }
  if (comparison.level === "counts") return { key, compared: nothing, findings: [] };
  const facts = compareFacts(reconciled, found, present, comparison.prepared);
  try {
    const points = reconciled.entity.kind === "run" ? await comparison.histories?.compare(key, present as Run) : undefined;
    const files = comparison.level === "metadata" ? undefined : await compareFiles(located, comparison.level, comparison);
    const findings = [...facts.findings, ...(points?.findings ?? []), ...(files?.findings ?? [])];
    return {
      key,
      findings,
      compared: { facts: facts.count, points: points?.points ?? 0, files: files?.files ?? 0, bytes: files?.bytes ?? 0 },
    };
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (isFatal(error)) throw error;
    const finding: Finding = { key, field: "", kind: "unreadable", expected: error.message, agreed: false };
    return { key, compared: { ...nothing, facts: facts.count }, findings: [...facts.findings, finding] };
  }
}

function absent(reconciled: Reconciled): Finding {
  const key = reconciled.source.key;
  if (reconciled.dropped === true) return { key, field: "", kind: "left out", expected: reconciled.changes[0]?.rule ?? "", agreed: true };
  if (reconciled.refusal === undefined) return { key, field: "", kind: "missing", agreed: false };
  return { key, field: "", kind: "left out", expected: reconciled.refusal.message, agreed: false };
}

function compareFacts(reconciled: Reconciled, found: Found, present: Entity, prepared: Prepared): { findings: Finding[]; count: number } {
  const { job, placements } = prepared;
  const key = reconciled.source.key;
  const local = localise(reconciled.entity, (need) => (need === key ? found.key : placements.placed(need)));
  const expected = new Map(comparableFacts(local, job.target.capabilities));
  const there = comparableFacts(present, job.target.capabilities);
  // An experiment that was there before keeps its own state and may have tags of its own.
  const adopted = reconciled.entity.kind === "experiment" && !found.ours;
  if (adopted) expected.delete("deleted");
  const findings = differences(expected, there)
    .filter((difference) => !adopted || difference.expected !== undefined)
    .map((difference): Finding => {
      const kind = difference.found === undefined ? "missing" : difference.expected === undefined ? "extra" : "different";
      return {
        key,
        field: difference.field,
        kind,
        ...(difference.expected === undefined ? {} : { expected: difference.expected }),
        ...(difference.found === undefined ? {} : { found: difference.found }),
        agreed: adopted && difference.found !== undefined,
      };
    });
  return { findings, count: expected.size };
}
