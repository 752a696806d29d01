// What may be written where: all that is known before the first write, so that a job that cannot be carried out leaves nothing behind.
import { constants } from "node:fs";
import { access, lstat, readFile, readdir } from "node:fs/promises";
import type { Stats } from "node:fs";
import { dirname, join } from "node:path";
import { MigrationError } from "../../errors.ts";
import { FORMAT, HEADER, isTarPath } from "./layout.ts";
import type { PartialLayout } from "./layout.ts";
import { refuseLocked } from "./lock.ts";

/** What is to become of a bundle that is there: it stays, it is replaced by a new one, or it is opened again. */
export type WhenThere = "refuse" | "replace" | "reopen";

/** Tells whether a bundle is there already. Throws OUTPUT_EXISTS where something is that is not to be touched. */
export async function checkOutput(path: string, whenThere: WhenThere): Promise<boolean> {
  const stat = await statOf(path);
  if (stat === undefined) return false;
  if (stat.isDirectory() && !isTarPath(path) && (await readdir(path)).length === 0) return false;
  if (whenThere === "refuse") {
    throw new MigrationError("OUTPUT_EXISTS", `${path} is there already`, { hint: "give another name, or replace it with --force" });
  }
  if (await isBundle(path, stat)) return true;
  // Only what is certainly a bundle is ever replaced: a mistyped path must not cost someone a folder.
  throw new MigrationError("OUTPUT_EXISTS", `${path} is there already, and it is no bundle`, {
    hint: "give another name: only a bundle is replaced",
  });
}

async function isBundle(path: string, stat: Stats): Promise<boolean> {
  if (isTarPath(path)) return stat.isFile();
  return stat.isDirectory() && (await readFile(join(path, HEADER), "utf8").catch(() => "")).includes(FORMAT);
}

/** Throws OUTPUT_EXISTS when the folder of the unfinished bundle is someone else's or in use, DISK when it could not be made. */
export async function checkUnfinished(layout: PartialLayout, output: string): Promise<void> {
  await checkWritable(dirname(layout.root));
  if ((await statOf(layout.root)) === undefined) return;
  await refuseStrangers(layout);
  await refuseLocked(layout.lock, output);
}

/** The folder's name could be someone's own: nothing in it is touched unless all of it is ours. */
async function refuseStrangers(layout: PartialLayout): Promise<void> {
  const ours = new Set(["bundle.tar", "bundle", "entities", "arrivals.jsonl", "spool", "lock", "replaced"]);
  const stranger = (await readdir(layout.root)).find((name) => !ours.has(name));
  if (stranger === undefined) return;
  throw new MigrationError(
    "OUTPUT_EXISTS",
    `${layout.root} is there, and it is no unfinished bundle: it holds ${JSON.stringify(stranger)}`,
    {
      hint: "give the bundle another name",
    },
  );
}

/** Folders that are missing are made with the first write, below the nearest one that is there. */
async function checkWritable(folder: string): Promise<void> {
  const stat = await statOf(folder);
  if (stat === undefined && dirname(folder) !== folder) return checkWritable(dirname(folder));
  await access(folder, constants.W_OK);
}

async function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}
