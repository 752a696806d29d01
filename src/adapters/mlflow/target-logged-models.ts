// Writes logged models: create, files, links to runs, metrics, status, and the completion mark at the very end.
import { MigrationError } from "../../errors.ts";
import type { LoggedModel, PlacedKey, Tags } from "../../model/entities.ts";
import { idOf, keyOf, placed } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import { keyValues, markTag, provenanceTags, sourceDigest, tagChanges } from "./target-calls.ts";
import type { Calls } from "./target-calls.ts";
import type { PlacedIndex } from "./target-index.ts";
import type { LoggedModelReader } from "./target-logged-model-reads.ts";
import { logModelMetrics, refuseRunlessMetrics } from "./target-model-metrics.ts";
import { createOnce } from "./target-once.ts";
import type { RunReader } from "./target-run-reads.ts";

export interface LoggedModelWriting {
  readonly calls: Calls;
  readonly server: TrackingHalf;
  readonly index: PlacedIndex;
  readonly runs: RunReader;
  readonly loggedModels: LoggedModelReader;
}

/** Creates or completes a logged model. Its runs must be active: deleted ones accept no links and no metrics. */
export async function putLoggedModel(writing: LoggedModelWriting, model: LoggedModel, context: PutContext): Promise<PlacedKey> {
  const { calls, server, index } = writing;
  const { signal } = context;
  refuseRunlessMetrics(model);
  const draft = context.existing === undefined ? await createModel(writing, model, context) : await reopenModel(writing, model, context);
  const { id } = draft;
  const key = placed(keyOf("logged-model", id));
  const linked = context.withSelf(model, key);
  await context.files(server.files.sender(draft.artifactUri, signal));
  for (const output of model.outputOf)
    await linkOutput(writing, { id, run: idOf(output.run), step: output.step, isNew: draft.isNew }, signal);
  for (const run of model.inputOf) await calls.post("runs/log-inputs", { run_id: idOf(run), models: [{ model_id: id }] }, signal);
  await logModelMetrics(server, id, model.metrics, signal);
  if (draft.status !== model.status)
    await calls.patch(`logged-models/${id}`, { model_id: id, status: `LOGGED_MODEL_${model.status}` }, signal);
  const { mark } = context;
  const tags = [...tagChanges(draft.tags, linked.tags).set, ...draft.blanked, markTag(mark)];
  await calls.patch(`logged-models/${id}/tags`, { model_id: id, tags }, signal);
  index.note(idOf(model.experiment), sourceDigest(context.provenance), { id, mark, deleted: false });
  return key;
}

/** A logged model that exists, and what it has already. */
interface DraftModel {
  readonly id: string;
  readonly artifactUri: string;
  readonly status: LoggedModel["status"];
  readonly tags: Tags;
  /** Tags that should go but cannot be deleted. */
  readonly blanked: readonly { readonly key: string; readonly value: "" }[];
  readonly isNew: boolean;
}

async function createModel(
  { calls, loggedModels, index }: LoggedModelWriting,
  model: LoggedModel,
  context: PutContext,
): Promise<DraftModel> {
  const { signal } = context;
  const experimentId = idOf(model.experiment);
  const source = sourceDigest(context.provenance);
  const body = {
    experiment_id: experimentId,
    name: model.name,
    model_type: model.modelType,
    ...(model.sourceRun === undefined ? {} : { source_run_id: idOf(model.sourceRun) }),
    params: keyValues(model.params),
    tags: [...provenanceTags(context.provenance), ...keyValues(model.tags)],
  };
  const made = await createOnce({
    what: `logged model ${JSON.stringify(model.name)} in experiment ${experimentId}`,
    send: async () => loggedModels.parse(await calls.create("logged-models", body, signal)),
    look: () => loggedModels.bySource(experimentId, source, signal),
  });
  index.note(experimentId, source, { id: made.id, deleted: false });
  return { id: made.id, artifactUri: made.artifactUri, status: "PENDING", tags: model.tags, blanked: [], isNew: true };
}

async function reopenModel({ calls, loggedModels }: LoggedModelWriting, model: LoggedModel, context: PutContext): Promise<DraftModel> {
  const { signal } = context;
  const id = idOf(context.existing?.key ?? model.key);
  const there = await loggedModels.get(id, signal);
  const missing = new Map<string, string>();
  for (const [key, value] of model.params) {
    const before = there.params.get(key);
    if (before === undefined) missing.set(key, value);
    else if (before !== value) throw changedParam(key, id);
  }
  if (missing.size > 0) await calls.post(`logged-models/${id}/params`, { model_id: id, params: keyValues(missing) }, signal);
  const { gone } = tagChanges(there.tags, model.tags);
  // The route to delete a tag has no place for a slash in its key.
  const blanked = gone.filter((key) => key.includes("/")).map((key) => ({ key, value: "" as const }));
  for (const key of gone) {
    if (!key.includes("/")) await calls.remove("DELETE", `logged-models/${id}/tags/${encodeURIComponent(key)}`, {}, signal);
  }
  return { id, artifactUri: there.artifactUri, status: there.status, tags: there.tags, blanked, isNew: false };
}

interface Output {
  readonly id: string;
  readonly run: string;
  readonly step: bigint;
  readonly isNew: boolean;
}

/** The server refuses to repeat this link (400, a UNIQUE constraint), also when its first answer was lost. */
async function linkOutput({ calls, runs }: LoggedModelWriting, output: Output, signal: AbortSignal): Promise<void> {
  const isThere = async (): Promise<boolean> => (await runs.get(output.run, signal)).outputs.has(output.id);
  if (!output.isNew && (await isThere())) return;
  try {
    await calls.post("runs/outputs", { run_id: output.run, models: [{ model_id: output.id, step: output.step }] }, signal);
  } catch (thrown) {
    if (!(thrown instanceof MigrationError) || thrown.request?.serverCode !== "BAD_REQUEST" || !(await isThere())) throw thrown;
  }
}

function changedParam(key: string, id: string): MigrationError {
  return new MigrationError("NOT_SUPPORTED", `param ${JSON.stringify(key)} of logged model ${id} differs, and params cannot be changed`, {
    hint: "delete the logged model at the target and run the same command again, or keep it as it is",
  });
}
