// Carries out a plan: every entity once, what it needs before it, one registered model's objects in order, failures kept to
// themselves and what needs them.
import { MigrationError, withContext } from "../errors.ts";
import type { Entity, EntityKey } from "../model/entities.ts";
import { ALL_FILES } from "../model/file-filter.ts";
import { localise } from "../model/localise.ts";
import type { EntryDetail, JournalEntry } from "../ports/journal.ts";
import type { LossRecord } from "../ports/source.ts";
import type { PutContext } from "../ports/target.ts";
import { type FileLoss, NO_FILES, type Outcome, type Refusal, type Step } from "./change.ts";
import { featuresRefused, unmappedTables } from "./feature-tables.ts";
import { type GroupedStep, groupRuns } from "./groups.ts";
import { isFatal, transfersOf } from "./job.ts";
import type { Job } from "./job.ts";
import { lossesByMark, withoutLink } from "./marks.ts";
import { type Prepared, refuseForeignModels, refuseUnready } from "./preflight.ts";
import { createPutContext } from "./put-context.ts";
import { createReplay, type Replay } from "./replay.ts";
import { concurrently, createLanes, createPipes, type Lanes } from "./schedule.ts";
import { noteFailure, noteUnknown } from "./unknown.ts";
import { createAfterwork, type Afterwork } from "./afterwork.ts";

/** Entities in flight per request in flight: while one waits for its files or needs, another can use the connection. */
const ENTITIES_PER_REQUEST = 2;

/**
 * Executes the steps; yields an outcome for each, as they end. Throws what would fail every further entity too (no connection,
 * full disk, refused credentials), after what runs has ended; INTERRUPTED when drained. Ends by finishing the target.
 */
export async function* execute(prepared: Prepared, steps: AsyncIterable<Step>): AsyncGenerator<Outcome> {
  const { job } = prepared;
  await refuseUnready(prepared);
  await refuseForeignModels(prepared);
  const replay = createReplay(job.target);
  const execution: Execution = {
    prepared,
    afterwork: createAfterwork(prepared, replay),
    pipe: createPipes(transfersOf(job)),
    running: new Map(),
    heldBack: new Map(),
    replay,
  };
  const losses: LossRecord[] = [...(prepared.catalogue.losses ?? [])];
  let whole = true;
  const lanes = createLanes();
  const work = (item: GroupedStep): Promise<Outcome> => begin(item, lanes, execution);
  for await (const outcome of concurrently(groupRuns(steps, job), job.inFlight * ENTITIES_PER_REQUEST, work, job.drain)) {
    losses.push(...lossesOf(outcome));
    whole &&= outcome.state === "done" || outcome.state === "skipped" || outcome.state === "dropped";
    yield outcome;
  }
  if (job.drain.aborted) throw new MigrationError("INTERRUPTED", "interrupted");
  for await (const outcome of execution.afterwork.carryOut()) {
    whole = false;
    losses.push(...lossesOf(outcome));
    yield outcome;
  }
  if (job.drain.aborted) throw new MigrationError("INTERRUPTED", "interrupted");
  await job.target.finish({ losses, notCarried: prepared.catalogue.notCarried });
  await job.journal.end(whole ? "complete" : "partial");
}

/** Objects of one registered model are written one after the other: the target assigns version numbers in order. */
function laneOf(entity: Entity): string | undefined {
  if (entity.kind === "registered-model") return entity.name;
  return "model" in entity ? entity.model : undefined;
}

/** What of an outcome did not arrive, for the target's record and the report. */
export function lossesOf(outcome: Outcome): LossRecord[] {
  const { step } = outcome;
  const key = step.source.key;
  const fields = step.changes
    .filter((change) => change.class === "lost")
    .map((change) => ({ key, field: change.field, reason: change.rule }));
  const files = outcome.fileLosses.map((loss) => ({
    key,
    field: `files/${loss.path}`,
    reason: loss.reason,
    ...(loss.leftOut === undefined ? {} : { agreed: true as const }),
  }));
  const whole = outcome.error === undefined ? [] : [{ key, field: "", reason: outcome.error.message }];
  return outcome.error === undefined || outcome.state === "partial" ? [...fields, ...files] : whole;
}

