// The table of old and new URIs of a job, from its journal, or of a place, from what its objects tell of themselves.
import { isAbsolute } from "node:path";
import { movedObjects } from "../engine/moved-objects.ts";
import { uriTable } from "../engine/uri-table.ts";
import type { MovedObject, UriRow } from "../engine/uri-table.ts";
import { MigrationError } from "../errors.ts";
import { latestEntries, listJobs } from "../journal/jobs.ts";
import type { StoredJob } from "../journal/jobs.ts";
import { jobStatuses } from "../journal/status.ts";
import { createMapping } from "../model/mapping.ts";
import type { MappingFile } from "../model/mapping.ts";
import { uriTableCsv, uriTableJson, uriTableMarkdown } from "../report/uri-table-text.ts";
import type { UriFormat, UriTableContext } from "../report/uri-table-text.ts";
import { shortId } from "../report/status.ts";
import { EXIT } from "./exit-codes.ts";
import { selectionOf } from "./flags.ts";
import type { OutputFlags, PaceFlags, SelectionFlags, StateFlags } from "./flags.ts";
import { jobOptionsSchema } from "./job-options.ts";
import { mappingOf } from "./mapping-flags.ts";
import type { MappingFlags } from "./mapping-flags.ts";
import { createLocator } from "./place-flags.ts";
import type { PlaceFlags } from "./place-flags.ts";
import { inSession } from "./session.ts";
import { stateDir } from "./state-dir.ts";
import { jobById } from "./stored-job.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export type ReportFlags = PlaceFlags &
  SelectionFlags &
  PaceFlags &
  StateFlags &
  Pick<OutputFlags, "quiet" | "verbose" | "logFile"> &
  Pick<MappingFlags, "map" | "stageAlias" | "stageConflict"> & { readonly uris: UriFormat; readonly in?: string };

/** Prints the table; exit code 3 where something of it did not move. */
export async function runReport(terminal: Terminal, id: string | undefined, flags: ReportFlags): Promise<void> {
  if (flags.in === undefined) return reportJob(terminal, id, flags);
  if (id !== undefined) throw new MigrationError("USAGE", "a job and a place are named", { hint: "give a JOB, or a place with --in" });
  return reportPlace(terminal, flags.in, flags);
}

async function reportJob(terminal: Terminal, id: string | undefined, flags: ReportFlags): Promise<void> {
  const dir = stateDir(flags.state, terminal.env);
  const job = await chosenJob(dir, id);
  const objects: MovedObject[] = [];
  for await (const { key, placed, error, detail } of latestEntries(job)) {
    const place =
      placed === undefined ? { reason: error === undefined ? "it did not move" : `it did not move: ${error.message}` } : { target: placed };
    objects.push({ source: key, ...place, ...(detail === undefined ? {} : { detail }) });
  }
  const options = jobOptionsSchema.safeParse(job.options);
  const mapping = options.success ? options.data.mapping : {};
  tell(terminal, tableOf(objects, mapping), { format: flags.uris, context: { source: job.source, target: job.target, job: job.id } });
}

/** The one that is asked for, or the newest that moved to a server: what is in a bundle has its old keys still. */
async function chosenJob(dir: string, id: string | undefined): Promise<StoredJob> {
  const jobs = await listJobs(dir);
  const named = id === undefined ? undefined : jobById(await jobStatuses(dir), id, dir).id;
  const chosen = jobs.find((job) => (named === undefined ? !isBundle(job) : job.id === named));
  const hint = "on another machine than that of the job, ask the target: mlferry report --in DST --uris csv";
  if (chosen === undefined)
    throw new MigrationError("JOB_UNKNOWN", `the state folder ${dir} knows no job that moved to a server`, { hint });
  if (!isBundle(chosen)) return chosen;
  throw new MigrationError("NOT_SUPPORTED", `job ${shortId(chosen.id)} wrote a bundle, in which every object has its old URI`, {
    hint: "name the job that brought the bundle to a server: mlferry status lists them",
  });
}

function isBundle({ target }: StoredJob): boolean {
  return isAbsolute(target);
}

function reportPlace(terminal: Terminal, place: string, flags: ReportFlags): Promise<void> {
  const location = createLocator(terminal, flags).locate(place, { role: "target", use: "read" });
  const mapping = mappingOf(flags);
  const selection = selectionOf(flags, terminal.now);
  return inSession(terminal, { flags, locations: [location], phase: "reading" }, async ({ places, interruption, display }) => {
    const { signal } = interruption;
    const source = await places.target(location, { for: "verify" }, signal);
    const catalogue = await source.select(selection, signal);
    const objects: MovedObject[] = [];
    for await (const object of movedObjects(catalogue.entities(signal))) objects.push(object);
    interruption.check();
    display.end();
    tell(terminal, tableOf(objects, mapping), { format: flags.uris, context: { target: source.uri } });
  });
}

function tableOf(objects: readonly MovedObject[], mapping: MappingFile): UriRow[] {
  return uriTable(objects, createMapping(mapping));
}

function tell(terminal: Terminal, rows: readonly UriRow[], { format, context }: { format: UriFormat; context: UriTableContext }): void {
  terminal.exitCode = rows.every((row) => row.new !== undefined) ? EXIT.done : EXIT.incomplete;
  writeLines(terminal.stdout, linesOf(rows, { format, context, exitCode: terminal.exitCode }));
}

function linesOf(
  rows: readonly UriRow[],
  { format, context, exitCode }: { format: UriFormat; context: UriTableContext; exitCode: number },
): string[] {
  switch (format) {
    case "csv":
      return uriTableCsv(rows);
    case "md":
      return uriTableMarkdown(rows);
    case "json":
      return [JSON.stringify(uriTableJson(rows, context, exitCode))];
  }
}
