// The journal of a command's job: which job it is, and how far its records may be trusted.
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { partialLayout } from "../adapters/bundle/layout.ts";
import { openJournal } from "../journal/journal.ts";
import { findJob, listJobs } from "../journal/jobs.ts";
import type { StoredJob } from "../journal/jobs.ts";
import { createMapping, mappingSchema } from "../model/mapping.ts";
import type { MappingFile } from "../model/mapping.ts";
import type { Selection } from "../model/selection.ts";
import type { Journal } from "../ports/journal.ts";
import type { Source } from "../ports/source.ts";
import type { Location } from "./location.ts";

/** What was asked for, as a journal and a bundle's header keep it. */
export interface JobOptions {
  readonly selection: Selection;
  readonly mapping: MappingFile;
  readonly onLoss: "refuse" | "drop";
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

/** Whether an unfinished bundle of this name lies there: to be asked before the bundle is opened. */
export function hasUnfinishedBundle(location: Location): boolean {
  return location.place === "bundle" && existsSync(partialLayout(resolve(location.path)).bundle);
}

/**
 * Opens the journal of a job. `continued`: see {@link hasUnfinishedBundle}. Throws NOT_SUPPORTED when another process works
 * on the same job.
 */
export async function openJobJournal(job: JobJournalOptions, { continued }: { readonly continued: boolean }): Promise<Journal> {
  const { dir, source, target, options, command, now } = job;
  const where = job.location.place === "bundle" ? [resolve(job.location.path), unfinishedId(job.location.path)] : [];
  const journal = await openJournal({
    dir,
    identity: {
      source: source.origin,
      target: target.origin,
      options: JSON.stringify([options.selection, createMapping(options.mapping).canonical, options.onLoss, ...where]),
    },
    info: { command, source: source.uri, target: placeName(job.location, target), options },
    now,
  });
  if (job.location.place === "mlflow") {
    // A finished job's files say nothing of objects that were deleted at the target since: those are sent again.
    return journal.resuming ? journal : { ...journal, files: () => Promise.resolve([]) };
  }
  // A bundle knows itself what it holds, and it may have been deleted since the journal was written.
  return { ...journal, resuming: false, files: (key) => (continued ? journal.files(key) : Promise.resolve([])) };
}

const storedOptions = z.object({
  selection: z.object({ experiments: z.array(z.string()).optional(), models: z.array(z.string()).optional(), includeDeleted: z.boolean() }),
  mapping: mappingSchema,
  onLoss: z.enum(["refuse", "drop"]),
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
  const { selection, mapping, onLoss } = parsed.data;
  const { experiments, models, includeDeleted } = selection;
  const options = {
    selection: { ...(experiments === undefined ? {} : { experiments }), ...(models === undefined ? {} : { models }), includeDeleted },
    mapping,
    onLoss,
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

/** Another for each time a bundle is begun anew, so that one that was deleted is not taken for one that goes on. */
function unfinishedId(path: string): string {
  const stat = statSync(partialLayout(resolve(path)).root, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${String(stat.ino)}/${String(stat.birthtimeMs)}`;
}