/** What the works of one execution share. */
interface Execution {
  readonly prepared: Prepared;
  readonly afterwork: Afterwork;
  readonly pipe: <R>(transfer: () => Promise<R>) => Promise<R>;
  /** What is being written now; later entities wait for it. A failure is known by the absence of a place. */
  readonly running: Map<EntityKey, Promise<unknown>>;
  /** By registered model: the first version that did not move, where the target assigns numbers. */
  readonly heldBack: Map<string, EntityKey>;
  readonly replay: Replay;
}

/** Begins an item's work; from now on others can wait for it. */
function begin(item: GroupedStep, lanes: Lanes, execution: Execution): Promise<Outcome> {
  const key = item.step.source.key;
  const outcome = lanes.run(laneOf(item.step.entity), () => attempt(item, execution)).finally(() => execution.running.delete(key));
  execution.running.set(
    key,
    outcome.catch(() => undefined),
  );
  return outcome;
}

async function attempt(item: GroupedStep, execution: Execution): Promise<Outcome> {
  const { step } = item;
  try {
    if (step.refusal !== undefined) return await fail(step, "refused", step.refusal, execution);
    if (step.action === "drop") return { step, state: "dropped", fileLosses: [], moved: NO_FILES };
    if (step.action === "skip" || step.action === "link") return passOver(step, execution);
    for (const key of step.entity.needs) await execution.running.get(key);
    const reason = whyBlocked(step, execution);
    if (reason === undefined) return await writeEntity(item, execution);
    const message = `${step.source.key} is left out: ${reason}`;
    const hint = "see why that failed, then run the same command again";
    return await fail(step, "blocked", { code: "NEEDS_FAILED", message, hint }, execution);
  } catch (thrown) {
    const error = withContext(thrown, { key: step.source.key });
    // Also of a job that ends here: what is on its way already may still be written.
    holdBack(step, execution);
    if (isFatal(error)) {
      await noteFailure(step, error, execution.prepared.job);
      throw error;
    }
    const { code, message, hint } = error;
    const refusal = { code, message: `cannot write ${step.source.key}: ${message}`, ...(hint === undefined ? {} : { hint }) };
    return fail(step, "failed", refusal, execution);
  }
}

function whyBlocked(step: Step, { prepared, heldBack }: Execution): string | undefined {
  const missing = step.entity.needs.find((key) => prepared.placements.placed(key) === undefined);
  if (missing !== undefined) return `${missing}, which it needs, was not moved`;
  if (step.entity.kind !== "model-version" || step.found !== undefined) return undefined;
  const earlier = heldBack.get(step.entity.model);
  return earlier === undefined ? undefined : `${earlier}, which comes before it, was not moved and would lose its number for good`;
}

/** Whether a version's number depends on those that were written before it. */
function isInOrder({ target, versionNumbers }: Job): boolean {
  return target.capabilities.versionNumbers === "assigned" || versionNumbers === "compact";
}

/** A target that assigns numbers can never give a passed one: later versions wait, so that this one can still come. */
function holdBack(step: Step, { prepared, heldBack }: Execution): void {
  const { entity } = step;
  if (entity.kind !== "model-version" || step.found !== undefined || !isInOrder(prepared.job)) return;
  if (!heldBack.has(entity.model)) heldBack.set(entity.model, step.source.key);
}

async function fail(step: Step, state: "failed" | "blocked" | "refused", error: Refusal, execution: Execution): Promise<Outcome> {
  execution.afterwork.spare(step.entity);
  execution.afterwork.missed(step.source.key);
  holdBack(step, execution);
  await execution.prepared.job.journal.append({ ...entryOf(step), state: "failed", error });
  return { step, state, error, fileLosses: [], moved: NO_FILES };
}

