// One process at a time per job. The lock is the operating system's, so it ends with the process that held it: no stale
// locks after a crash, and no guessing from process ids, which containers and reboots hand out again.
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { resultCode, databaseError } from "./database.ts";

const SQLITE_BUSY = 5;

/** Whoever only looks holds the file for less than a millisecond: that must not keep a job from its lock. */
const LOOK_MS = 250;

/**
 * Takes the lock of a job in a state folder and gives what releases it; undefined when another process, or another
 * journal of this one, holds it. The empty lock file stays behind: removing it would let two processes lock two files.
 */
export function lockJob(dir: string, job: string): (() => void) | undefined {
  const file = join(dir, `${job}.lock`);
  closeSync(openSync(file, "a", 0o600));
  // SQLite's exclusive transaction on a file of its own: the one lock that Node offers which dies with its holder.
  const lock = new DatabaseSync(file, { timeout: LOOK_MS });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (thrown) {
    lock.close();
    if (resultCode(thrown) === SQLITE_BUSY) return undefined;
    throw databaseError(file, thrown);
  }
  return () => {
    lock.close();
  };
}

/** Whether a process holds the lock now. Writes nothing. */
export function isLocked(dir: string, job: string): boolean {
  const file = join(dir, `${job}.lock`);
  if (!existsSync(file)) return false;
  const lock = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_master").get();
    return false;
  } catch (thrown) {
    if (resultCode(thrown) === SQLITE_BUSY) return true;
    throw databaseError(file, thrown);
  } finally {
    lock.close();
  }
}
