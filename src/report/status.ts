// The jobs of a state folder, for people and as JSON: how each stands, how far it came, and what of it failed.
import { z } from "zod";
import { JSON_VERSION } from "./json.ts";
import { section } from "./list-text.ts";
import { countOf, countText, timeText } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style, Tone } from "./style.ts";
import { cut, shown } from "./table.ts";

/** How a job stands; see `condition` in the state folder's jobs. */
export type Condition = "running" | "unfinished" | "partial" | "complete";

/** A job as a report tells it. */
export interface ReportedJob {
  readonly id: string;
  readonly condition: Condition;
  readonly pid?: number;
  readonly source: string;
  readonly target: string;
  readonly command: string;
  /** The folder that it ran in. */
  readonly folder?: string;
  /** Epoch ms. */
  readonly started: number;
  readonly updated: number;
  readonly done: number;
  readonly failed: number;
  readonly files: number;
}

export interface FailedItem {
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

const count = z.int().min(0);

/** `mlferry status --json`. */
export const statusSchema = z.object({
  mlferry_json: z.literal(JSON_VERSION),
  report: z.literal("status"),
  state_folder: z.string(),
  jobs: z.array(
    z.object({
      id: z.string(),
      state: z.enum(["running", "unfinished", "partial", "complete"]),
      pid: z.int().optional(),
      source: z.string(),
      target: z.string(),
      command: z.string(),
      folder: z.string().optional().describe("where it ran"),
      begun: z.iso.datetime(),
      last_touched: z.iso.datetime(),
      done: count.describe("objects"),
      failed: count.describe("objects"),
      files: count,
    }),
  ),
  failed: z
    .array(z.object({ key: z.string(), code: z.string(), message: z.string() }))
    .optional()
    .describe("of one job"),
});
export type StatusJson = z.infer<typeof statusSchema>;

export interface StatusReport {
  readonly dir: string;
  readonly jobs: readonly ReportedJob[];
  /** Of the one job that was asked for. */
  readonly failed?: readonly FailedItem[];
}

export function statusJson({ dir, jobs, failed }: StatusReport): StatusJson {
  return {
    mlferry_json: JSON_VERSION,
    report: "status",
    state_folder: dir,
    jobs: jobs.map(({ id, condition, pid, source, target, command, folder, started, updated, done, failed: broken, files }) => ({
      id,
      state: condition,
      ...(pid === undefined ? {} : { pid }),
      source,
      target,
      command,
      ...(folder === undefined ? {} : { folder }),
      begun: new Date(started).toISOString(),
      last_touched: new Date(updated).toISOString(),
      done,
      failed: broken,
      files,
    })),
    ...(failed === undefined ? {} : { failed: failed.map(({ key, code, message }) => ({ key, code, message })) }),
  };
}

/** The first digits of a job's id, by which people call it. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** Jobs before the list is shortened, unless it is verbose. */
const MOST = 20;

/** The lines of the list, or of the one job whose failures are given. */
export function statusText({ dir, jobs, failed }: StatusReport, style: Style): string[] {
  if (jobs.length === 0) return [`no job has run with the state folder ${dir}`];
  const told = style.verbose || failed !== undefined ? jobs : jobs.slice(0, MOST);
  const left = jobs.length - told.length;
  return [
    ...told.flatMap((job) => jobLines(job, { isAlone: failed !== undefined, style })),
    ...(left === 0 ? [] : [paint(style, "quiet", `and ${countText(left)} older (--verbose or --json has them all)`)]),
    ...failures(failed ?? [], style),
  ];
}

const TONES: Readonly<Record<Condition, Tone>> = { running: "heading", unfinished: "warning", partial: "bad", complete: "good" };
const INDENT = " ".repeat(10);

function jobLines(job: ReportedJob, { isAlone, style }: { readonly isAlone: boolean; readonly style: Style }): string[] {
  const { condition, pid, done, failed, files } = job;
  const state = pid === undefined ? condition : `${condition} (process ${String(pid)})`;
  const counts = [countOf(done, "object"), ...(failed === 0 ? [] : [`${countText(failed)} failed`]), countOf(files, "file")].join(", ");
  const folder = isAlone && job.folder !== undefined ? [`in ${job.folder}`] : [];
  const next = condition === "unfinished" || condition === "partial" ? [`continue with: mlferry resume ${shortId(job.id)}`] : [];
  const rest = [
    `${counts}; begun ${timeText(job.started)}, last touched ${timeText(job.updated)}`,
    job.command,
    ...folder,
    ...(isAlone ? next : []),
  ];
  const head = `${shortId(job.id)}  ${paint(style, TONES[condition], state)}  ${shown(`${job.source} → ${job.target}`)}`;
  return [head, ...rest.map((line) => fitted(`${INDENT}${shown(line)}`, isAlone, style)), ""];
}

/** A list is cut to the terminal's width; of one job everything is told. */
function fitted(line: string, isAlone: boolean, { columns }: Style): string {
  return isAlone || columns === undefined ? line : cut(line, columns);
}

function failures(failed: readonly FailedItem[], style: Style): string[] {
  const rows = failed.map(({ key, code, message }) => [shown(key), code, shown(message)]);
  return section({ title: "failed, and why", tone: "bad", rows, flexible: [0, 2] }, style);
}
