// Looks up jobs that were run before: verify takes their mapping from here, reports their map of old to new keys.
import type { DatabaseSync } from "node:sqlite";
import type { EntityKey, OriginId } from "../model/entities.ts";
import { placed } from "../model/keys.ts";
import type { EntryDetail, JournalEntry } from "../ports/journal.ts";
import { onDatabase, openExistingDatabase, readDatabase } from "./database.ts";

export type JobState = "running" | "complete" | "partial";

/** A job as its journal remembers it. */
export interface StoredJob {
  /** The state folder it was found in. */
  readonly dir: string;
  readonly id: string;
  /** `running`: at work now, or cut off. */
  readonly state: JobState;
  readonly command: string;
  /** Its arguments and the folder that it ran in; absent where an older mlferry did not note them. */
  readonly args?: readonly string[];
  readonly folder?: string;
  readonly source: string;
  readonly target: string;
  /** The data that was given as options: selection and mapping. */
  readonly options: unknown;
  /** Epoch ms of the job's first start. */
  readonly started: number;
  /** Epoch ms of its latest start, note or end. */
  readonly updated: number;
}

/** The job between two registries that was started or ended last; undefined when the folder knows none. */
export async function findJob(
  dir: string,
  { source, target }: { readonly source: OriginId; readonly target: OriginId },
): Promise<StoredJob | undefined> {
  const rows = await queryJobs(dir, "WHERE source_origin = ? AND target_origin = ?", [source, target]);
  return rows[0];
}

/** Every job of a state folder, newest first; none when there is no journal. */
export function listJobs(dir: string): Promise<readonly StoredJob[]> {
  return queryJobs(dir, "", []);
}

/**
 * Every entry of a job, ordered by key, each as it was written last. Reads in pages, so that a job of millions of
 * entries needs little memory and a running job is not held up.
 */
export async function* latestEntries(job: Pick<StoredJob, "dir" | "id">): AsyncGenerator<JournalEntry> {
  const db = onDatabase(job.dir, () => openExistingDatabase(job.dir));
  if (db === undefined) return;
  try {
    for (const page of entryPages(db, job)) {
      yield* page;
      // Lets other work run between pages.
      await Promise.resolve();
    }
  } finally {
    db.close();
  }
}

/** A row of the table `job`. */
export function jobFromRow(row: Record<string, unknown>, dir: string): StoredJob {
  return {
    dir,
    id: String(row["id"]),
    state: String(row["state"]) as JobState,
    command: String(row["command"]),
    ...(typeof row["args"] === "string" ? { args: JSON.parse(row["args"]) as string[] } : {}),
    ...(typeof row["folder"] === "string" ? { folder: row["folder"] } : {}),
    source: String(row["source"]),
    target: String(row["target"]),
    options: JSON.parse(String(row["options"])) as unknown,
    started: Number(row["started"]),
    updated: Number(row["updated"]),
  };
}

/** A row of the table `entry`. */
export function entryFromRow(row: Record<string, unknown>): JournalEntry {
  const { key, state, fingerprint, code, message, detail } = row;
  return {
    key: String(key) as EntityKey,
    state: state === "done" ? "done" : "failed",
    fingerprint: String(fingerprint),
    ...(typeof row["placed"] === "string" ? { placed: placed(row["placed"] as EntityKey) } : {}),
    ...(typeof code === "string" ? { error: { code, message: typeof message === "string" ? message : "" } } : {}),
    ...(typeof detail === "string" ? { detail: JSON.parse(detail) as EntryDetail } : {}),
  };
}

const PAGE = 1000;

function* entryPages(db: DatabaseSync, { dir, id }: Pick<StoredJob, "dir" | "id">): Generator<JournalEntry[]> {
  const next = onDatabase(dir, () => db.prepare(`SELECT * FROM entry WHERE job = ? AND key > ? ORDER BY key LIMIT ${String(PAGE)}`));
  let after = "";
  for (;;) {
    const page = onDatabase(dir, () => next.all(id, after).map(entryFromRow));
    const end = page.at(-1);
    if (end === undefined) return;
    yield page;
    after = end.key;
  }
}

async function queryJobs(dir: string, where: string, values: readonly string[]): Promise<readonly StoredJob[]> {
  await Promise.resolve();
  return readDatabase<readonly StoredJob[]>(dir, [], (db) => {
    const rows = db.prepare(`SELECT * FROM job ${where} ORDER BY updated DESC, started DESC, id`).all(...values);
    return rows.map((row) => jobFromRow(row, dir));
  });
}
