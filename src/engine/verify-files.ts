// Compares the files of one entity: paths, sizes and, at level bytes, digests.
import { createHash } from "node:crypto";
import { asMigrationError } from "../errors.ts";
import type { Digest, EntityKey, LoggedModel, ModelVersion, Run } from "../model/entities.ts";
import { ALL_FILES } from "../model/file-filter.ts";
import type { FileFilter } from "../model/file-filter.ts";
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import type { FileLoss } from "./change.ts";
import { refusedName } from "./files.ts";
import { isFatal, type Job } from "./job.ts";
import { createLeftOut } from "./left-out.ts";
import type { Prepared } from "./preflight.ts";
import { arrivingFiles } from "./rewriting.ts";
import type { Finding, Level, Located } from "./finding.ts";

export interface FilesCompared {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly bytes: number;
}

interface Options {
  readonly prepared: Pick<Prepared, "job">;
  readonly pipe: <R>(work: () => Promise<R>) => Promise<R>;
}

/** A version's files are compared where it has its own; those of its run or logged model are compared there. */
export async function compareFiles(located: Located, level: Level, { prepared, pipe }: Options): Promise<FilesCompared> {
  const { job } = prepared;
  const source = located.reconciled.source;
  const { present } = located;
  const nothing = { findings: [], files: 0, bytes: 0 };
  if (!ownsFiles(source) || present === undefined || !ownsFiles(present)) return nothing;
  const { entity } = located.reconciled;
  if (entity.kind === "model-version" && entity.files.owner !== "own") return nothing;
  const filter = job.files ?? ALL_FILES;
  if (filter.none) return nothing;
  const expected = await listing(arrivingFiles(job, source), source.key, job);
  const reader = job.target.artifacts(present, job.signal);
  const there = await listing(reader, source.key, job);
  const findings = [...expected.findings, ...there.findings];
  const { wanted, leftOut } = sortOut(expected, there, filter);
  for (const { reason } of leftOut) findings.push({ key: source.key, field: "files/", kind: "left out", expected: reason, agreed: true });
  let bytes = 0;
  const compareOne = async (file: ArtifactFile): Promise<void> => {
    const compared = await compareFile(file, there.files.get(file.path), {
      key: source.key,
      level,
      job,
      reader,
      sourceReader: expected.reader,
    });
    bytes += compared.bytes;
    if (compared.finding !== undefined) findings.push(compared.finding);
  };
  await Promise.all(wanted.map((file) => pipe(() => compareOne(file))));
  for (const path of there.files.keys()) {
    if (!expected.files.has(path)) findings.push({ key: source.key, field: `files/${path}`, kind: "extra", agreed: false });
  }
  return { findings, files: wanted.length, bytes };
}

/** What a filter leaves out and the target does not have is not compared; what is there all the same is. */
function sortOut(expected: Listing, there: Listing, filter: FileFilter): { wanted: ArtifactFile[]; leftOut: FileLoss[] } {
  const leftOut = createLeftOut();
  const wanted = [...expected.files.values()].filter((file) => {
    const rule = there.files.has(file.path) ? undefined : filter.leavesOut(file);
    if (rule !== undefined) leftOut.add(rule, file);
    return rule === undefined;
  });
  return { wanted, leftOut: leftOut.losses() };
}

function ownsFiles(entity: { kind: string }): entity is Run | LoggedModel | ModelVersion {
  return entity.kind === "run" || entity.kind === "logged-model" || entity.kind === "model-version";
}

interface Listing {
  readonly files: ReadonlyMap<string, ArtifactFile>;
  readonly findings: readonly Finding[];
  readonly reader: ArtifactReader;
}

async function listing(reader: ArtifactReader, key: EntityKey, job: Job): Promise<Listing> {
  const files = new Map<string, ArtifactFile>();
  try {
    for await (const file of reader.list()) files.set(file.path, file);
    return { files, findings: [], reader };
  } catch (thrown) {
    return { files, findings: [unreadable(thrown, key, "files/", job)], reader };
  }
}

interface FileComparison {
  readonly key: EntityKey;
  readonly level: Level;
  readonly job: Job;
  readonly sourceReader: ArtifactReader;
  readonly reader: ArtifactReader;
}

async function compareFile(
  file: ArtifactFile,
  found: ArtifactFile | undefined,
  comparison: FileComparison,
): Promise<{ finding?: Finding; bytes: number }> {
  const { key, job } = comparison;
  const field = `files/${file.path}`;
  const unread = file.unreadable ?? found?.unreadable;
  if (unread !== undefined) {
    return { finding: { key, field, kind: "unreadable", expected: unread, agreed: job.onLoss === "drop" }, bytes: 0 };
  }
  if (found === undefined) {
    const refused = refusedName(file.path, job)?.reason ?? comparison.reader.whyNotStorable?.(file.path);
    if (refused === undefined) return { finding: { key, field, kind: "missing", agreed: false }, bytes: 0 };
    return { finding: { key, field, kind: "left out", expected: refused, agreed: job.onLoss === "drop" }, bytes: 0 };
  }
  if (file.sizeBytes !== undefined && found.sizeBytes !== undefined && file.sizeBytes !== found.sizeBytes) {
    const sizes = { expected: `${file.sizeBytes} bytes`, found: `${found.sizeBytes} bytes` };
    return { finding: { key, field, kind: "different", ...sizes, agreed: false }, bytes: 0 };
  }
  if (comparison.level !== "bytes") return { bytes: 0 };
  try {
    const wanted = file.digest ?? (await digestOf(comparison.sourceReader, file)).digest;
    const there = await digestOf(comparison.reader, found);
    if (wanted === there.digest) return { bytes: there.bytes };
    return { finding: { key, field, kind: "different", expected: wanted, found: there.digest, agreed: false }, bytes: there.bytes };
  } catch (thrown) {
    return { finding: unreadable(thrown, key, field, job), bytes: 0 };
  }
}

async function digestOf(reader: ArtifactReader, file: ArtifactFile): Promise<{ digest: Digest; bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of reader.open(file)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: `sha256:${hash.digest("hex")}`, bytes };
}

function unreadable(thrown: unknown, key: EntityKey, field: string, job: Job): Finding {
  const error = asMigrationError(thrown);
  if (isFatal(error)) throw error;
  return { key, field, kind: "unreadable", expected: error.message, agreed: job.onLoss === "drop" };
}