/** The target holds it: nothing is written, but a late link or deletion may still be due. */
function passOver(step: Step, { prepared, afterwork, replay }: Execution): Outcome {
  replay.isThere(step.source.key);
  const placed = prepared.placements.placed(step.source.key);
  if (placed !== undefined && step.journaled !== true) {
    if (step.action === "link") afterwork.link(step, placed, withoutLink(step.found?.mark ?? step.mark));
    afterwork.remove(step, placed);
  }
  const fileLosses = lossesByMark(step.found, { agreed: prepared.job.onLoss === "drop", filter: prepared.job.files ?? ALL_FILES });
  return { step, state: "skipped", fileLosses, moved: NO_FILES, ...(placed === undefined ? {} : { placed }) };
}

async function writeEntity(item: GroupedStep, execution: Execution): Promise<Outcome> {
  const { step } = item;
  const { job, placements } = execution.prepared;
  job.onEvent({ type: "started", key: step.source.key });
  const { afterwork, replay } = execution;
  const now = await replay.heldBack(step, job.signal);
  const draft = createPutContext({ ...item, step: now }, execution);
  const unmapped = await unmappedFeatures(step, draft.context, job);
  if (unmapped !== undefined) return fail(step, "refused", featuresRefused(step.source.key, unmapped), execution);
  await noteUnknown(step, job);
  const local = localise(now.entity, (key) => placements.placed(key));
  const placed = await job.target.put(local, draft.context);
  placements.set(step.source.key, placed);
  if (draft.context.isPast !== true) replay.carriedOut(step.source);
  const isWaiting = replay.isWaiting(step.source.key);
  if (isWaiting) afterwork.stage(step, placed);
  const { losses, moved } = draft.files();
  if (draft.pendingLinks()) execution.afterwork.link(step, placed, withoutLink(draft.context.mark));
  const missing = losses.filter((loss) => !loss.permanent && !loss.agreed);
  const partial = missing.length > 0;
  if (partial) execution.afterwork.spare(step.entity);
  const removal = !partial && execution.afterwork.remove(step, placed);
  // What is not quite as planned keeps the stamp from matching, so that a resumed job asks the target about it.
  const fingerprint = draft.pendingLinks() || removal || isWaiting || losses.length > 0 ? `${step.stamp}+pending` : step.stamp;
  const hint = "the same command tries them again; with --on-loss drop it goes without them";
  const error: Refusal | undefined = partial
    ? { code: missing[0]?.code ?? "ARTIFACT_UNREADABLE", message: filesMissing(missing), hint }
    : undefined;
  const state = partial ? "partial" : "done";
  const noted = error === undefined ? {} : { error };
  await job.journal.append({ ...entryOf(step), state: partial ? "failed" : "done", fingerprint, placed, ...noted });
  return { step, state, placed, fileLosses: losses, moved, ...noted };
}

/** Known only now: a plan tells it too, and by the same words, but reads the files that it takes only where it is asked. */
async function unmappedFeatures({ entity, found }: Step, context: PutContext, job: Job): Promise<string | undefined> {
  const { mapping, onLoss, target } = job;
  const matters = entity.kind === "model-version" && found?.mark === undefined && onLoss === "refuse";
  if (!matters || target.capabilities.tablesMustBeMapped !== true) return undefined;
  return unmappedTables((path) => context.peek(path), mapping);
}

/** What a journal's entry of the step says, however it ends. */
function entryOf({ source, entity, stamp }: Step): Pick<JournalEntry, "key" | "fingerprint" | "detail"> {
  const detail = detailOf(source, entity);
  return { key: source.key, fingerprint: stamp, ...(detail === undefined ? {} : { detail }) };
}

function detailOf(source: Entity, entity: Entity): EntryDetail | undefined {
  if (source.kind === "alias") return { version: source.version };
  if (source.kind !== "model-version" || entity.kind !== "model-version") return undefined;
  return { stage: source.stage, stageKept: source.stage !== "None" && entity.stage === source.stage };
}

function filesMissing(losses: readonly FileLoss[]): string {
  if (losses.some((loss) => loss.path === "")) return "its files could not be listed";
  return losses.length === 1 ? "one of its files did not arrive" : `${losses.length} of its files did not arrive`;
}
