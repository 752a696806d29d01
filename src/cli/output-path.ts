// Tells at once that a bundle cannot be written where it is asked for, before a server is read for it.
import { readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { MigrationError } from "../errors.ts";

/** Throws OUTPUT_EXISTS where something is that would not be replaced, DISK where the folder around it is missing. */
export function refuseExisting(path: string, { force }: { readonly force: boolean }): void {
  const folder = statSync(dirname(resolve(path)), { throwIfNoEntry: false });
  if (folder?.isDirectory() !== true) {
    throw new MigrationError("DISK", `cannot write ${path}: there is no folder ${dirname(resolve(path))}`, { hint: "create it first" });
  }
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || force) return;
  if (stat.isDirectory() && !path.endsWith(".tar") && readdirSync(path).length === 0) return;
  throw new MigrationError("OUTPUT_EXISTS", `${path} is there already`, {
    hint: "give another name, or replace it with: mlferry export --force",
  });
}
