// Runs as the listing gave them, kept in a temporary file: a selection's closure must be known before the first run is
// handed out, and a registry must not be held in memory.
import { appendFileSync, closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { MigrationError } from "../../errors.ts";
import type { WireRun } from "./wire.ts";

export interface RunSpool {
  /** Keeps a run that is not there yet. */
  add(run: WireRun): void;
  /** A run that was added. */
  read(id: string): WireRun;
  has(id: string): boolean;
  /** Deletes the file. Repeatable. */
  close(): void;
}

/** Opens an empty spool; its file is readable by the user alone and goes away with {@link RunSpool.close}. */
export function createRunSpool(): RunSpool {
  const folder = mkdtempSync(join(tmpdir(), "mlferry-runs-"));
  const path = join(folder, "runs");
  const file = openSync(path, "a+", 0o600);
  // The open file lives on without its name, so that a killed process leaves nothing behind; Windows keeps it until it is closed.
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (process.platform !== "win32") remove();
  const places = new Map<string, { readonly offset: number; readonly bytes: number }>();
  let end = 0;
  let open = true;
  return {
    add(run) {
      const bytes = serialize(run);
      appendFileSync(file, bytes);
      places.set(run.info.run_id, { offset: end, bytes: bytes.length });
      end += bytes.length;
    },
    read(id) {
      const place = places.get(id);
      if (place === undefined) throw new MigrationError("INTERNAL", `run ${id} was not listed`);
      const bytes = Buffer.alloc(place.bytes);
      readSync(file, bytes, 0, place.bytes, place.offset);
      return deserialize(bytes) as WireRun;
    },
    has: (id) => places.has(id),
    close() {
      if (!open) return;
      open = false;
      closeSync(file);
      remove();
    },
  };
}
