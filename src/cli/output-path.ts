// Tells at once that a bundle cannot be written where it is asked for, before a server is read for it.
import { readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { MigrationError } from "../errors.ts";
import type { StoredJob } from "../journal/jobs.ts";
import { lastWriter } from "./job-journal.ts";

/**
 * Throws OUTPUT_EXISTS where something is that would not be replaced, DISK where the folder around it is missing. What a job left
 * incomplete is let pass: whether it is this one shows when the source is known. `dir` is the folder of the journals.
 */
export async function refuseExisting(path: string, { force, dir }: { readonly force: boolean; readonly dir: string }): Promise<void> {
  const folder = statSync(dirname(resolve(path)), { throwIfNoEntry: false });
  if (folder?.isDirectory() !== true) {
    throw new MigrationError("DISK", `cannot write ${path}: there is no folder ${dirname(resolve(path))}`, { hint: "create it first" });
  }
  if (force || !isTaken(path)) return;
  const writer = await lastWriter(dir, path);
  if (writer === undefined || writer.state === "complete") throw takenBy(path, writer);
}

/** Throws OUTPUT_EXISTS where something is that would not be replaced and that this job did not leave incomplete. */
export async function refuseForeign(path: string, { force, dir }: { readonly force: boolean; readonly dir: string }): Promise<void> {
  if (!force && isTaken(path)) throw takenBy(path, await lastWriter(dir, path));
}

function isTaken(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  return !(stat.isDirectory() && !path.endsWith(".tar") && readdirSync(path).length === 0);
}

function takenBy(path: string, writer: StoredJob | undefined): MigrationError {
  const otherwise = "give another name, or replace it with: mlferry export --force";
  const message = `${path} is there already`;
  if (writer === undefined) return new MigrationError("OUTPUT_EXISTS", message, { hint: otherwise });
  const hint =
    writer.state === "complete" ? `finished by: ${writer.command}; ${otherwise}` : `complete it with: ${writer.command}; or ${otherwise}`;
  return new MigrationError("OUTPUT_EXISTS", message, { hint });
}
