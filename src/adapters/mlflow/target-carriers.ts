// Carrier runs: 3.x wants a version's files inside a run, so files that no run holds get one of their own, in an experiment of their own.
import { createHash } from "node:crypto";
import { MigrationError } from "../../errors.ts";
import type { ModelVersion, Tags } from "../../model/entities.ts";
import { PROVENANCE } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import { CARRIER_TAG, isRefusal, sourceDigest, SOURCE_TAG } from "./target-calls.ts";
import type { Calls } from "./target-calls.ts";
import type { ExperimentReader } from "./target-experiment-reads.ts";
import type { PlacedIndex } from "./target-index.ts";
import { createOnce } from "./target-once.ts";
import type { RunReader, RunThere } from "./target-run-reads.ts";

export interface Carriers {
  /** The version's carrier run: the one that is there, or a new one. */
  open(version: ModelVersion, context: PutContext): Promise<RunThere>;
}

export interface CarrierParts {
  /** Of the experiment of carrier runs, made when first needed. */
  readonly name: string;
  readonly calls: Calls;
  readonly experiments: ExperimentReader;
  readonly index: PlacedIndex;
  readonly runs: RunReader;
}

export function createCarriers(parts: CarrierParts): Carriers {
  let experiment: Promise<string> | undefined;
  const experimentId = async (signal: AbortSignal): Promise<string> => {
    experiment ??= openExperiment(parts, signal);
    try {
      return await experiment;
    } catch (thrown) {
      experiment = undefined;
      throw thrown;
    }
  };
  return {
    async open(version, context) {
      const id = await experimentId(context.signal);
      const source = carrierDigest(context.provenance);
      const there = await parts.index.find(id, source, context.signal);
      if (there !== undefined) return parts.runs.get(there.id, context.signal);
      const run = await createCarrier(parts, version, { experimentId: id, source, context });
      parts.index.note(id, source, { id: run.id, deleted: false });
      return run;
    },
  };
}

/** The provenance of a carrier run, which follows from its version's. */
function carrierDigest(provenance: Tags): string {
  return createHash("sha256")
    .update(`${sourceDigest(provenance)}:carrier`)
    .digest("hex")
    .slice(0, 32);
}

const EXPERIMENT_NOTE =
  "Runs in this experiment carry the files of model versions whose own run is gone or never held them. They were made by mlferry; deleting one takes its version's files away.";

async function openExperiment({ name, calls, experiments, index }: CarrierParts, signal: AbortSignal): Promise<string> {
  const there = await experiments.byName(name, signal);
  if (there?.entity.deleted === true) {
    throw new MigrationError("NAME_TAKEN", `experiment ${JSON.stringify(name)}, which keeps files of versions, is deleted at the target`, {
      hint: "restore it there",
    });
  }
  if (there !== undefined) return there.id;
  const tags = [
    { key: CARRIER_TAG, value: "experiment" },
    { key: "mlflow.note.content", value: EXPERIMENT_NOTE },
  ];
  const body = { name, tags };
  try {
    const id = await createOnce({
      what: `experiment ${JSON.stringify(name)}`,
      send: async () => experiments.parseCreated(await calls.create("experiments/create", body, signal)),
      look: async () => (await experiments.byName(name, signal))?.id,
    });
    index.startEmpty(id);
    return id;
  } catch (thrown) {
    // Another job made it in the meantime.
    const made = isRefusal(thrown, "RESOURCE_ALREADY_EXISTS") ? await experiments.byName(name, signal) : undefined;
    if (made === undefined) throw thrown;
    return made.id;
  }
}

interface CarrierPlace {
  readonly experimentId: string;
  readonly source: string;
  readonly context: PutContext;
}

async function createCarrier({ calls, runs }: CarrierParts, version: ModelVersion, place: CarrierPlace): Promise<RunThere> {
  const { experimentId, source, context } = place;
  const { signal } = context;
  const time = version.createdAt ?? 0n;
  const versionId = context.provenance.get(PROVENANCE.sourceId) ?? `${version.model}/${version.version}`;
  const body = {
    experiment_id: experimentId,
    run_name: `${version.model}/${version.version}`,
    user_id: version.user ?? "",
    start_time: time,
    tags: [
      { key: SOURCE_TAG, value: source },
      { key: CARRIER_TAG, value: versionId },
      {
        key: "mlflow.note.content",
        value: `Carries the files of version ${version.version} of model ${version.model}; no run at the source holds them.`,
      },
    ],
  };
  const run = await createOnce({
    what: `the carrier run of version ${version.version} of ${JSON.stringify(version.model)}`,
    send: async () => runs.parse(await calls.create("runs/create", body, signal)),
    look: () => runs.bySource(experimentId, source, signal),
  });
  await calls.post("runs/update", { run_id: run.id, status: "FINISHED", end_time: time }, signal);
  return run;
}
