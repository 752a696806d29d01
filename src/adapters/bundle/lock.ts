// Keeps two processes from writing one bundle.
import { open, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { MigrationError } from "../../errors.ts";

const holderSchema = z.object({ pid: z.int().min(1), host: z.string(), started: z.number() });
type Holder = z.output<typeof holderSchema>;

/** Releases the lock. */
export type Unlock = () => Promise<void>;

/**
 * Takes the lock file, or throws OUTPUT_EXISTS naming the process that holds it. The lock of a process that is gone is taken
 * over; that of another machine is not, since nothing tells whether that process lives.
 */
export async function lock(path: string, output: string): Promise<Unlock> {
  const self = ownHolder();
  for (let attempt = 0; attempt < 2; attempt++) {
    if (await tryCreate(path, self)) return () => rm(path, { force: true });
    const holder = await readHolder(path);
    if (holder !== undefined && isAlive(holder, self)) throw beingWritten(path, output, holder);
    await rm(path, { force: true });
  }
  throw beingWritten(path, output, undefined);
}

/** Throws OUTPUT_EXISTS when the lock file is held by a process that may live. Takes nothing. */
export async function refuseLocked(path: string, output: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder !== undefined && isAlive(holder, ownHolder())) throw beingWritten(path, output, holder);
}

// The start time tells this process from an earlier one with the same number: in containers numbers repeat.
const ownHolder = (): Holder => ({ pid: process.pid, host: hostname(), started: Math.round(performance.timeOrigin) });

async function tryCreate(path: string, holder: Holder): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(`${JSON.stringify(holder)}\n`).finally(() => file.close());
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined where the file is torn or gone: its writer did not get far. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder, self: Holder): boolean {
  if (holder.host !== self.host) return true;
  if (holder.pid === self.pid) return holder.started === self.started;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    // Not permitted to signal it: it lives, under another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function beingWritten(path: string, output: string, holder: Holder | undefined): MigrationError {
  const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
  return new MigrationError("OUTPUT_EXISTS", `${output} is being written by ${who}`, {
    hint: `wait for it to end; if it is gone for certain, delete ${path}`,
  });
}
