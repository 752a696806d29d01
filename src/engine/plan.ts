// Joins the reconciled stream with journal and target: for each entity, what is to be done. Writes nothing.
import type { Entity, EntityKey, Experiment } from "../model/entities.ts";
import { differences, fingerprint } from "../model/facts.ts";
import { localise } from "../model/localise.ts";
import type { Found } from "../ports/target.ts";
import type { Action, Change, Step } from "./change.ts";
import { comparableFacts, hasOwnFiles, provenanceOf } from "./job.ts";
import type { Prepared } from "./preflight.ts";
import { createReconciler, type Reconciled } from "./reconcile.ts";

/** Suffixes of a completion mark: what is not yet, or not quite, as planned. */
export const MARK = { link: "+link", lost: "+lost", partial: "+partial" } as const;

/** The steps of a job in the order of the source's stream. Places found at the target are noted in `prepared.placements`. */
export async function* planSteps(prepared: Prepared): AsyncGenerator<Step> {
  const { job, catalogue } = prepared;
  const reconciler = createReconciler({ capabilities: job.target.capabilities, mapping: job.mapping, onLoss: job.onLoss });
  for await (const entity of catalogue.entities(job.signal)) {
    yield await decide(reconciler.reconcile(entity), prepared);
  }
  for (const derived of reconciler.flush()) yield await decide(derived, prepared);
}

async function decide(reconciled: Reconciled, prepared: Prepared): Promise<Step> {
  const { source, entity, changes, refusal } = reconciled;
  const step = { source, entity, changes, mark: fingerprint(entity) };
  if (refusal !== undefined) return { ...step, action: "refuse", refusal };
  if (await isJournaled(source.key, step.mark, prepared)) return { ...step, action: "skip", journaled: true };
  if (containerMissing(entity, prepared)) return { ...step, action: "create" };
  const { job, placements, containers } = prepared;
  const local = localise(entity, (key) => placements.placed(key));
  const provenance = provenanceOf(source, entity, job, containers);
  const found = await job.target.find(local, { provenance, signal: job.signal });
  if (found === undefined) return { ...step, action: "create" };
  if (entity.kind === "experiment" && !found.ours) return adopt(entity, { ...step, found }, prepared);
  placements.set(source.key, found.key);
  return { ...step, found, action: await actionFor({ ...step, found }, local, prepared) };
}

/** While a cut-off job is resumed, what the journal calls done is not asked for again. */
async function isJournaled(key: EntityKey, mark: string, prepared: Prepared): Promise<boolean> {
  const { journal } = prepared.job;
  if (!journal.resuming) return false;
  const entry = await journal.last(key);
  if (entry?.placed !== undefined) prepared.placements.set(key, entry.placed);
  return entry?.state === "done" && entry.fingerprint === mark && entry.placed !== undefined;
}

/** What does not exist at the target yet cannot hold anything: no need to look. */
function containerMissing(entity: Entity, prepared: Prepared): boolean {
  if (entity.kind !== "run" && entity.kind !== "logged-model") return false;
  return prepared.placements.placed(entity.experiment) === undefined;
}

/** An experiment that the target has already takes up the runs; its own tags win. */
async function adopt(entity: Experiment, step: Omit<Step, "action"> & { found: Found }, prepared: Prepared): Promise<Step> {
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
    const byMark = actionByMark(found.mark, mark);
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

function actionByMark(found: string | undefined, mark: string): Action {
  if (found === undefined || !found.startsWith(mark) || found.includes(MARK.partial)) return "update";
  return found.includes(MARK.link) ? "link" : "skip";
}

/** True when the target holds the object, but files were left out when it was placed. */
export function leftFilesOut(found: Found | undefined): boolean {
  return found?.mark?.includes(MARK.lost) ?? false;
}
