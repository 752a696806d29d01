// The journal of a command's job: which job it is, and how far its records may be trusted.
import { resolve } from "node:path";
import { MigrationError } from "../errors.ts";
import { jobId, openJournal } from "../journal/journal.ts";
import type { OpenedJournal } from "../journal/journal.ts";
import { findJob, listJobs } from "../journal/jobs.ts";
import type { StoredJob } from "../journal/jobs.ts";
import type { OriginId } from "../model/entities.ts";
import type { JobIdentity } from "../ports/journal.ts";
import type { Source } from "../ports/source.ts";
import { shortId } from "../report/status.ts";
import { commandLine } from "./command-line.ts";
import { canonicalOptions, jobOptionsSchema } from "./job-options.ts";
import type { JobOptions } from "./job-options.ts";
import { isServer } from "./location.ts";
import type { Location } from "./location.ts";
import type { Terminal } from "./terminal.ts";

export interface JobJournalOptions {
  readonly dir: string;
  readonly source: Source;
  readonly target: Source;
  readonly location: Location;
  readonly options: JobOptions;
  readonly terminal: Pick<Terminal, "args" | "now" | "resumes">;
  /** What `mlferry resume` is to run. */
  readonly args: readonly string[];
}

/**
 * Opens the journal of a job. Throws NOT_SUPPORTED when another process works on the same job, JOB_CHANGED when the command of a job
 * that is to be resumed has come to mean another one.
 */
export async function openJobJournal(job: JobJournalOptions): Promise<OpenedJournal> {
  const { dir, source, target, location, options, terminal, args } = job;
  const { now } = terminal;
  const command = commandLine(terminal.args);
  const info = { command, args, folder: process.cwd(), source: source.uri, target: placeName(location, target), options };
  const isBundle = location.place === "bundle";
  const identity = identityOf(job, target.origin);
  refuseOther(identity, terminal);
  const journal = await openJournal({ dir, identity, info, now, exclusive: !isBundle });
  // A bundle knows itself what it holds, and it may have been deleted since the journal was written.
  return isBundle ? { ...journal, resuming: false, files: () => Promise.resolve([]) } : journal;
}

function refuseOther(identity: JobIdentity, { args, resumes }: JobJournalOptions["terminal"]): void {
  if (resumes === undefined || resumes === jobId(identity)) return;
  const what = `the command of job ${shortId(resumes)} would do another job now`;
  throw new MigrationError("JOB_CHANGED", `${what}: its mapping file or one of its places has changed`, {
    hint: `to begin that other job: ${commandLine(args)}`,
  });
}

/** How an earlier run of this very job into a bundle ended; undefined where none is known. Throws JOB_CHANGED as above. */
export async function bundleJobState(
  job: Pick<JobJournalOptions, "dir" | "source" | "location" | "options" | "terminal">,
): Promise<StoredJob["state"] | undefined> {
  if (job.location.place !== "bundle") return undefined;
  // What is exported keeps its origin.
  const identity = identityOf(job, job.source.origin);
  refuseOther(identity, job.terminal);
  return (await listJobs(job.dir)).find((stored) => stored.id === jobId(identity))?.state;
}

/** The job that wrote to the bundle's name last, as far as the state folder knows. */
export async function lastWriter(dir: string, path: string): Promise<StoredJob | undefined> {
  return (await listJobs(dir)).find((stored) => stored.target === resolve(path));
}

function identityOf(
  { source, location, options }: Pick<JobJournalOptions, "source" | "location" | "options">,
  target: OriginId,
): JobIdentity {
  // At a server, marks tell under which filter an object is whole: a job without the filter goes on with the files that are there.
  const files = options.files === undefined ? [] : [{ files: options.files }];
  const notebooks = options.notebooks === undefined ? [] : [{ notebooks: options.notebooks }];
  const where = location.place === "bundle" ? [...files, ...notebooks, resolve(location.path)] : [];
  return { source: source.origin, target, options: JSON.stringify([...canonicalOptions(options), ...where]) };
}

export interface EarlierJob {
  readonly command: string;
  /** Epoch ms. */
  readonly updated: number;
  readonly options: JobOptions;
}

/** The newest job from the source to the target; undefined where none is known, or an older mlferry kept it in another form. */
export async function earlierJob(dir: string, source: Source, target: Source, location: Location): Promise<EarlierJob | undefined> {
  const stored = await storedJob(dir, source, target, location);
  const options = jobOptionsSchema.safeParse(stored?.options);
  if (stored === undefined || !options.success) return undefined;
  return { command: stored.command, updated: stored.updated, options: options.data };
}

async function storedJob(dir: string, source: Source, target: Source, location: Location): Promise<StoredJob | undefined> {
  if (isServer(location)) return findJob(dir, { source: source.origin, target: target.origin });
  // A bundle has the origin of what it was made from, so only its path tells it from others.
  const name = placeName(location, target);
  return (await listJobs(dir)).find((job) => job.target === name && job.source === source.uri);
}

function placeName(location: Location, place: Source): string {
  return location.place === "bundle" ? resolve(location.path) : place.uri;
}
