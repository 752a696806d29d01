// The folder that the demo writes into, and the examples that it reads.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { partialLayout } from "../../adapters/bundle/layout.ts";
import { MigrationError } from "../../errors.ts";

/** What comes with mlferry, in the same place below its root as built and as source. */
export const EXAMPLES = {
  registry: fileURLToPath(new URL("../../../examples/sample-registry", import.meta.url)),
  mapping: fileURLToPath(new URL("../../../examples/uc-mapping.yaml", import.meta.url)),
} as const;

const MARK = ".mlferry-demo";
const BUNDLE = "registry.tar";

/**
 * Makes the folder ready and gives the path for the bundle. What an earlier demo wrote there is deleted, by name: nothing else ever is.
 * Throws OUTPUT_EXISTS for a folder that holds something and is not an earlier demo's.
 */
export function demoBundlePath(folder: string): string {
  const isOwn = existsSync(join(folder, MARK));
  if (!isOwn && existsSync(folder) && readdirSync(folder).length > 0) {
    throw new MigrationError("OUTPUT_EXISTS", `the folder ${folder} holds something that is not of a demo`, {
      hint: "choose another folder with --dir",
    });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, MARK), "Written by mlferry demo, which replaces registry.tar in this folder.\n");
  const bundle = join(folder, BUNDLE);
  for (const path of [bundle, partialLayout(bundle).root]) rmSync(path, { recursive: true, force: true });
  return bundle;
}

/** A path as people would write it: relative to where they are, unless that is longer. */
export function shortPath(path: string, here: string): string {
  const near = relative(here, path);
  return near !== "" && near.length < path.length ? near : path;
}
