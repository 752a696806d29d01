// Fills one server with the awkward registry before the suite, for all files to read, and sees to it that none wrote to it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { seedAwkward } from "./registry.ts";
import type { Seeded } from "./registry.ts";
import { ensurePython, MLFLOW_VERSIONS, startMlflow } from "./servers.ts";

declare module "vitest" {
  export interface ProvidedContext {
    readonly source: SeededSource;
  }
}

/** The filled server, as the test files are told of it. */
export interface SeededSource extends Seeded {
  readonly url: string;
  readonly dir: string;
  /** What `storedState()` gave after filling. */
  readonly state: string;
  /** A folder for what several files make use of; gone after the suite. */
  readonly shared: string;
}

/** Called by vitest before the first file; what it gives is called after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The first time this takes a minute, which all of them can share.
  await Promise.all(MLFLOW_VERSIONS.map((version) => ensurePython(version)));
  const shared = await mkdtemp(join(tmpdir(), "mlferry-live-"));
  const server = await startMlflow({ name: "source" });
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await rm(shared, { recursive: true, force: true });
  };
  try {
    const { ids } = await seedAwkward(server);
    project.provide("source", { ids, url: server.url, dir: server.dir, state: await server.storedState(), shared });
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
  return dispose;
}
