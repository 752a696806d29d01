// Writes runs: create, files, status, inputs, and then params, points and tags in batches, the completion mark at the very end.
import { MigrationError } from "../../errors.ts";
import type { DatasetInput, MetricPoint, PlacedKey, Run } from "../../model/entities.ts";
import { datasetText } from "../../model/facts.ts";
import { idOf, keyOf, placed } from "../../model/keys.ts";
import { REFERENCE_TAGS } from "../../model/references.ts";
import type { PutContext } from "../../ports/target.ts";
import { logBatches } from "./target-batches.ts";
import type { KeyValue, RunContent } from "./target-batches.ts";
import { isRefusal, keyValues, markTag, provenanceTags, sourceDigest, tagChanges } from "./target-calls.ts";
import type { Calls } from "./target-calls.ts";
import type { PlacedIndex } from "./target-index.ts";
import { createOnce } from "./target-once.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import type { RunReader, RunThere } from "./target-run-reads.ts";

export interface RunWriting {
  readonly calls: Calls;
  readonly server: TrackingHalf;
  readonly index: PlacedIndex;
  readonly runs: RunReader;
}

/** Creates or completes a run. A new one without files or datasets costs three requests: create, update, log-batch. */
export async function putRun(writing: RunWriting, run: Run, context: PutContext): Promise<PlacedKey> {
  const { calls, server, index } = writing;
  const { signal } = context;
  const draft = context.existing === undefined ? await createRun(writing, run, context) : await reopenRun(writing, run, context);
  const key = placed(keyOf("run", draft.id));
  const linked = context.withSelf(run, key);
  await context.files(server.files.sender(draft.artifactUri, signal));
  if (draft.update !== undefined) await calls.post("runs/update", { run_id: draft.id, ...draft.update }, signal);
  const datasets = run.datasets.filter((dataset) => !draft.datasets.has(datasetText(dataset)));
  await logDatasets(server, draft.id, datasets, signal);
  const { mark } = context;
  const tags = [
    ...keyValues(linked.tags).filter(({ key: tag, value }) => draft.tags.get(tag) !== value && tag !== NAME_TAG),
    markTag(mark),
  ];
  await logContent(server, draft.id, { params: run.params, points: draft.missing(context.points()), tags }, signal);
  index.note(idOf(run.experiment), sourceDigest(context.provenance), { id: draft.id, mark, deleted: false });
  return key;
}

/** Sets the tags that refer to other objects, and the mark. */
export async function linkRun(writing: RunWriting, run: Run, key: PlacedKey, context: Pick<PutContext, "mark" | "signal">): Promise<void> {
  const references = keyValues(run.tags).filter((tag) => REFERENCE_TAGS.includes(tag.key));
  const content = { params: new Map<string, string>(), points: noPoints(), tags: [...references, markTag(context.mark)] };
  await logContent(writing.server, idOf(key), content, context.signal);
  writing.index.amend(idOf(key), { mark: context.mark });
}

/** Sends params, points and tags, one request after the other: the last holds the last tags. */
async function logContent({ http, dialect }: TrackingHalf, runId: string, content: RunContent, signal: AbortSignal): Promise<void> {
  for await (const batch of logBatches(content)) await dialect.logBatch(http, runId, batch, signal);
}

/** A run that exists, and what of it is still to be sent. */
interface DraftRun {
  readonly id: string;
  readonly artifactUri: string;
  /** Tags that it has already. */
  readonly tags: ReadonlyMap<string, string>;
  /** Datasets that it has already, as datasetText. */
  readonly datasets: ReadonlySet<string>;
  /** Of its points, those that it may not have yet. */
  readonly missing: (points: AsyncIterable<readonly MetricPoint[]>) => AsyncIterable<readonly MetricPoint[]>;
  /** Fields for runs/update; undefined when nothing is to be changed. */
  readonly update: object | undefined;
}

async function createRun({ calls, runs, index }: RunWriting, run: Run, context: PutContext): Promise<DraftRun> {
  const { signal } = context;
  const experimentId = idOf(run.experiment);
  const source = sourceDigest(context.provenance);
  const tags = tagsForCreate(run);
  const body = {
    experiment_id: experimentId,
    run_name: run.name,
    user_id: run.user,
    ...(run.startTime === undefined ? {} : { start_time: run.startTime }),
    tags: [...provenanceTags(context.provenance), ...tags],
  };
  const made = await createOnce({
    what: `run ${JSON.stringify(run.name)} in experiment ${experimentId}`,
    send: () => sendCreate(calls, runs, body, signal),
    look: () => runs.bySource(experimentId, source, signal),
  });
  index.note(experimentId, source, { id: made.id, deleted: false });
  const isOpen = run.status === "RUNNING" && run.endTime === undefined;
  return {
    id: made.id,
    artifactUri: made.artifactUri,
    tags: new Map(tags.map(({ key, value }) => [key, value])),
    datasets: new Set(),
    missing: (points) => points,
    update: isOpen ? undefined : { status: run.status, ...(run.endTime === undefined ? {} : { end_time: run.endTime }) },
  };
}

