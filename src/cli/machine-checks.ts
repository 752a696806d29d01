// What a job needs of this machine: a Node that will do, and room on the disks that it writes to.
import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { asMigrationError } from "../errors.ts";
import type { Check } from "../ports/checks.ts";
import { bytesText } from "../report/quantities.ts";
import { nodeProblem } from "./node-version.ts";

/** A folder that a job writes to, and what for. */
export interface WrittenFolder {
  readonly name: string;
  readonly path: string;
}

/** Checks that read nothing but the file system's own figures. */
export function machineChecks(nodeVersion: string, folders: readonly WrittenFolder[]): Check[] {
  const problem = nodeProblem(nodeVersion);
  const node: Check =
    problem === undefined
      ? { name: "node", state: "ok", says: `Node ${nodeVersion}` }
      : { name: "node", state: "fail", says: problem.replace(/^error: /, "") };
  return [node, ...folders.map((folder) => diskCheck(folder))];
}

/** Less than this is gone with the first larger model. */
const LITTLE_BYTES = 2 ** 30;

function diskCheck({ name, path }: WrittenFolder): Check {
  const there = nearest(resolve(path));
  try {
    if (!statSync(there).isDirectory())
      return { name, state: "fail", says: `${there} is no folder`, hint: "name a folder, or a path below one" };
    accessSync(there, constants.W_OK);
    const { bavail, bsize } = statfsSync(there);
    const free = bavail * bsize;
    const says = `${bytesText(free)} free at ${path}`;
    if (free > LITTLE_BYTES) return { name, state: "ok", says };
    return { name, state: "warn", says, hint: "a bundle needs room for its largest file twice, and listed runs wait here in a file" };
  } catch (thrown) {
    const { code, message, hint } = asMigrationError(thrown);
    return { name, state: "fail", says: message, code, ...(hint === undefined ? {} : { hint }) };
  }
}

/** The folder, or the nearest one above it that is there. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}
