// Joins the reconciled stream with journal and target: for each entity, what is to be done. Writes nothing.
import { withContext } from "../errors.ts";
import type { Entity, EntityKey, Experiment, Tags } from "../model/entities.ts";
import { ALL_FILES } from "../model/file-filter.ts";
import { differences, fingerprint } from "../model/facts.ts";
import { PROVENANCE } from "../model/keys.ts";
import { localise } from "../model/localise.ts";
import type { Found } from "../ports/target.ts";
import type { Change, Step } from "./change.ts";
import { comparableFacts, hasOwnFiles, isFatal, provenanceOf } from "./job.ts";
import type { Job } from "./job.ts";
import { actionByMark, withNotebookMark, changedIn } from "./marks.ts";
import { createNumbering } from "./numbering.ts";
import type { Numbering } from "./numbering.ts";
import type { Prepared } from "./preflight.ts";
import { createReconciler } from "./reconcile.ts";
import type { Reconciled } from "./reconciled.ts";
import { arrivingFiles } from "./rewriting.ts";
import { whyNotRepeated } from "./unknown.ts";

/** The steps of a job in the order of the source's stream. Places found at the target are noted in `prepared.placements`. */
export async function* planSteps(prepared: Prepared): AsyncGenerator<Step> {
  const { job, catalogue } = prepared;
  const reconciler = createReconciler({ capabilities: job.target.capabilities, mapping: job.mapping, onLoss: job.onLoss });
  const planning = { prepared, numbering: job.versionNumbers === "compact" ? createNumbering() : undefined };
  for await (const entity of catalogue.entities(job.signal)) {
    yield await decide(reconciler.reconcile(entity), planning);
  }
  for (const derived of reconciler.flush()) yield await decide(derived, planning);
}

interface Planning {
  readonly prepared: Prepared;
  /** Undefined where versions keep their numbers. */
  readonly numbering: Numbering | undefined;
}

type Draft = Omit<Step, "action">;

/** One entity's step. A look-up that fails is that entity's failure, unless it would fail for every other one too. */
async function decide(reconciled: Reconciled, planning: Planning): Promise<Step> {
  const { source, entity, changes, refusal } = reconciled;
  const { prepared, numbering } = planning;
  const { job, containers } = prepared;
  const provenance = provenanceOf(source, entity, job, containers);
  // Of what it is at the source: which number it gets says nothing of whether it arrived.
  const mark = withNotebookMark(fingerprint(entity), source, job);
  const named = numbering?.follow(entity) ?? { entity, changes: [] };
  const stamp = `${mark} ${provenance.get(PROVENANCE.source) ?? ""}`;
  const step = { source, entity: named.entity, changes: [...changes, ...named.changes], mark, stamp };
  if (reconciled.dropped === true) return { ...step, action: "drop" };
  try {
    if (refusal === undefined && (await isJournaled(source.key, stamp, prepared))) {
      return { ...(await withNumber(step, prepared.placements.placed(source.key), planning)), action: "skip", journaled: true };
    }
    const look = (): Promise<Found | undefined> => find(step.entity, provenance, planning);
    if (entity.kind === "registered-model") numbering?.model(entity.name, look);
    const found = await look();
    if (found?.ours === true) prepared.placements.set(source.key, found.key);
    const there = found === undefined ? {} : { found };
    if (refusal !== undefined) return { ...step, ...there, action: "refuse", refusal };
    const unknown = found === undefined ? await whyNotRepeated(source, job) : undefined;
    if (unknown !== undefined) return { ...step, action: "refuse", refusal: unknown };
    const numbered = await withNumber(step, found?.key, planning);
    return found === undefined ? { ...numbered, action: "create" } : await decideFound({ ...numbered, found }, prepared);
  } catch (thrown) {
    const error = withContext(thrown, { side: "target", key: source.key });
    if (isFatal(error)) throw error;
    const { code, message, hint } = error;
    const failure = { code, message: `cannot look for ${source.key}: ${message}`, ...(hint === undefined ? {} : { hint }) };
    return { ...step, action: "refuse", refusal: failure };
  }
}

/** What is there for the entity. Where numbers are given anew, another version of the wanted number is none. */
async function find(entity: Entity, provenance: Tags, { prepared, numbering }: Planning): Promise<Found | undefined> {
  if (containerMissing(entity, prepared)) return undefined;
  const { job, placements } = prepared;
  const local = localise(entity, (key) => placements.placed(key));
  const found = await job.target.find(local, { provenance, signal: job.signal });
  return numbering !== undefined && entity.kind === "model-version" && found?.ours === false ? undefined : found;
}

/** A version under the number of its place, or under the next one where it has none yet. */
async function withNumber<S extends Draft>(step: S, place: EntityKey | undefined, { numbering }: Planning): Promise<S> {
  if (numbering === undefined || step.entity.kind !== "model-version") return step;
  const { entity, changes } = await (place === undefined ? numbering.next(step.entity) : numbering.placed(step.entity, place));
  return { ...step, entity, changes: [...step.changes, ...changes] };
}

type FoundStep = Draft & { readonly found: Found };

async function decideFound(step: FoundStep, prepared: Prepared): Promise<Step> {
  const { entity, found } = step;
  const local = localise(entity, (key) => prepared.placements.placed(key));
  if (entity.kind === "experiment" && !found.ours) return adopt(entity, step, prepared);
  if (found.deleted && "deleted" in entity && !entity.deleted) {
    const message = `${step.source.key} was moved before, and was deleted at the target since`;
    const hint = "restore it there, or purge it (mlflow gc) to have it moved again";
    return { ...step, action: "refuse", refusal: { code: "DELETED_AT_TARGET", message, hint } };
  }
  prepared.placements.set(step.source.key, found.key);
  return { ...step, ...(await actionFor(step, local, prepared)) };
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

async function actionFor(step: FoundStep, local: Entity, prepared: Prepared): Promise<Pick<Step, "action" | "otherFiles">> {
  const { entity, mark, found } = step;
  const { job } = prepared;
  const marked = entity.kind === "run" || entity.kind === "logged-model" || (entity.kind === "model-version" && hasOwnFiles(entity));
  if (marked) {
    const byMark = actionByMark(found.mark, mark, (job.files ?? ALL_FILES).id);
    if (byMark !== "update" && (await isChangedOtherwise(step, job))) return { action: "update", otherFiles: true };
    if (byMark !== "skip" || entity.kind !== "model-version") return { action: byMark };
  }
  const capabilities = job.target.capabilities;
  const expected = new Map(comparableFacts(local, capabilities));
  const present = new Map(comparableFacts(await found.read(job.signal), capabilities));
  // Deleting is the job's last step, not an update.
  expected.delete("deleted");
  present.delete("deleted");
  return { action: differences(expected, present).length === 0 ? "skip" : "update" };
}

/** Whether the files there are not what the rules of today make of them. The source is only looked at where the mark does not tell. */
async function isChangedOtherwise({ source, found }: FoundStep, job: Job): Promise<boolean> {
  const before = changedIn(found.mark);
  const now = job.mapping.contentId;
  if (before === now || job.files?.none === true) return false;
  if (before !== "") return true;
  if (source.kind !== "run" && source.kind !== "logged-model" && source.kind !== "model-version") return false;
  for await (const file of arrivingFiles(job, source).list()) if (file.changed === true) return true;
  return false;
}
