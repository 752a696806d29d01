// Looks at the files of objects before they move: a listing each, and of versions few small reads, which also tell whether their stores can be reached.
import { asMigrationError } from "../errors.ts";
import type { EntityKey, Kind, LoggedModel, ModelVersion, Run } from "../model/entities.ts";
import { ALL_FILES } from "../model/file-filter.ts";
import type { FileFilter } from "../model/file-filter.ts";
import { CONDA_FILE, MODEL_FILE, parseModelFile, usesDefaultChannel } from "../model/model-file.ts";
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import type { FileTotals } from "./change.ts";
import { unmappedTables } from "./feature-tables.ts";
import { isFatal } from "./job.ts";
import type { Job } from "./job.ts";
import type { PreflightCode, PreflightFinding } from "./preflight-finding.ts";
import type { Prepared } from "./preflight.ts";
import { arrivingFiles } from "./rewriting.ts";
import { fromList, inOrder } from "./schedule.ts";
import { peeking, smallText } from "./small-text.ts";
import type { Peek } from "./small-text.ts";

/** What was found in one object's files; `files` is absent where they could not be listed. */
export interface LookedInto {
  readonly kind: Kind;
  readonly findings: readonly PreflightFinding[];
  readonly files?: FileTotals;
}

type Owner = Run | LoggedModel | ModelVersion;

/**
 * Lists the files of each object, and reads `MLmodel` and `conda.yaml` of each version where users of the target ask for signatures. In the
 * order of `keys`; throws only what would end a job.
 */
export async function* lookInto(prepared: Prepared, keys: readonly EntityKey[]): AsyncGenerator<LookedInto> {
  const { job, catalogue } = prepared;
  const work = async (key: EntityKey): Promise<LookedInto> => {
    const owner = await catalogue.entity(key);
    if (owner.kind !== "run" && owner.kind !== "logged-model" && owner.kind !== "model-version") return { kind: owner.kind, findings: [] };
    const isRead = owner.kind === "model-version" && job.target.capabilities.versionSignatures === true;
    const looking = { job, filter: job.files ?? ALL_FILES, isRead };
    return { kind: owner.kind, ...(await lookIntoOne(owner, arrivingFiles(job, owner), looking)) };
  };
  yield* inOrder(fromList(keys), job.inFlight, work, job.drain);
}

interface Looking {
  readonly job: Job;
  /** What it leaves out is not counted. */
  readonly filter: FileFilter;
  /** Whether to read the descriptions. */
  readonly isRead: boolean;
}

async function lookIntoOne(owner: Owner, reader: ArtifactReader, { job, filter, isRead }: Looking): Promise<Omit<LookedInto, "kind">> {
  const find = (code: PreflightCode, message: string): PreflightFinding => ({
    code,
    keys: [owner.key],
    message,
    owner: ownerOf(owner),
  });
  try {
    const small = new Map<string, ArtifactFile>();
    const changed: string[] = [];
    let [files, bytes] = [0, 0];
    for await (const file of reader.list()) {
      const isWanted = filter.leavesOut(file) === undefined;
      files += isWanted ? 1 : 0;
      bytes += isWanted ? (file.sizeBytes ?? 0) : 0;
      if (file.path === MODEL_FILE || file.path === CONDA_FILE) small.set(file.path, file);
      if (file.changed === true) changed.push(file.path);
    }
    const totals = { files, bytes };
    if (!isRead) return { findings: [], files: totals };
    const peek = peeking(() => job.source.artifacts(owner, job.signal));
    const findings = [
      ...(await modelFindings(small.get(MODEL_FILE), peek, find)),
      ...(await condaFindings(small.get(CONDA_FILE), reader, find)),
      ...(await tableFindings(job, peek, find)),
      ...changed.map((path) => find("FILES_CHANGED", path)),
    ];
    return { findings, files: totals };
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (isFatal(error)) throw error;
    return { findings: [find("FILES_UNREADABLE", error.message)] };
  }
}

type Find = (code: PreflightCode, message: string) => PreflightFinding;

async function modelFindings(file: ArtifactFile | undefined, peek: Peek, find: Find): Promise<PreflightFinding[]> {
  if (file === undefined) return [find("MODEL_FILE_MISSING", "there is no MLmodel")];
  const text = await peek(file.path);
  const model = text === undefined ? undefined : parseModelFile(text);
  if (model === undefined) return [find("MODEL_FILE_MISSING", "its MLmodel is not what MLflow writes")];
  const missing = [...(model.hasInputs ? [] : ["inputs"]), ...(model.hasOutputs ? [] : ["outputs"])];
  return [...(missing.length === 0 ? [] : [find("SIGNATURE_MISSING", `no ${missing.join(", no ")}`)])];
}

/** By the same words as the job's own refusal. */
async function tableFindings(job: Job, peek: Peek, find: Find): Promise<PreflightFinding[]> {
  if (job.target.capabilities.tablesMustBeMapped !== true) return [];
  const unmapped = await unmappedTables(peek, job.mapping);
  return unmapped === undefined ? [] : [find(job.onLoss === "drop" ? "FEATURE_STORE" : "TABLES_UNMAPPED", unmapped)];
}

async function condaFindings(file: ArtifactFile | undefined, reader: ArtifactReader, find: Find): Promise<PreflightFinding[]> {
  const text = file === undefined ? undefined : await smallText(file, reader);
  if (text === undefined || usesDefaultChannel(text) !== true) return [];
  return [find("CONDA_DEFAULTS", "its conda.yaml names the channel, or none at all")];
}

function ownerOf(owner: Owner): string {
  const user = owner.kind === "logged-model" ? undefined : owner.user;
  return user === undefined || user === "" ? "nobody is named" : user;
}
