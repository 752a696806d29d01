// Reads logged models of the target for its writers.
import type { EntityKey, LoggedModel } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import { get, searchLoggedModels } from "./calls.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import { toLoggedModel } from "./convert.ts";
import type { ModelUse } from "./convert.ts";
import type { Calls } from "./target-calls.ts";
import { MARK_TAG, SOURCE_TAG } from "./target-calls.ts";
import type { IndexedObject } from "./target-index.ts";
import type { RunReader } from "./target-run-reads.ts";
import { parseWire, wire } from "./wire.ts";
import type { WireLoggedModel } from "./wire.ts";

/** A logged model as it is at the target, without the runs that made or used it: those know. */
export interface LoggedModelThere {
  readonly id: string;
  readonly artifactUri: string;
  readonly status: LoggedModel["status"];
  readonly params: LoggedModel["params"];
  readonly tags: LoggedModel["tags"];
}

export interface LoggedModelReader {
  /** The answer to a create. */
  parse(answer: unknown): LoggedModelThere;
  get(id: string, signal: AbortSignal): Promise<LoggedModelThere>;
  /** The logged model with this provenance. Deleted ones are not to be found by any route. */
  bySource(experimentId: string, source: string, signal: AbortSignal): Promise<LoggedModelThere | undefined>;
  /** The whole entity. Of the runs that made or used it, those that `expected` names are asked. */
  entity(id: string, expected: LoggedModel, signal: AbortSignal): Promise<LoggedModel>;
  /** Every logged model of the experiment that has a provenance tag. */
  placed(experimentId: string, signal: AbortSignal): AsyncIterable<IndexedObject>;
}

export function createLoggedModelReader(parts: {
  readonly server: Pick<TrackingHalf, "http" | "files" | "dialect">;
  readonly calls: Calls;
  readonly runs: RunReader;
}): LoggedModelReader {
  const { server, calls, runs } = parts;
  const { http, files, dialect } = server;
  const one = async (id: string, signal: AbortSignal): Promise<WireLoggedModel> => {
    const path = `/api/2.0/mlflow/logged-models/${encodeURIComponent(id)}`;
    const { model } = await get(http, path, { schema: wire.loggedModel, signal });
    files.note(model.info.model_id, model.info.artifact_uri);
    return model;
  };
  return {
    parse: (answer) => modelThere(parseWire(wire.loggedModel, answer, "logged-models").model),
    get: async (id, signal) => modelThere(await one(id, signal)),
    async bySource(experimentId, source, signal) {
      const body = { experiment_ids: [experimentId], filter: `tags.${SOURCE_TAG} = '${source}'`, max_results: 1 };
      const answer = await calls.post("logged-models/search", body, signal);
      const [model] = parseWire(wire.loggedModels, answer, "logged-models/search").models;
      return model === undefined ? undefined : modelThere(model);
    },
    async entity(id, expected, signal) {
      const [model, use] = await Promise.all([one(id, signal), modelUse(runs, { id, expected }, signal)]);
      return toLoggedModel(model, use, () => true);
    },
    async *placed(experimentId, signal) {
      const search = { experimentIds: [experimentId], page: dialect.loggedModelPage };
      for await (const model of searchLoggedModels(http, search, signal)) {
        const source = model.info.tags.get(SOURCE_TAG);
        const mark = model.info.tags.get(MARK_TAG);
        if (source !== undefined) yield { id: model.info.model_id, source, deleted: false, ...(mark === undefined ? {} : { mark }) };
      }
    },
  };
}

function modelThere(wireModel: WireLoggedModel): LoggedModelThere {
  const { status, params, tags } = toLoggedModel(wireModel, { outputOf: [], inputOf: [] }, () => true);
  return { id: wireModel.info.model_id, artifactUri: wireModel.info.artifact_uri, status, params, tags };
}

async function modelUse(
  runs: RunReader,
  model: { readonly id: string; readonly expected: LoggedModel },
  signal: AbortSignal,
): Promise<ModelUse> {
  const { id, expected } = model;
  const outputOf: { run: EntityKey; step: bigint }[] = [];
  for (const { run } of expected.outputOf) {
    // A run may use a model of another experiment, and then the experiment to search is not known.
    const step = (await runs.get(idOf(run), signal)).outputs.get(id);
    if (step !== undefined) outputOf.push({ run, step });
  }
  const inputOf: EntityKey[] = [];
  for (const run of expected.inputOf) if ((await runs.get(idOf(run), signal)).inputs.has(id)) inputOf.push(run);
  return { outputOf, inputOf };
}
