// Writes a plan as its steps come, so that it may be of any length: to a name beside its own, which it gets once it is whole.
import { createHash, randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { PlanHeader, PlanLine } from "./format.ts";

export interface PlanWriter {
  add(line: PlanLine): Promise<void>;
  /** Seals the plan and gives it its name. */
  finish(): Promise<void>;
  /** Leaves nothing behind of a plan that was not finished; without effect on one that was. */
  discard(): Promise<void>;
}

const CHUNK_CHARS = 64 * 1024;

/** Begins a plan, readable by its owner alone. A file of the name is replaced when the plan is finished. Throws DISK. */
export async function createPlanFile(path: string, header: PlanHeader): Promise<PlanWriter> {
  const draft = `${path}.${randomUUID().slice(0, 8)}.partial`;
  const lines = sealedLines(await open(draft, "wx", 0o600));
  let steps = 0;
  await lines.put(header);
  return {
    async add({ key, action, fingerprint, lost }) {
      steps += 1;
      await lines.put({ key, action, fingerprint, ...(lost === undefined ? {} : { lost }) });
    },
    async finish() {
      await lines.put({ steps, sha256: await lines.digest() });
      await lines.end();
      await rename(draft, path);
    },
    async discard() {
      await lines.close();
      await rm(draft, { force: true });
    },
  };
}

/** Lines of a file, gathered into larger writes and hashed on the way. */
function sealedLines(file: FileHandle) {
  const hash = createHash("sha256");
  let waiting = "";
  let isOpen = true;
  const flush = async (): Promise<void> => {
    const chunk = Buffer.from(waiting);
    waiting = "";
    hash.update(chunk);
    await file.appendFile(chunk);
  };
  const close = async (): Promise<void> => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    async put(line: unknown): Promise<void> {
      waiting += `${JSON.stringify(line)}\n`;
      if (waiting.length >= CHUNK_CHARS) await flush();
    },
    /** Of everything so far. */
    async digest(): Promise<string> {
      await flush();
      return hash.copy().digest("hex");
    },
    async end(): Promise<void> {
      await flush();
      await file.sync();
      await close();
    },
    close,
  };
}
