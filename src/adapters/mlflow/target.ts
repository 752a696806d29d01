// The writing half of an MLflow server. Here the parts are put together and each call is sent to its kind; how a kind is written
// is in target-<kind>.ts, how a create survives a lost answer in target-once.ts. Reading is the source half's.
import type { Entity, Experiment, PlacedKey, Run } from "../../model/entities.ts";
import { idOf, keyOf, placed } from "../../model/keys.ts";
import type { Source } from "../../ports/source.ts";
import type { FindContext, Found, PutContext, Target } from "../../ports/target.ts";
import type { RegistryWriting } from "./registry-half.ts";
import type { MlflowServer } from "./server.ts";
import { createCalls, sourceDigest } from "./target-calls.ts";
import type { Calls } from "./target-calls.ts";
import { createCarriers } from "./target-carriers.ts";
import { findExperiment, putExperiment } from "./target-experiments.ts";
import type { ExperimentWriting } from "./target-experiments.ts";
import { createPlacedIndex } from "./target-index.ts";
import type { Indexed } from "./target-index.ts";
import { createLoggedModelReader } from "./target-logged-model-reads.ts";
import { putLoggedModel } from "./target-logged-models.ts";
import type { LoggedModelWriting } from "./target-logged-models.ts";
import { createRunReader } from "./target-run-reads.ts";
import { linkRun, putRun } from "./target-runs.ts";
import type { RunWriting } from "./target-runs.ts";

/** A target on an open server. `source` is its reading half; closing the target closes that. */
export function createMlflowTarget(server: MlflowServer, source: Source): Target {
  const writers = createWriters(server);
  return {
    uri: source.uri,
    origin: source.origin,
    ...(source.tracking === undefined ? {} : { tracking: source.tracking }),
    capabilities: server.capabilities,
    ...(server.costs === undefined ? {} : { readingCosts: server.costs.reading, writingCosts: server.costs.writing }),
    select: (selection, signal) => source.select(selection, signal),
    ask: (question, signal) => source.ask(question, signal),
    histories: (runs, signal) => source.histories(runs, signal),
    artifacts: (owner, signal) => source.artifacts(owner, signal),
    async *preflight({ models }, options) {
      if (server.registry.checkModels !== undefined) yield* server.registry.checkModels(models, options);
    },
    find: (entity, context) => find(writers, entity, context),
    put: (entity, context) => put(writers, entity, context),
    link: (run, key, context) => linkRun(writers.runs, run, key, context),
    settle: async (version, key, signal) => writers.registry.settle?.(version, key, signal),
    remove: (entity, key, signal) => remove(writers, entity, key, signal),
    finish: () => Promise.resolve(),
    close: () => source.close(),
  };
}

interface Writers {
  readonly calls: Calls;
  readonly experiments: ExperimentWriting;
  readonly runs: RunWriting;
  readonly loggedModels: LoggedModelWriting;
  readonly registry: RegistryWriting;
}

function createWriters(server: MlflowServer): Writers {
  const { http } = server;
  const calls = createCalls(http);
  const experiments = server.dialect.experimentReader(http);
  const runs = createRunReader(server);
  const loggedModels = createLoggedModelReader({ server, calls, runs });
  const runIndex = createPlacedIndex((id, signal) => runs.placed(id, signal));
  const modelIndex = createPlacedIndex((id, signal) => loggedModels.placed(id, signal));
  const onCreated = (experimentId: string): void => {
    runIndex.startEmpty(experimentId);
    modelIndex.startEmpty(experimentId);
  };
  const carriers = createCarriers({ name: server.dialect.carrierExperiment, calls, experiments, index: runIndex, runs });
  return {
    calls,
    experiments: { calls, experiments, onCreated },
    runs: { calls, server, index: runIndex, runs },
    loggedModels: { calls, server, index: modelIndex, runs, loggedModels },
    registry: server.registry.writing({ server, calls, runs, loggedModels, carriers }),
  };
}

async function find(writers: Writers, entity: Entity, context: FindContext): Promise<Found | undefined> {
  const { signal } = context;
  switch (entity.kind) {
    case "experiment":
      return findExperiment(writers.experiments, entity, context);
    case "run": {
      const { index, runs } = writers.runs;
      const experimentId = idOf(entity.experiment);
      const there = await index.find(experimentId, sourceDigest(context.provenance), signal);
      return there && found("run", there, async (reading) => (await runs.fold(experimentId, there.id, reading)).entity);
    }
    case "logged-model": {
      const { index, loggedModels } = writers.loggedModels;
      const there = await index.find(idOf(entity.experiment), sourceDigest(context.provenance), signal);
      return there && found("logged-model", there, (reading) => loggedModels.entity(there.id, entity, reading));
    }
    case "registered-model":
    case "model-version":
    case "alias":
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return writers.registry.find(entity, context);
  }
}

function found(kind: "run" | "logged-model", there: Indexed, read: Found["read"]): Found {
  const key = placed(keyOf(kind, there.id));
  return { key, ours: true, deleted: there.deleted, read, ...(there.mark === undefined ? {} : { mark: there.mark }) };
}

async function put(writers: Writers, entity: Entity, context: PutContext): Promise<PlacedKey> {
  switch (entity.kind) {
    case "experiment":
      return putExperiment(writers.experiments, entity, context);
    case "run":
      return putRun(writers.runs, entity, context);
    case "logged-model":
      return putLoggedModel(writers.loggedModels, entity, context);
    case "registered-model":
    case "model-version":
    case "alias":
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return writers.registry.put(entity, context);
  }
}

async function remove({ calls, runs }: Writers, entity: Run | Experiment, key: PlacedKey, signal: AbortSignal): Promise<void> {
  const id = idOf(key);
  if (entity.kind === "run") {
    await calls.remove("POST", "runs/delete", { run_id: id }, signal);
    runs.index.amend(id, { deleted: true });
    return;
  }
  // Takes the experiment's runs along.
  await calls.remove("POST", "experiments/delete", { experiment_id: id }, signal);
  runs.index.forget(id);
}
