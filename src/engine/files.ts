// Moves the files of one entity: lists, leaves out what the target cannot store, hashes and counts the bytes as they pass,
// and turns each failure into a loss of that file alone.
import { createHash } from "node:crypto";
import { asMigrationError, MigrationError, withContext } from "../errors.ts";
import type { Digest, EntityKey } from "../model/entities.ts";
import { ALL_FILES } from "../model/file-filter.ts";
import type { FileFilter } from "../model/file-filter.ts";
import type { FileEntry } from "../ports/journal.ts";
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import type { Found, SendFile } from "../ports/target.ts";
import { NO_FILES } from "./change.ts";
import type { FileLoss, FileTotals } from "./change.ts";
import { isFatal, type Job } from "./job.ts";
import { createLeftOut, unlisted } from "./left-out.ts";

export interface FileMove {
  readonly job: Job;
  readonly key: EntityKey;
  readonly reader: ArtifactReader;
  /** What the target held of the object before, and the mark that it is to have. */
  readonly found: Found | undefined;
  readonly mark: string;
  /** Limits transfers over the whole job (engine/schedule.ts). */
  readonly pipe: <R>(transfer: () => Promise<R>) => Promise<R>;
}

export interface FilesMoved {
  readonly losses: readonly FileLoss[];
  readonly moved: FileTotals;
  /** Whether rules changed any of its files, sent now or there before. */
  readonly isChanged: boolean;
}

/** Sends every file that is not at the target already. Only errors that end the job are thrown. */
export async function moveFiles(move: FileMove, send: SendFile): Promise<FilesMoved> {
  const { job, key } = move;
  const filter = job.files ?? ALL_FILES;
  if (filter.none) return { losses: [unlisted(filter.wording)], moved: NO_FILES, isChanged: false };
  const losses: FileLoss[] = [];
  const fatal: MigrationError[] = [];
  const totals = { files: 0, bytes: 0 };
  const transfers: Promise<void>[] = [];
  const lose = (loss: FileLoss): void => {
    losses.push(loss);
    job.onEvent({ type: "file-lost", key, loss });
  };
  const transfer = async (file: ArtifactFile): Promise<void> => {
    if (fatal.length > 0 || job.drain.aborted) return;
    try {
      const bytes = await sendOne(file, move, send);
      totals.files += 1;
      totals.bytes += bytes;
    } catch (thrown) {
      const error = asMigrationError(thrown);
      if (isFatal(error)) fatal.push(error);
      else lose(error.code === "NAME_ILLEGAL" ? nameRefused(file.path, error.message, job) : lossOf(file.path, error, job));
    }
  };
  const present = await filesThere(move);
  let listed: Listed = { leftOut: [], isChanged: false };
  try {
    listed = await listDue(move, { filter, lose, present }, (file) => transfers.push(move.pipe(() => transfer(file))));
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (isFatal(error)) fatal.push(error);
    else lose(lossOf("", error, job));
  }
  await Promise.all(transfers);
  if (fatal[0] !== undefined) throw withContext(fatal[0], { key });
  if (job.drain.aborted) throw new MigrationError("INTERRUPTED", "interrupted", { key });
  return { losses: [...losses, ...listed.leftOut], moved: totals, isChanged: listed.isChanged };
}

interface Sorting {
  readonly filter: FileFilter;
  readonly lose: (loss: FileLoss) => void;
  /** What the target has already. */
  readonly present: readonly FileEntry[];
}

interface Listed {
  /** By the filter. */
  readonly leftOut: readonly FileLoss[];
  readonly isChanged: boolean;
}

/** Gives `onDue` each file that is to be sent. */
async function listDue(move: FileMove, { filter, lose, present }: Sorting, onDue: (file: ArtifactFile) => void): Promise<Listed> {
  const { job, reader } = move;
  const there = new Map(present.map((file) => [file.path, file]));
  const leftOut = createLeftOut();
  let isChanged = false;
  for await (const file of reader.list()) {
    const refusal = refusedName(file.path, job);
    // A folder that cannot be listed has no size: files in it may be wanted.
    const isFolder = file.unreadable !== undefined && file.sizeBytes === undefined;
    const rule = isFolder ? undefined : filter.leavesOut(file);
    isChanged ||= rule === undefined && file.changed === true;
    if (rule !== undefined) leftOut.add(rule, file);
    else if (file.unreadable !== undefined) lose(lossOf(file.path, new MigrationError("ARTIFACT_UNREADABLE", file.unreadable), job));
    else if (refusal !== undefined) lose(refusal);
    else if (!isThere(file, there.get(file.path))) onDue(file);
  }
  return { leftOut: leftOut.losses(), isChanged };
}

