// Writes experiments, and puts them and runs into the deleted state.
import { MigrationError } from "../../errors.ts";
import type { Experiment, PlacedKey } from "../../model/entities.ts";
import { idOf, keyOf, placed } from "../../model/keys.ts";
import type { FindContext, Found, PutContext } from "../../ports/target.ts";
import { isRefusal, keyValues, provenanceTags, sourceDigest, tagChanges, unlessMissing } from "./target-calls.ts";
import type { Calls, TagChanges } from "./target-calls.ts";
import type { ExperimentReader, ExperimentThere } from "./target-experiment-reads.ts";
import { createOnce } from "./target-once.ts";

export interface ExperimentWriting {
  readonly calls: Calls;
  readonly experiments: ExperimentReader;
  /** Told of each experiment that is new, and so empty. */
  readonly onCreated: (experimentId: string) => void;
}

/** The experiment of this name, whoever made it: names are unique, deleted experiments included. */
export async function findExperiment(writing: ExperimentWriting, experiment: Experiment, context: FindContext): Promise<Found | undefined> {
  const there = await writing.experiments.byName(experiment.name, context.signal, sourceDigest(context.provenance));
  if (there === undefined) return undefined;
  const ours = there.source === sourceDigest(context.provenance);
  return { key: placed(keyOf("experiment", there.id)), ours, deleted: there.entity.deleted, read: async () => there.entity };
}

/**
 * Creates the experiment, or brings its tags up to date; one of ours that is deleted stays so. One that others made keeps its further
 * tags and gets none of mlferry's.
 * Throws NAME_TAKEN where a deleted experiment that is not ours holds the name.
 */
export async function putExperiment(writing: ExperimentWriting, experiment: Experiment, context: PutContext): Promise<PlacedKey> {
  const id = context.existing === undefined ? await createExperiment(writing, experiment, context) : idOf(context.existing.key);
  if (context.existing !== undefined) await updateExperiment(writing, experiment, context.existing, context.signal);
  return placed(keyOf("experiment", id));
}

async function createExperiment(
  { calls, experiments, onCreated }: ExperimentWriting,
  experiment: Experiment,
  context: PutContext,
): Promise<string> {
  const { signal } = context;
  const { name } = experiment;
  const source = sourceDigest(context.provenance);
  const tags = [...provenanceTags(context.provenance), ...keyValues(experiment.tags)];
  const ours = async (): Promise<ExperimentThere | undefined> => {
    const there = await experiments.byName(name, signal);
    return there?.source === source ? there : undefined;
  };
  try {
    const id = await createOnce({
      what: `experiment ${JSON.stringify(name)}`,
      send: async () => experiments.parseCreated(await calls.create("experiments/create", { name, tags }, signal)),
      look: async () => (await ours())?.id,
    });
    onCreated(id);
    return id;
  } catch (thrown) {
    if (!isRefusal(thrown, "RESOURCE_ALREADY_EXISTS")) throw thrown;
    const there = await ours();
    if (there !== undefined) return there.id;
    throw nameTaken(name, thrown);
  }
}

async function updateExperiment({ calls }: ExperimentWriting, experiment: Experiment, existing: Found, signal: AbortSignal): Promise<void> {
  if (existing.deleted && !existing.ours) throw nameTaken(experiment.name);
  const before = await existing.read(signal);
  const { set, gone } = tagChanges(before.kind === "experiment" ? before.tags : new Map<string, string>(), experiment.tags);
  const changes = { set, gone: existing.ours ? gone : [] };
  if (changes.set.length + changes.gone.length === 0) return;
  const id = idOf(existing.key);
  await (existing.deleted
    ? whileRestored(calls, id, () => writeTags(calls, id, changes, signal), signal)
    : writeTags(calls, id, changes, signal));
}

async function writeTags(calls: Calls, id: string, { set, gone }: TagChanges, signal: AbortSignal): Promise<void> {
  for (const tag of set) await calls.post("experiments/set-experiment-tag", { experiment_id: id, ...tag }, signal);
  for (const key of gone) await removeTag(calls, { experiment_id: id, key }, signal);
}

/** 2.22.5 has no way to remove a tag of an experiment: there it stays, and is empty. */
async function removeTag(calls: Calls, tag: { readonly experiment_id: string; readonly key: string }, signal: AbortSignal): Promise<void> {
  try {
    await calls.remove("POST", "experiments/delete-experiment-tag", tag, signal);
  } catch (thrown) {
    if (!(thrown instanceof MigrationError) || thrown.request?.status !== 404) throw thrown;
    await calls.post("experiments/set-experiment-tag", { ...tag, value: "" }, signal);
  }
}

/**
 * A deleted experiment accepts no tags, and restoring it revives all of its runs, also those that were deleted one by one. So it is
 * deleted again at once, which takes all of them along: left active until the end of the job, runs that the job passes over would
 * stay revived. What is still to be written to a run is written all the same, since only the run's own state counts for that.
 */
async function whileRestored(calls: Calls, id: string, write: () => Promise<void>, signal: AbortSignal): Promise<void> {
  // One that is no longer deleted counts as missing, such as after a lost answer.
  await unlessMissing(calls.post("experiments/restore", { experiment_id: id }, signal));
  try {
    await write();
  } finally {
    await calls.remove("POST", "experiments/delete", { experiment_id: id }, signal);
  }
}

function nameTaken(name: string, cause?: MigrationError): MigrationError {
  return new MigrationError(
    "NAME_TAKEN",
    `cannot use experiment ${JSON.stringify(name)}: the target has another one of this name, which may be deleted`,
    {
      hint: "restore it there to add to it, or map the experiment to another name",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
