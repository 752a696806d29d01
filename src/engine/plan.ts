// Joins the reconciled stream with journal and target: for each entity, what is to be done. Writes nothing.
import { withContext } from "../errors.ts";
import type { Entity, EntityKey, Experiment } from "../model/entities.ts";
import { ALL_FILES } from "../model/file-filter.ts";
import { differences, fingerprint } from "../model/facts.ts";
import { PROVENANCE } from "../model/keys.ts";
import { localise } from "../model/localise.ts";
import type { Found } from "../ports/target.ts";
import type { Action, Change, Step } from "./change.ts";
import { comparableFacts, hasOwnFiles, isFatal, provenanceOf } from "./job.ts";
import { actionByMark } from "./marks.ts";
import type { Prepared } from "./preflight.ts";
import { createReconciler } from "./reconcile.ts";
import type { Reconciled } from "./reconciled.ts";

/** The steps of a job in the order of the source's stream. Places found at the target are noted in `prepared.placements`. */
export async function* planSteps(prepared: Prepared): AsyncGenerator<Step> {
  const { job, catalogue } = prepared;
  const reconciler = createReconciler({ capabilities: job.target.capabilities, mapping: job.mapping, onLoss: job.onLoss });
  for await (const entity of catalogue.entities(job.signal)) {
    yield await decide(reconciler.reconcile(entity), prepared);
  }
  for (const derived of reconciler.flush()) yield await decide(derived, prepared);
}

/** One entity's step. A look-up that fails is that entity's failure, unless it would fail for every other one too. */
async function decide(reconciled: Reconciled, prepared: Prepared): Promise<Step> {
  const { source, entity, changes, refusal } = reconciled;
  const { job, containers } = prepared;
  const provenance = provenanceOf(source, entity, job, containers);
  const mark = fingerprint(entity);
  const step = { source, entity, changes, mark, stamp: `${mark} ${provenance.get(PROVENANCE.source) ?? ""}` };
  try {
    if (refusal === undefined && (await isJournaled(source.key, step.stamp, prepared))) return { ...step, action: "skip", journaled: true };
    const local = localise(entity, (key) => prepared.placements.placed(key));
    const found = containerMissing(entity, prepared) ? undefined : await job.target.find(local, { provenance, signal: job.signal });
    if (refusal === undefined && found !== undefined) return await decideFound({ ...step, found }, local, prepared);
    if (found?.ours === true) prepared.placements.set(source.key, found.key);
    const there = found === undefined ? {} : { found };
    return refusal === undefined ? { ...step, action: "create" } : { ...step, ...there, action: "refuse", refusal };
  } catch (thrown) {
    const error = withContext(thrown, { side: "target", key: source.key });
    if (isFatal(error)) throw error;
    const { code, message, hint } = error;
    const failure = { code, message: `cannot look for ${source.key}: ${message}`, ...(hint === undefined ? {} : { hint }) };
    return { ...step, action: "refuse", refusal: failure };
  }
}

type FoundStep = Omit<Step, "action"> & { readonly found: Found };

async function decideFound(step: FoundStep, local: Entity, prepared: Prepared): Promise<Step> {
  const { entity, found } = step;
  if (entity.kind === "experiment" && !found.ours) return adopt(entity, step, prepared);
  if (found.deleted && "deleted" in entity && !entity.deleted) {
    const message = `${step.source.key} was moved before, and was deleted at the target since`;
    const hint = "restore it there, or purge it (mlflow gc) to have it moved again";
    return { ...step, action: "refuse", refusal: { code: "DELETED_AT_TARGET", message, hint } };
  }
  prepared.placements.set(step.source.key, found.key);
  return { ...step, action: await actionFor(step, local, prepared) };
}

/** While a cut-off job is resumed, what the journal calls done is not asked for again. */
async function isJournaled(key: EntityKey, stamp: string, prepared: Prepared): Promise<boolean> {
  const { journal } = prepared.job;
  if (!journal.resuming) return false;
  const entry = await journal.last(key);
  if (entry?.placed !== undefined) prepared.placements.set(key, entry.placed);
  return entry?.state === "done" && entry.fingerprint === stamp && entry.placed !== undefined;
}

/** What does not exist at the target yet cannot hold anything: no need to look. */
function containerMissing(entity: Entity, prepared: Prepared): boolean {
  if (entity.kind !== "run" && entity.kind !== "logged-model") return false;
  return prepared.placements.placed(entity.experiment) === undefined;
}

/** An experiment that the target has already takes up the runs; its own tags win. */
async function adopt(entity: Experiment, step: FoundStep, prepared: Prepared): Promise<Step> {
  const { found } = step;
  if (found.deleted) {
    const message = `a deleted experiment at the target holds the name ${JSON.stringify(entity.name)}`;
    const hint = "restore it there, purge it (mlflow gc), or give yours another name with --rename-experiment FROM=TO";
    return { ...step, action: "refuse", refusal: { code: "NAME_TAKEN", message, hint } };
  }
  prepared.placements.set(step.source.key, found.key);
  const existing = await found.read(prepared.job.signal);
  const theirs = existing.kind === "experiment" ? existing.tags : new Map<string, string>();
  const tags = new Map(entity.tags);
  const kept: Change[] = [];
  for (const [key, value] of entity.tags) {
    const own = theirs.get(key);
    if (own === undefined || own === value) continue;
    tags.delete(key);
    kept.push({ field: `tags.${key}`, class: "lost", from: value, rule: `the target's experiment has its own value`, agreed: true });
  }
  const missing = [...tags.keys()].some((key) => !theirs.has(key));
  const note: Change = {
    field: "deleted",
    class: "translated",
    from: "true",
    to: "active",
    rule: "an experiment that was there before stays",
  };
  const changes = [...step.changes, ...kept, ...(entity.deleted ? [note] : [])];
  return { ...step, action: missing ? "update" : "skip", entity: { ...entity, tags, deleted: false }, changes };
}

async function actionFor(step: { entity: Entity; mark: string; found: Found }, local: Entity, prepared: Prepared): Promise<Action> {
  const { entity, mark, found } = step;
  const marked = entity.kind === "run" || entity.kind === "logged-model" || (entity.kind === "model-version" && hasOwnFiles(entity));
  if (marked) {
    const byMark = actionByMark(found.mark, mark, (prepared.job.files ?? ALL_FILES).id);
    if (byMark !== "skip" || entity.kind !== "model-version") return byMark;
  }
  const { job } = prepared;
  const capabilities = job.target.capabilities;
  const expected = new Map(comparableFacts(local, capabilities));
  const present = new Map(comparableFacts(await found.read(job.signal), capabilities));
  // Deleting is the job's last step, not an update.
  expected.delete("deleted");
  present.delete("deleted");
  return differences(expected, present).length === 0 ? "skip" : "update";
}
