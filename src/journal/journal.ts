// The checkpoint store on node:sqlite: what a job has placed, so that the same command continues where it was cut off.
// Knows entries and files, not what they mean; where jobs are looked up again is jobs.ts.
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { MigrationError } from "../errors.ts";
import type { Digest, EntityKey } from "../model/entities.ts";
import type { FileEntry, JobIdentity, Journal, JournalEntry } from "../ports/journal.ts";
import { inTransaction, onDatabase, openDatabase } from "./database.ts";
import { entryFromRow, jobFromRow } from "./jobs.ts";
import { groupCommit } from "./group-commit.ts";
import { lockJob } from "./lock.ts";

/** What is kept about a job for people and for later commands. Must hold no credential. */
export interface JobInfo {
  /** As it was typed, for people. */
  readonly command: string;
  /** Its arguments and the folder that it ran in, to run it again. */
  readonly args: readonly string[];
  readonly folder: string;
  readonly source: string;
  readonly target: string;
  /** Selection and mapping as JSON-able data, for verify. */
  readonly options: unknown;
}

export interface OpenJournalOptions {
  /** The state folder; created when missing. */
  readonly dir: string;
  readonly identity: JobIdentity;
  readonly info: JobInfo;
  /** Epoch ms. */
  readonly now: () => number;
  /** Also keep out other jobs between the same two registries: they would each create what the other is creating. */
  readonly exclusive?: boolean;
}

export interface OpenedJournal extends Journal {
  /** The job's id, for `resume` and reports: 16 hexadecimal digits. */
  readonly job: string;
}

