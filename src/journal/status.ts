// How the jobs of a state folder stand, for people: whether they are at work, and how far they came. Only reads.
import type { DatabaseSync } from "node:sqlite";
import type { EntityKey, OriginId } from "../model/entities.ts";
import { readDatabase } from "./database.ts";
import { jobId } from "./journal.ts";
import { jobFromRow } from "./jobs.ts";
import type { StoredJob } from "./jobs.ts";
import { isLocked } from "./lock.ts";

/** `running`: a process works on it. `unfinished`: cut off. `partial`: ended, with failures. */
export type JobCondition = "running" | "unfinished" | "partial" | "complete";

export interface JobStatus extends Omit<StoredJob, "state"> {
  readonly condition: JobCondition;
  /** The process that works on it. */
  readonly pid?: number;
  /** Objects that arrived, of all runs of the job. */
  readonly done: number;
  readonly failed: number;
  readonly files: number;
}

/** An object that did not arrive as planned. */
export interface FailedEntry {
  readonly key: EntityKey;
  readonly code: string;
  readonly message: string;
}

/** Every job of the folder, newest first; also while other processes work on them. */
export async function jobStatuses(dir: string): Promise<readonly JobStatus[]> {
  await Promise.resolve();
  return readDatabase<readonly JobStatus[]>(dir, [], (db) => {
    const rows = db.prepare("SELECT * FROM job ORDER BY updated DESC, started DESC, id").all();
    const counts = countEntries(db);
    const taken = new Set<string>();
    return rows.map((row) => {
      const { state, ...job } = jobFromRow(row, dir);
      const condition = state === "running" ? (isAtWork(row, dir, taken) ? "running" : "unfinished") : state;
      const pid = condition === "running" && typeof row["pid"] === "number" ? { pid: row["pid"] } : {};
      return { ...job, condition, ...pid, ...counts(job.id) };
    });
  });
}

/** What of the job failed last, by key. */
export async function failedEntries({ dir, id }: Pick<StoredJob, "dir" | "id">): Promise<readonly FailedEntry[]> {
  await Promise.resolve();
  return readDatabase<readonly FailedEntry[]>(dir, [], (db) =>
    db
      .prepare("SELECT key, code, message FROM entry WHERE job = ? AND state = 'failed' ORDER BY key")
      .all(id)
      .map(({ key, code, message }) => ({
        key: String(key) as EntityKey,
        code: typeof code === "string" ? code : "INTERNAL",
        message: typeof message === "string" ? message : "",
      })),
  );
}

/**
 * Jobs between the same two servers share a lock: it is that of the one that began last, which comes first here. `taken`: locks that
 * were seen to belong to an earlier row.
 */
function isAtWork(row: Record<string, unknown>, dir: string, taken: Set<string>): boolean {
  const [source, target] = [String(row["source_origin"]) as OriginId, String(row["target_origin"]) as OriginId];
  // An older mlferry did not note which of the two it took.
  const names = typeof row["lock"] === "string" ? [row["lock"]] : [String(row["id"]), jobId({ source, target, options: "" })];
  const held = names.find((name) => !taken.has(name) && isLocked(dir, name));
  for (const name of names) taken.add(name);
  return held !== undefined;
}

function countEntries(db: DatabaseSync): (job: string) => Pick<JobStatus, "done" | "failed" | "files"> {
  const entries = db.prepare("SELECT state, count(*) AS n FROM entry WHERE job = ? GROUP BY state");
  const files = db.prepare("SELECT count(*) AS n FROM file WHERE job = ?");
  return (job) => {
    const byState = new Map(entries.all(job).map(({ state, n }) => [state, Number(n)]));
    return { done: byState.get("done") ?? 0, failed: byState.get("failed") ?? 0, files: Number(files.get(job)?.["n"] ?? 0) };
  };
}
