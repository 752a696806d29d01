// Reads runs of the target for its writers: one by id or provenance, many folded into one request, and what was placed earlier.
import { MigrationError } from "../../errors.ts";
import type { Run } from "../../model/entities.ts";
import { PROVENANCE } from "../../model/keys.ts";
import { get, searchRuns } from "./calls.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import { toRun } from "./convert.ts";
import { SOURCE_TAG } from "./target-calls.ts";
import { createFolder } from "./target-fold.ts";
import type { IndexedObject } from "./target-index.ts";
import { parseWire, wire } from "./wire.ts";
import type { WireRun } from "./wire.ts";

/** A run as it is at the target. */
export interface RunThere {
  readonly id: string;
  readonly artifactUri: string;
  readonly entity: Run;
  /** Steps by the id of the logged model that the run made. */
  readonly outputs: ReadonlyMap<string, bigint>;
  /** Ids of logged models that it used. */
  readonly inputs: ReadonlySet<string>;
}

export interface RunReader {
  /** The answer to runs/create or runs/get. */
  parse(answer: unknown): RunThere;
  get(id: string, signal: AbortSignal): Promise<RunThere>;
  /** Asks once for each run; roots never change. */
  artifactUri(id: string, signal: AbortSignal): Promise<string>;
  /** The run with this provenance, deleted or not. */
  bySource(experimentId: string, source: string, signal: AbortSignal): Promise<RunThere | undefined>;
  /** Like `get`, but calls of the same moment go out as one search of up to 100 runs. */
  fold(experimentId: string, id: string, signal: AbortSignal): Promise<RunThere>;
  /** Every run of the experiment that has a provenance tag. */
  placed(experimentId: string, signal: AbortSignal): AsyncIterable<IndexedObject>;
}

type Server = Pick<TrackingHalf, "http" | "files" | "dialect">;

export function createRunReader(server: Server): RunReader {
  const { http } = server;
  const roots = new Map<string, Promise<string>>();
  const one = async (id: string, signal: AbortSignal): Promise<RunThere> => {
    const path = "/api/2.0/mlflow/runs/get";
    return runThere((await get(http, path, { query: [["run_id", id]], schema: wire.run, signal })).run, server);
  };
  const fold = createFolder(MOST_FOLDED, (experimentId, ids, signal) => byIds(server, { experimentId, ids }, signal));
  return {
    parse: (answer) => runThere(parseWire(wire.run, answer, "runs/create").run, server),
    get: one,
    artifactUri(id, signal) {
      const known = roots.get(id) ?? one(id, signal).then(({ artifactUri }) => artifactUri);
      roots.set(id, known);
      known.catch(() => roots.delete(id));
      return known;
    },
    async bySource(experimentId, source, signal) {
      const search = { experimentIds: [experimentId], filter: `tags.${SOURCE_TAG} = '${source}'` };
      for await (const [run] of searchRuns(http, search, signal)) if (run !== undefined) return runThere(run, server);
      return undefined;
    },
    async fold(experimentId, id, signal) {
      const there = await fold(experimentId, id, signal);
      if (there !== undefined) return there;
      throw new MigrationError("NOT_FOUND", `run ${id} is not in experiment ${experimentId} any more`, {
        hint: "run the same command again",
      });
    },
    async *placed(experimentId, signal) {
      const search = { experimentIds: [experimentId], filter: HAS_SOURCE };
      for await (const runs of searchRuns(http, search, signal)) for (const run of runs) yield* indexed(toRun(run), run.info.run_id);
    },
  };
}

/** Of ids in one search. */
const MOST_FOLDED = 100;

/** `IS NOT NULL` would say it better, but 2.x does not know it. */
export const HAS_SOURCE = `tags.${SOURCE_TAG} LIKE '%'`;

function runThere(run: WireRun, { files }: Server): RunThere {
  files.note(run.info.run_id, run.info.artifact_uri);
  return {
    id: run.info.run_id,
    artifactUri: run.info.artifact_uri,
    entity: toRun(run),
    outputs: new Map(run.outputs.model_outputs.map(({ model_id: id, step }) => [id, step])),
    inputs: new Set(run.inputs.model_inputs.map(({ model_id: id }) => id)),
  };
}

async function byIds(
  server: Server,
  { experimentId, ids }: { readonly experimentId: string; readonly ids: readonly string[] },
  signal: AbortSignal,
): Promise<Map<string, RunThere>> {
  const found = new Map<string, RunThere>();
  for await (const run of server.dialect.runs(server.http, { experimentIds: [experimentId], ids }, signal)) {
    found.set(run.info.run_id, runThere(run, server));
  }
  return found;
}

function* indexed(run: Run, id: string): Generator<IndexedObject> {
  const source = run.provenance.get(PROVENANCE.source);
  const mark = run.provenance.get(PROVENANCE.done);
  if (source !== undefined) yield { id, source, deleted: run.deleted, ...(mark === undefined ? {} : { mark }) };
}
