// The journal's SQLite file: how it is created and opened, its tables, and what SQLite's errors mean to a user.
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { asMigrationError, MigrationError } from "../errors.ts";

/** The one file that holds every job of a state folder. */
export const JOURNAL_FILE = "journal.sqlite";

const SCHEMA_VERSION = 4;
/** Two jobs may share the file; a commit takes milliseconds, so a wait this long means a stuck disk. */
const BUSY_TIMEOUT_MS = 10_000;

/** Version 1; what came later is in {@link UPGRADES}. */
const TABLES = `
  CREATE TABLE job (
    id TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'partial')),
    command TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, options TEXT NOT NULL,
    source_origin TEXT NOT NULL, target_origin TEXT NOT NULL,
    started INTEGER NOT NULL, updated INTEGER NOT NULL, pid INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE entry (
    job TEXT NOT NULL REFERENCES job (id), key TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('done', 'failed')),
    fingerprint TEXT NOT NULL, placed TEXT, code TEXT, message TEXT,
    PRIMARY KEY (job, key)
  ) WITHOUT ROWID;
  CREATE TABLE file (
    job TEXT NOT NULL REFERENCES job (id), key TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (job, key, path)
  ) WITHOUT ROWID;
`;

/** By the version from which each leads to the next. What an earlier version did not note stays empty. */
const UPGRADES: readonly string[] = [
  TABLES,
  `ALTER TABLE job ADD COLUMN args TEXT; ALTER TABLE job ADD COLUMN folder TEXT; ALTER TABLE job ADD COLUMN lock TEXT;`,
  `ALTER TABLE entry ADD COLUMN detail TEXT;`,
  `CREATE TABLE sighting (
     origin TEXT NOT NULL, model TEXT NOT NULL, version INTEGER NOT NULL, stage TEXT NOT NULL, changed TEXT, first TEXT NOT NULL,
     last TEXT NOT NULL, PRIMARY KEY (origin, model, version)
   ) WITHOUT ROWID;
   CREATE TABLE stage_change (
     origin TEXT NOT NULL, model TEXT NOT NULL, version INTEGER NOT NULL, number INTEGER NOT NULL, from_stage TEXT NOT NULL,
     to_stage TEXT NOT NULL, at TEXT NOT NULL, after TEXT NOT NULL, before TEXT NOT NULL, PRIMARY KEY (origin, model, version, number)
   ) WITHOUT ROWID;`,
];

/**
 * Opens the journal of a state folder, creating folder (0700), file (0600) and tables where they are missing. Throws
 * NOT_SUPPORTED for a file of a newer schema and DISK for one that is damaged or cannot be written.
 */
export function openDatabase(dir: string): DatabaseSync {
  const file = join(dir, JOURNAL_FILE);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // SQLite gives the files beside it (-wal, -shm) the permissions of this one.
  closeSync(openSync(file, "a", 0o600));
  return connect(file, (opened) => {
    // With a write-ahead log, NORMAL keeps every commit through a crash of the process; a loss of power may cost the latest.
    opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    upgrade(opened, file);
    return true;
  });
}

/**
 * A journal that is only read, of this version or an earlier one, which stays as it is: columns that it lacks are absent from its
 * rows. Undefined where there is none yet.
 */
export function openExistingDatabase(dir: string): DatabaseSync | undefined {
  const file = join(dir, JOURNAL_FILE);
  if (!existsSync(file)) return undefined;
  return connect(file, (db) => {
    db.exec("PRAGMA query_only = ON");
    return checkedVersion(db, file) > 0;
  });
}

/** What `work` reads of a journal that is closed after it; `none` where there is no journal. */
export function readDatabase<T>(dir: string, none: T, work: (db: DatabaseSync) => T): T {
  return onDatabase(dir, () => {
    const db = openExistingDatabase(dir);
    if (db === undefined) return none;
    try {
      return work(db);
    } finally {
      db.close();
    }
  });
}

/** Runs work on the journal file and gives SQLite's errors as MigrationErrors that name the file. */
export function onDatabase<T>(dir: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw databaseError(join(dir, JOURNAL_FILE), thrown);
  }
}

/** Commits all writes of `work`, or none of them. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (thrown) {
    // SQLite itself has already rolled back after some errors, such as a full disk.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw thrown;
  }
}

/** What an error of node:sqlite means, by SQLite's result codes (https://sqlite.org/rescode.html). */
export function databaseError(file: string, thrown: unknown): MigrationError {
  const primary = resultCode(thrown);
  if (primary === undefined) return asMigrationError(thrown);
  if (primary === 11 || primary === 26) {
    return new MigrationError("DISK", `the journal ${file} is damaged`, {
      cause: thrown,
      hint: "move the file away and run the same command again: what is at the target already is recognised there",
    });
  }
  if (primary === 13) {
    return new MigrationError("DISK", `cannot write the journal ${file}: the disk is full`, {
      cause: thrown,
      hint: "free some space and run the same command again: it continues",
    });
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const refused = [3, 5, 6, 8, 10, 14].includes(primary);
  if (!refused) return asMigrationError(thrown);
  return new MigrationError("DISK", `cannot use the journal ${file}: ${reason}`, {
    cause: thrown,
    hint: "the folder must be on a local disk that can be written; --state names another one",
  });
}

/** SQLite's primary result code, such as 5 for SQLITE_BUSY; undefined for any other error. */
export function resultCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("errcode" in thrown) || typeof thrown.errcode !== "number") return undefined;
  return thrown.errcode & 0xff;
}

/** Gives the database if `prepare` says that it is to be used. */
function connect(file: string, prepare: (db: DatabaseSync) => true): DatabaseSync;
function connect(file: string, prepare: (db: DatabaseSync) => boolean): DatabaseSync | undefined;
function connect(file: string, prepare: (db: DatabaseSync) => boolean): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    if (prepare(db)) return db;
    db.close();
    return undefined;
  } catch (thrown) {
    if (db?.isOpen === true) db.close();
    throw databaseError(file, thrown);
  }
}

function upgrade(db: DatabaseSync, file: string): void {
  if (checkedVersion(db, file) === SCHEMA_VERSION) return;
  inTransaction(db, () => {
    // Another process may have done it since the look above.
    for (const step of UPGRADES.slice(checkedVersion(db, file))) db.exec(step);
    db.exec(`PRAGMA user_version = ${String(SCHEMA_VERSION)}`);
  });
}

function checkedVersion(db: DatabaseSync, file: string): number {
  const found = Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (found <= SCHEMA_VERSION) return found;
  throw new MigrationError("NOT_SUPPORTED", `the journal ${file} was written by a newer mlferry (schema ${String(found)})`, {
    hint: "use that version of mlferry, or name another folder with --state",
  });
}
