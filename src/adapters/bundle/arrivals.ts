// Remembers files that arrived for an object whose line is not written yet. A job that was cut off does not send them again.
import { z } from "zod";
import type { EntityKey } from "../../model/entities.ts";
import { openLineLog } from "./line-log.ts";
import { FILE_PATH } from "./records.ts";
import type { FileRecord } from "./records.ts";

export interface Arrivals {
  /** Files that arrived for the object since its last line, by path. */
  of(key: EntityKey): ReadonlyMap<string, FileRecord>;
  add(key: EntityKey, file: FileRecord): Promise<void>;
  /** To be called when the object's line holds the files. */
  clear(key: EntityKey): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const arrival = z.strictObject({ key: z.string(), path: z.string().regex(FILE_PATH), size: z.int().min(0), sha256: z.string() });
const cleared = z.strictObject({ key: z.string(), written: z.literal(true) });
const lineSchema = z.union([arrival, cleared]);

/** Opens the file or begins it. Arrivals of which `isStored` says no count for nothing. */
export async function openArrivals(path: string, isStored: (file: FileRecord) => boolean): Promise<Arrivals> {
  const pending = new Map<string, Map<string, FileRecord>>();
  const log = await openLineLog(path, (bytes) => {
    const line = parse(bytes);
    if (line === undefined) return false;
    if ("written" in line) pending.delete(line.key);
    else if (isStored(line)) take(pending, line.key, { path: line.path, size: line.size, sha256: line.sha256 });
    return true;
  });
  return {
    of: (key) => pending.get(key) ?? new Map<string, FileRecord>(),
    add: async (key, file) => {
      await log.append(JSON.stringify({ key, ...file }));
      take(pending, key, file);
    },
    clear: async (key) => {
      if (pending.delete(key)) await log.append(JSON.stringify({ key, written: true }));
    },
    sync: () => log.sync(),
    close: () => log.close(),
  };
}

function take(pending: Map<string, Map<string, FileRecord>>, key: string, file: FileRecord): void {
  const files = pending.get(key) ?? new Map<string, FileRecord>();
  pending.set(key, files.set(file.path, file));
}

function parse(bytes: Uint8Array): z.output<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8"))).data;
  } catch {
    // No JSON: the line was torn.
    return undefined;
  }
}