/**
 * Files of an object that was not there, or that has changed since, are all sent. The journal's notes count only for files that
 * the target lists too: the object they were sent to may have been replaced by another one.
 */
async function filesThere({ job, key, found, mark }: FileMove): Promise<readonly FileEntry[]> {
  // What follows the fingerprint tells which files are there, not that others have changed.
  if (found === undefined || found.mark?.startsWith(mark.split("+")[0] ?? mark) === false) return [];
  if (found.files !== undefined) return found.files();
  const noted = await job.journal.files(key);
  if (noted.length === 0) return [];
  const present = await found.read(job.signal);
  if (present.kind !== "run" && present.kind !== "logged-model" && present.kind !== "model-version") return [];
  const sizes = new Map<string, number | undefined>();
  for await (const file of job.target.artifacts(present, job.signal).list()) sizes.set(file.path, file.sizeBytes);
  return noted.filter((file) => sizes.has(file.path) && (sizes.get(file.path) ?? file.sizeBytes) === file.sizeBytes);
}

function isThere(file: ArtifactFile, there: FileEntry | undefined): boolean {
  if (there === undefined) return false;
  return (file.sizeBytes ?? there.sizeBytes) === there.sizeBytes && (file.digest ?? there.digest) === there.digest;
}

async function sendOne(file: ArtifactFile, move: FileMove, send: SendFile): Promise<number> {
  const { job, key } = move;
  job.onEvent({ type: "file", key, path: file.path });
  let last: Passed = { bytes: 0, digest: undefined };
  await send(file, () => {
    last = { bytes: 0, digest: undefined };
    return counted(move.reader.open(file), file, last, job);
  });
  if (last.digest === undefined) throw new MigrationError("INTERNAL", `${file.path} was not read to its end`);
  await job.journal.appendFile(key, { path: file.path, sizeBytes: last.bytes, digest: last.digest });
  return last.bytes;
}

interface Passed {
  bytes: number;
  digest: Digest | undefined;
}

/** Passes bytes through, counting and hashing; a size or digest other than the listed one is an error at the end. */
async function* counted(body: AsyncIterable<Uint8Array>, file: ArtifactFile, passed: Passed, job: Job): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of body) {
    hash.update(chunk);
    passed.bytes += chunk.length;
    job.onEvent({ type: "bytes", bytes: chunk.length });
    yield chunk;
  }
  const digest: Digest = `sha256:${hash.digest("hex")}`;
  if (file.sizeBytes !== undefined && file.sizeBytes !== passed.bytes) {
    throw new MigrationError("ARTIFACT_CORRUPT", `${file.path} has ${passed.bytes} bytes, but ${file.sizeBytes} were listed`, {
      side: "source",
    });
  }
  if (file.digest !== undefined && file.digest !== digest) {
    throw new MigrationError("ARTIFACT_CORRUPT", `${file.path} does not have the digest that was recorded for it`, { side: "source" });
  }
  passed.digest = digest;
}

/** The loss of a file whose name the target cannot store; undefined when it can. */
export function refusedName(path: string, job: Pick<Job, "target" | "onLoss">): FileLoss | undefined {
  const rule = job.target.capabilities.filePathRefuses;
  if (rule === undefined || !rule.pattern.test(path)) return undefined;
  return nameRefused(path, rule.wording, job);
}

function nameRefused(path: string, reason: string, { onLoss }: Pick<Job, "onLoss">): FileLoss {
  return { path, code: "NAME_ILLEGAL", reason, permanent: true, agreed: onLoss === "drop" };
}

/** With `--on-loss drop` an unreadable file is a loss that the user agreed to; what the target fails to take never is. */
function lossOf(path: string, error: MigrationError, job: Job): FileLoss {
  const agreed = job.onLoss === "drop" && error.code === "ARTIFACT_UNREADABLE";
  return { path, code: error.code, reason: error.message, permanent: false, agreed };
}
