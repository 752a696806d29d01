// A file of lines that is only appended to, and that can be continued after being cut off at any byte.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { MigrationError } from "../../errors.ts";
import { LIMITS } from "./layout.ts";
import { LineError, linesOf } from "./lines.ts";
import { serially, whenGrown } from "./queue.ts";
import { collect } from "./store.ts";
import { readRange } from "./tar-store.ts";

export interface LinePlace {
  readonly position: number;
  /** Without the line feed. */
  readonly sizeBytes: number;
}

export interface LineLog {
  /** Adds a line (without line feed). May be called in parallel. */
  append(line: string): Promise<LinePlace>;
  read(place: LinePlace): Promise<Buffer>;
  /** Resolves when every line whose append has resolved is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the file or begins it, and hands every line that is there to `onLine`, in order. The file is cut before the first
 * line that is torn or that `onLine` calls unsound by returning false.
 */
export async function openLineLog(path: string, onLine: (bytes: Uint8Array, place: LinePlace) => boolean): Promise<LineLog> {
  const file = await open(path, "r+").catch(() => open(path, "wx+", 0o600));
  let end = await soundEnd(path, onLine);
  await file.truncate(end);
  const oneByOne = serially();
  return {
    append: (line) =>
      oneByOne(async () => {
        const bytes = Buffer.from(`${line}\n`);
        if (bytes.length > LIMITS.lineBytes)
          throw new MigrationError("NOT_SUPPORTED", `an object of ${bytes.length} bytes does not fit in a bundle`);
        const position = end;
        for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
        // Only now: what a failed write left behind is overwritten by the next.
        end += bytes.length;
        return { position, sizeBytes: bytes.length - 1 };
      }),
    read: ({ position, sizeBytes }) =>
      collect(readRange(file, { position, sizeBytes }, () => new MigrationError("DISK", `${path} became shorter while it was in use`))),
    sync: whenGrown(
      () => end,
      () => file.datasync(),
    ),
    close: () => file.close(),
  };
}

async function soundEnd(path: string, onLine: (bytes: Uint8Array, place: LinePlace) => boolean): Promise<number> {
  let end = 0;
  try {
    for await (const { bytes, position } of linesOf(createReadStream(path), LIMITS.lineBytes)) {
      if (!onLine(bytes, { position, sizeBytes: bytes.length })) return position;
      end = position + bytes.length + 1;
    }
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
  }
  return end;
}