/** The id of a job: the same source, target and options give the same one. */
export function jobId(identity: JobIdentity): string {
  const text = JSON.stringify([identity.source, identity.target, identity.options]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Opens the job's journal, or starts it. An appended entry survives a crash of the process as soon as `append` resolves.
 * Throws NOT_SUPPORTED when another process works on the job or the file is of a newer mlferry, and DISK when the file is
 * damaged or cannot be written.
 */
export async function openJournal(options: OpenJournalOptions): Promise<OpenedJournal> {
  // The body is synchronous, as node:sqlite is; the signature leaves room for another store.
  await Promise.resolve();
  const job = jobId(options.identity);
  const db = onDatabase(options.dir, () => openDatabase(options.dir));
  let unlock: (() => void) | undefined;
  try {
    const lock = options.exclusive === true ? jobId({ ...options.identity, options: "" }) : job;
    unlock = onDatabase(options.dir, () => lockJob(options.dir, lock));
    if (unlock === undefined) throw lockedError(db, job, options.identity);
    const resuming = onDatabase(options.dir, () => startJob(db, { job, lock }, options));
    return journalOf({ db, job, resuming, unlock, dir: options.dir, now: options.now });
  } catch (thrown) {
    unlock?.();
    db.close();
    throw thrown;
  }
}

interface Open {
  readonly db: DatabaseSync;
  readonly job: string;
  readonly resuming: boolean;
  readonly dir: string;
  readonly now: () => number;
  unlock(): void;
}

function lockedError(db: DatabaseSync, job: string, { source, target }: JobIdentity): MigrationError {
  const row =
    db.prepare("SELECT * FROM job WHERE id = ? AND state = 'running'").get(job) ??
    db
      .prepare("SELECT * FROM job WHERE source_origin = ? AND target_origin = ? AND state = 'running' ORDER BY updated DESC")
      .get(source, target);
  const pid = row?.["pid"];
  const holder = typeof pid === "number" ? `process ${String(pid)}` : "another process";
  const command = row === undefined ? "" : ` (${jobFromRow(row, "").command})`;
  const what = row === undefined || row["id"] === job ? `job ${job}` : "another job between the same two places";
  return new MigrationError("NOT_SUPPORTED", `${what} is being worked on by ${holder}${command}`, {
    hint: "wait until it ends, or stop it: the same command then continues",
  });
}

/** Marks the job as running and tells whether an earlier run of it was left unfinished. */
function startJob(db: DatabaseSync, { job, lock }: { job: string; lock: string }, { identity, info, now }: OpenJournalOptions): boolean {
  return inTransaction(db, () => {
    const before = db.prepare("SELECT state FROM job WHERE id = ?").get(job)?.["state"];
    const time = now();
    db.prepare(
      `INSERT INTO job (id, state, command, args, folder, source, target, options, source_origin, target_origin, started, updated, pid, lock)
       VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = 'running', command = excluded.command, args = excluded.args, folder = excluded.folder,
         source = excluded.source, target = excluded.target, options = excluded.options, updated = excluded.updated,
         pid = excluded.pid, lock = excluded.lock`,
    ).run(
      job,
      info.command,
      JSON.stringify(info.args),
      info.folder,
      info.source,
      info.target,
      JSON.stringify(info.options ?? null),
      identity.source,
      identity.target,
      time,
      time,
      process.pid,
      lock,
    );
    const resuming = before === "running";
    // What was noted before a job that ended stays as the map from old to new, but is not trusted without asking the target.
    if (!resuming) db.prepare("UPDATE entry SET fingerprint = '' WHERE job = ?").run(job);
    return resuming;
  });
}

type Write = { readonly entry: JournalEntry } | { readonly key: EntityKey; readonly file: FileEntry };

function journalOf(open: Open): OpenedJournal {
  const { db, job, dir } = open;
  const write = writer(open);
  const group = groupCommit<Write>((items) => {
    onDatabase(dir, () => {
      inTransaction(db, () => write(items));
    });
  });
  const lastEntry = db.prepare("SELECT * FROM entry WHERE job = ? AND key = ?");
  const filesOf = db.prepare("SELECT path, size, digest FROM file WHERE job = ? AND key = ? ORDER BY path");
  const endJob = db.prepare("UPDATE job SET state = ?, updated = ?, pid = NULL WHERE id = ?");
  return {
    job,
    resuming: open.resuming,
    last: (key) => settled(dir, () => optional(lastEntry.get(job, key), entryFromRow)),
    append: (entry) => group.add({ entry }),
    files: (key) => settled(dir, () => filesOf.all(job, key).map(fileFromRow)),
    appendFile: (key, file) => group.add({ key, file }),
    end(state) {
      group.flush();
      return settled(dir, () => {
        endJob.run(state, open.now(), job);
      });
    },
    close() {
      group.flush();
      return settled(dir, () => {
        if (!db.isOpen) return;
        try {
          db.close();
        } finally {
          open.unlock();
        }
      });
    },
  };
}

function writer({ db, job, now }: Open): (items: readonly Write[]) => void {
  // A failure says nothing about where the object is: the key of an earlier success stays.
  const entry = db.prepare(
    `INSERT INTO entry (job, key, state, fingerprint, placed, code, message, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (job, key) DO UPDATE SET state = excluded.state, fingerprint = excluded.fingerprint,
       placed = COALESCE(excluded.placed, entry.placed), code = excluded.code, message = excluded.message,
       detail = COALESCE(excluded.detail, entry.detail)`,
  );
  const file = db.prepare("INSERT OR REPLACE INTO file (job, key, path, size, digest) VALUES (?, ?, ?, ?, ?)");
  const touch = db.prepare("UPDATE job SET updated = ? WHERE id = ?");
  const writeOne = (item: Write): void => {
    if ("file" in item) {
      file.run(job, item.key, item.file.path, item.file.sizeBytes, item.file.digest);
      return;
    }
    const { key, state, fingerprint, placed, error, detail } = item.entry;
    const told = detail === undefined ? null : JSON.stringify(detail);
    entry.run(job, key, state, fingerprint, placed ?? null, error?.code ?? null, error?.message ?? null, told);
  };
  return (items) => {
    for (const item of items) writeOne(item);
    touch.run(now(), job);
  };
}

function fileFromRow(row: Record<string, unknown>): FileEntry {
  return { path: String(row["path"]), sizeBytes: Number(row["size"]), digest: String(row["digest"]) as Digest };
}

function optional<A, B>(value: A | undefined, convert: (value: A) => B): B | undefined {
  return value === undefined ? undefined : convert(value);
}

/** What synchronous work gives or throws, as a promise. */
async function settled<T>(dir: string, work: () => T): Promise<T> {
  return await Promise.resolve(onDatabase(dir, work));
}
