// The journal of a command's job: which job it is, and how far its records may be trusted.
import { resolve } from "node:path";
import { z } from "zod";
import { jobId, openJournal } from "../journal/journal.ts";
import { findJob, listJobs } from "../journal/jobs.ts";
import type { StoredJob } from "../journal/jobs.ts";
import { createMapping, mappingSchema } from "../model/mapping.ts";
import type { FileRules } from "../model/file-filter.ts";
import type { MappingFile } from "../model/mapping.ts";
import type { Selection } from "../model/selection.ts";
import type { OriginId } from "../model/entities.ts";
import type { JobIdentity, Journal } from "../ports/journal.ts";
import type { Source } from "../ports/source.ts";
import type { Location } from "./location.ts";

/** What was asked for, as a journal and a bundle's header keep it. */
export interface JobOptions {
  readonly selection: Selection;
  readonly mapping: MappingFile;
  readonly onLoss: "refuse" | "drop";
  /** Absent: all files. */
  readonly files?: FileRules;
}

export interface JobJournalOptions {
  readonly dir: string;
  readonly source: Source;
  readonly target: Source;
  readonly location: Location;
  readonly options: JobOptions;
  readonly command: string;
  readonly now: () => number;
}

/** Opens the journal of a job. Throws NOT_SUPPORTED when another process works on the same job. */
export async function openJobJournal(job: JobJournalOptions): Promise<Journal> {
  const { dir, source, target, location, options, command, now } = job;
  const info = { command, source: source.uri, target: placeName(location, target), options };
  const isBundle = location.place === "bundle";
  const journal = await openJournal({ dir, identity: identityOf(job, target.origin), info, now, exclusive: !isBundle });
  // A bundle knows itself what it holds, and it may have been deleted since the journal was written.
  return isBundle ? { ...journal, resuming: false, files: () => Promise.resolve([]) } : journal;
}

/** Whether an earlier run of this very job into a bundle was cut off or had failures, so that it goes on. */
export async function isLeftUnfinished(job: Pick<JobJournalOptions, "dir" | "source" | "location" | "options">): Promise<boolean> {
  if (job.location.place !== "bundle") return false;
  // What is exported keeps its origin.
  const id = jobId(identityOf(job, job.source.origin));
  return (await listJobs(job.dir)).some((stored) => stored.id === id && stored.state !== "complete");
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
  const where = location.place === "bundle" ? [...files, resolve(location.path)] : [];
  const mapping = createMapping(options.mapping).canonical;
  return { source: source.origin, target, options: JSON.stringify([options.selection, mapping, options.onLoss, ...where]) };
}

const storedOptions = z.object({
  selection: z.object({ experiments: z.array(z.string()).optional(), models: z.array(z.string()).optional(), includeDeleted: z.boolean() }),
  mapping: mappingSchema,
  onLoss: z.enum(["refuse", "drop"]),
  files: z
    .object({
      artifacts: z.union([z.literal("none"), z.array(z.string())]).exactOptional(),
      maxFileBytes: z.number().exactOptional(),
    })
    .exactOptional(),
});

export interface EarlierJob {
  readonly command: string;
  /** Epoch ms. */
  readonly updated: number;
  readonly options: JobOptions;
}

/** The newest job from the source to the target; undefined where none is known, or an older mlferry kept it in another form. */
export async function earlierJob(dir: string, source: Source, target: Source, location: Location): Promise<EarlierJob | undefined> {
  const stored = await storedJob(dir, source, target, location);
  const parsed = storedOptions.safeParse(stored?.options);
  if (stored === undefined || !parsed.success) return undefined;
  const { selection, mapping, onLoss, files } = parsed.data;
  const { experiments, models, includeDeleted } = selection;
  const options = {
    selection: { ...(experiments === undefined ? {} : { experiments }), ...(models === undefined ? {} : { models }), includeDeleted },
    mapping,
    onLoss,
    ...(files === undefined ? {} : { files }),
  };
  return { command: stored.command, updated: stored.updated, options };
}

async function storedJob(dir: string, source: Source, target: Source, location: Location): Promise<StoredJob | undefined> {
  if (location.place === "mlflow") return findJob(dir, { source: source.origin, target: target.origin });
  // A bundle has the origin of what it was made from, so only its path tells it from others.
  const name = placeName(location, target);
  return (await listJobs(dir)).find((job) => job.target === name && job.source === source.uri);
}

function placeName(location: Location, place: Source): string {
  return location.place === "bundle" ? resolve(location.path) : place.uri;
}
