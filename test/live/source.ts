// The filled server that all files of the suite read, and a bundle of it.
import { existsSync } from "node:fs";
import { copyFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject } from "vitest";
import type { SeededSource } from "./global-setup.ts";
import { createWorkplace } from "./mlferry.ts";
import type { CompareOptions } from "./registry.ts";
import { storedStateOf } from "./servers.ts";

/** The server that the suite's setup filled. Nobody writes to it. */
export function source(): SeededSource {
  return inject("source");
}

/** Everything that the source holds, as a tar, made by the first file that asks for it. */
export async function sourceBundle(): Promise<string> {
  const { url, shared } = source();
  const path = join(shared, "registry.tar");
  if (existsSync(path)) return path;
  await using place = await createWorkplace();
  const { code, stderr } = await place.run(["export", url, "-o", "registry.tar", "--include-deleted", "--quiet"]);
  expect(code, stderr).toBe(NAMED_LOSSES);
  // Another file may have been faster; one is as good as the other.
  const aside = `${path}.${process.pid}`;
  await copyFile(join(place.dir, "registry.tar"), aside);
  await rename(aside, path);
  return path;
}

/** Exit code of whatever moves the whole source: some of its files cannot be read through any server. */
export const NAMED_LOSSES = 3;

/** Expects that reading left every byte of the source as it was. */
export async function expectSourceUntouched(): Promise<void> {
  const { dir, state } = source();
  expect(await storedStateOf(dir)).toBe(state);
}

export type Allowances = NonNullable<CompareOptions["allow"]>;

/** Files that no server delivers: as differences of any true copy. */
export const LOST_FILES: Allowances = [
  // MLflow's server refuses # in paths, and reads %23 as another name: no client can have these files from it.
  ...["%23.txt", "double%2520.txt", "escaped%20space.txt", "folder#1/50%/file.txt", "hash#tag.txt"].map((file) => ({
    key: "run:artifacts at a */names no proxy takes at a *",
    field: `files.${file}`,
  })),
  // Their bucket does not exist.
  { key: "model-version:without a run/?", field: "files.unreadable" },
];

/** How a true copy of the whole source differs from it: each has a reason, and each must occur. */
export const AGREED: Allowances = [
  ...LOST_FILES,
  // Files that lie in no run go to a carrier run, which becomes the version's; its own run stands in a tag.
  { key: "model-version:logged model is deleted/1", field: "run" },
  { key: "model-version:logged model is deleted/1", field: "tags.source_run" },
  // Its source is `runs:/<run>/<name>`, which means the run's logged model: the copy names that directly.
  { key: "model-version:by run and model name/1", field: "origin" },
];

/** Differences that {@link AGREED} takes away. */
export const AGREED_COUNT = 15;

/** Runs that hold files of versions which lie in no run: those of a deleted logged model, and of two in the lost bucket. */
export const CARRIERS = 3;
