// Where a version's files are at the target, in the words of model-versions/create; files of its own go to a carrier run first.
import type { ModelVersion } from "../../model/entities.ts";
import { idOf } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import type { Carriers } from "./target-carriers.ts";
import { artifactUriBelow } from "./target-files.ts";
import type { LoggedModelReader } from "./target-logged-model-reads.ts";
import type { RunReader } from "./target-run-reads.ts";

export interface VersionOrigin {
  /** Fields of model-versions/create. 3.x refuses a source outside the run or logged model that is named with it. */
  readonly fields: { readonly source: string; readonly run_id?: string; readonly model_id?: string };
  /** The run that carries the version's own files, if it has any. */
  readonly carrier?: string;
}

export interface VersionOrigins {
  /** Sends the files that the version has of its own, if any, and gives the place of all. */
  open(version: ModelVersion, context: PutContext): Promise<VersionOrigin>;
}

export interface OriginParts {
  readonly server: TrackingHalf;
  readonly runs: RunReader;
  readonly loggedModels: LoggedModelReader;
  readonly carriers: Carriers;
  /** Whether a version may name another run than the one that holds its files (Capabilities.versionFiles). */
  readonly freeRuns: boolean;
}

export function createVersionOrigins(parts: OriginParts): VersionOrigins {
  return {
    open(version, context) {
      const { files } = version;
      switch (files.owner) {
        case "run":
          return runOrigin(parts, version, files, context.signal);
        case "logged-model":
          return loggedModelOrigin(parts, version, files, context.signal);
        case "version":
          return Promise.resolve(promotedOrigin(parts, version, idOf(files.key)));
        case "own":
          return carrierOrigin(parts, version, context);
      }
    },
  };
}

type FilesElsewhere = Extract<ModelVersion["files"], { readonly path: string }>;

/**
 * The run's artifact URI rather than `runs:/…`: MLflow's Python loads both, but `/model-versions/get-artifact` of 3.17.2
 * answers 500 to the latter.
 */
async function runOrigin(
  { runs, freeRuns }: OriginParts,
  version: ModelVersion,
  files: FilesElsewhere,
  signal: AbortSignal,
): Promise<VersionOrigin> {
  const source = artifactUriBelow(await runs.artifactUri(idOf(files.key), signal), files.path);
  return { fields: { source, ...(freeRuns ? runOf(version) : { run_id: idOf(files.key) }) } };
}

function runOf({ run }: ModelVersion): { run_id?: string } {
  return run === undefined ? {} : { run_id: idOf(run) };
}

/** Where runs are checked, run and logged model come from the version that it was promoted from, and naming others is refused. */
function promotedOrigin({ freeRuns }: OriginParts, version: ModelVersion, from: string): VersionOrigin {
  return { fields: { source: `models:/${from}`, ...(freeRuns ? runOf(version) : {}) } };
}

async function loggedModelOrigin(
  { loggedModels }: OriginParts,
  version: ModelVersion,
  files: FilesElsewhere,
  signal: AbortSignal,
): Promise<VersionOrigin> {
  const modelId = idOf(files.key);
  // `models:/m-…/path` is read as a version of a registered model.
  const source =
    files.path === "" ? `models:/${modelId}` : artifactUriBelow((await loggedModels.get(modelId, signal)).artifactUri, files.path);
  return { fields: { source, model_id: modelId, ...runOf(version) } };
}

async function carrierOrigin(
  { server, carriers, freeRuns }: OriginParts,
  version: ModelVersion,
  context: PutContext,
): Promise<VersionOrigin> {
  const carrier = await carriers.open(version, context);
  const source = artifactUriBelow(carrier.artifactUri, CARRIED_FOLDER);
  await context.files(server.files.sender(source, context.signal));
  return { fields: { source, ...(freeRuns ? runOf(version) : { run_id: carrier.id }) }, carrier: carrier.id };
}

const CARRIED_FOLDER = "model";
