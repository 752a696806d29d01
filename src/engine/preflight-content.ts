// Looks into the files of versions before they move: few small reads each, which also tell whether their stores can be reached.
import { asMigrationError } from "../errors.ts";
import type { EntityKey, ModelVersion } from "../model/entities.ts";
import { CONDA_FILE, MODEL_FILE, parseModelFile, usesDefaultChannel } from "../model/model-file.ts";
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import type { FileTotals } from "./change.ts";
import { isFatal } from "./job.ts";
import type { PreflightCode, PreflightFinding } from "./preflight-finding.ts";
import type { Prepared } from "./preflight.ts";
import { fromList, inOrder } from "./schedule.ts";
import { smallText } from "./small-text.ts";

/** What was found in one version's files; `files` is absent where they could not be listed. */
export interface LookedInto {
  readonly findings: readonly PreflightFinding[];
  readonly files?: FileTotals;
}

/** Reads `MLmodel` and `conda.yaml` of each version. In the order of `versions`; throws only what would end a job. */
export async function* lookInto(prepared: Prepared, versions: readonly EntityKey[]): AsyncGenerator<LookedInto> {
  const { job, catalogue } = prepared;
  const work = async (key: EntityKey): Promise<LookedInto> => {
    const version = await catalogue.entity(key);
    return version.kind === "model-version" ? lookIntoOne(version, job.source.artifacts(version, job.signal)) : { findings: [] };
  };
  yield* inOrder(fromList(versions), job.inFlight, work, job.drain);
}

async function lookIntoOne(version: ModelVersion, reader: ArtifactReader): Promise<LookedInto> {
  const find = (code: PreflightCode, message: string): PreflightFinding => ({
    code,
    keys: [version.key],
    message,
    owner: ownerOf(version),
  });
  try {
    const small = new Map<string, ArtifactFile>();
    let [files, bytes] = [0, 0];
    for await (const file of reader.list()) {
      files += 1;
      bytes += file.sizeBytes ?? 0;
      if (file.path === MODEL_FILE || file.path === CONDA_FILE) small.set(file.path, file);
    }
    const findings = [
      ...(await modelFindings(small.get(MODEL_FILE), reader, find)),
      ...(await condaFindings(small.get(CONDA_FILE), reader, find)),
    ];
    return { findings, files: { files, bytes } };
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (isFatal(error)) throw error;
    return { findings: [find("FILES_UNREADABLE", error.message)] };
  }
}

type Find = (code: PreflightCode, message: string) => PreflightFinding;

async function modelFindings(file: ArtifactFile | undefined, reader: ArtifactReader, find: Find): Promise<PreflightFinding[]> {
  if (file === undefined) return [find("MODEL_FILE_MISSING", "there is no MLmodel")];
  const text = await smallText(file, reader);
  const model = text === undefined ? undefined : parseModelFile(text);
  if (model === undefined) return [find("MODEL_FILE_MISSING", "its MLmodel is not what MLflow writes")];
  const missing = [...(model.hasInputs ? [] : ["inputs"]), ...(model.hasOutputs ? [] : ["outputs"])];
  return [
    ...(missing.length === 0 ? [] : [find("SIGNATURE_MISSING", `no ${missing.join(", no ")}`)]),
    ...(model.usesFeatureStore ? [find("FEATURE_STORE", "its loader is that of a feature store")] : []),
  ];
}

async function condaFindings(file: ArtifactFile | undefined, reader: ArtifactReader, find: Find): Promise<PreflightFinding[]> {
  const text = file === undefined ? undefined : await smallText(file, reader);
  if (text === undefined || usesDefaultChannel(text) !== true) return [];
  return [find("CONDA_DEFAULTS", "its conda.yaml names the channel, or none at all")];
}

function ownerOf({ user }: ModelVersion): string {
  return user === undefined || user === "" ? "nobody is named" : user;
}