async function sendCreate(calls: Calls, runs: RunReader, body: { experiment_id: string }, signal: AbortSignal): Promise<RunThere> {
  try {
    return runs.parse(await calls.create("runs/create", body, signal));
  } catch (thrown) {
    if (!isRefusal(thrown, "INVALID_PARAMETER_VALUE") || !/experiment .* must be in the 'active' state/.test(thrown.message)) throw thrown;
    throw new MigrationError("REQUEST_FAILED", `cannot create a run: experiment ${body.experiment_id} is deleted at the target`, {
      hint: "restore the experiment there, or map it to another name",
      cause: thrown,
      ...(thrown.request === undefined ? {} : { request: thrown.request }),
    });
  }
}

/** Prepares a run that is there, whole or half-written: what the entity no longer has is taken away. */
async function reopenRun({ calls, server, runs }: RunWriting, run: Run, context: PutContext): Promise<DraftRun> {
  const { signal } = context;
  const id = idOf(context.existing?.key ?? run.key);
  const there = await runs.get(id, signal);
  const before = there.entity;
  refuseChangedParams(before, run);
  // A deleted run accepts no writes; what is to be deleted is deleted again at the end of the job.
  if (before.deleted) await calls.post("runs/restore", { run_id: id }, signal);
  for (const key of tagChanges(before.tags, run.tags).gone) {
    if (key !== NAME_TAG) await calls.remove("POST", "runs/delete-tag", { run_id: id, key }, signal);
  }
  const isEqual = before.name === run.name && before.status === run.status && before.endTime === run.endTime;
  const end = run.endTime === undefined ? {} : { end_time: run.endTime };
  return {
    id,
    artifactUri: there.artifactUri,
    tags: before.tags,
    datasets: new Set(before.datasets.map(datasetText)),
    missing: (points) => server.dialect.missingPoints(server.http, before, points, signal),
    update: isEqual ? undefined : { run_name: run.name, status: run.status, ...end },
  };
}

function refuseChangedParams(before: Run, run: Run): void {
  for (const [key, value] of run.params) {
    const there = before.params.get(key);
    if (there === undefined || there === value) continue;
    const shown = `${JSON.stringify(shorten(there))}, not ${JSON.stringify(shorten(value))}`;
    throw new MigrationError("NOT_SUPPORTED", `param ${JSON.stringify(key)} of ${before.key} is ${shown}, and params cannot be changed`, {
      hint: "delete the run at the target for good (mlflow gc) and run the same command again, or keep it as it is",
    });
  }
}

/** Follows the run's name by itself, and differing from it is an error. */
const NAME_TAG = "mlflow.runName";

/** Creating takes any number of tags; only their size is kept in bounds. The rest comes with the batches. */
function tagsForCreate(run: Run): KeyValue[] {
  let bytes = 0;
  return keyValues(run.tags).filter((tag) => {
    if (tag.key === NAME_TAG) return false;
    bytes += Buffer.byteLength(tag.key) + Buffer.byteLength(tag.value);
    return bytes <= MOST_BYTES;
  });
}

/** As for log-batch. */
const MOST_BYTES = 900_000;

async function logDatasets(
  { http, dialect }: TrackingHalf,
  runId: string,
  datasets: readonly DatasetInput[],
  signal: AbortSignal,
): Promise<void> {
  // One at a time where they are large: a profile may have 16 MB.
  const inputs = datasets.map(({ name, digest, sourceType, source, schema, profile, tags }) => ({
    dataset: { name, digest, source_type: sourceType, source, schema, profile },
    tags: keyValues(tags),
  }));
  const isSmall = Buffer.byteLength(JSON.stringify(inputs)) <= MOST_BYTES;
  const requests = inputs.length === 0 ? [] : isSmall ? [inputs] : inputs.map((input) => [input]);
  for (const request of requests) await dialect.logDatasets(http, runId, request, signal);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

async function* noPoints(): AsyncGenerator<never> {}
