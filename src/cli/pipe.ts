// Bundles through stdin and stdout: read as a whole before anything is done with them, written as they are made.
import { randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STDIN } from "../adapters/bundle/envelope.ts";
import type { OpenTar } from "../adapters/bundle/member-store.ts";
import type { ByteSink } from "../adapters/bundle/stream-writer.ts";
import { MigrationError, asMigrationError } from "../errors.ts";
import type { Location, NamedLocation } from "./location.ts";
import type { Environment, Terminal } from "./terminal.ts";

/** Throws USAGE where a bundle would be read from a terminal or written to one. */
export function refuseTerminals(
  { bytes }: Pick<Terminal, "bytes">,
  ends: { readonly source?: Location; readonly target?: Location },
): void {
  if (ends.source?.place === "pipe" && bytes.in.isTTY) {
    throw new MigrationError("USAGE", "a bundle is not read from a terminal", { hint: "mlferry export SRC -o - | mlferry import - DST" });
  }
  if (ends.target?.place === "pipe" && bytes.out.isTTY) {
    throw new MigrationError("USAGE", "a bundle is not written to a terminal", {
      hint: "mlferry export SRC -o - | ssh host 'cat > backup.tar', or give the name of a file",
    });
  }
}

/** Throws USAGE where a folder of bundles or a server with workspaces is meant, which a pipe cannot carry. */
export function refusePipe(location: Location): NamedLocation {
  if (location.place !== "pipe") return location;
  throw new MigrationError("USAGE", "- is a single bundle, and --workspaces makes one of each workspace", {
    hint: "give a folder, in which each workspace is NAME.tar",
  });
}

/** Throws USAGE where both places are the pipe. */
export function refuseTwoPipes(a: Location, b: Location): void {
  if (a.place !== "pipe" || b.place !== "pipe") return;
  throw new MigrationError("USAGE", "source and target are both -", { hint: "name one of them: only one place can be a pipe" });
}

/** A name for a folder of temporary files; not made. `TMPDIR` says where. */
export const temporaryFolder = (env: Environment): string => join(temporaryRoot(env), `mlferry-export-${randomUUID()}`);

const temporaryRoot = (env: Environment): string => env["TMPDIR"] || tmpdir();

/** Everything that comes through stdin, kept on the disk. Throws BUNDLE_DAMAGED where nothing comes, DISK, INTERRUPTED. */
export async function spoolStdin({ bytes, env }: Pick<Terminal, "bytes" | "env">, signal: AbortSignal): Promise<OpenTar> {
  const folder = temporaryRoot(env);
  try {
    const file = await namelessFile(folder);
    if ((await fill(file, bytes.in.chunks(signal))) > 0) return { where: STDIN, file };
    await file.close();
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (error.code !== "DISK") throw error;
    throw new MigrationError("DISK", `cannot keep what comes through stdin in ${folder}: ${error.message}`, {
      hint: "set TMPDIR to a folder with room for the whole bundle",
      cause: error,
    });
  }
  throw new MigrationError("BUNDLE_DAMAGED", "nothing came through stdin", { hint: "see why the command before the pipe failed" });
}

/** Without a name there is nothing to be removed, however this process ends. */
async function namelessFile(folder: string): Promise<FileHandle> {
  const path = join(folder, `mlferry-stdin-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await rm(path);
  return file;
}

/** Closes the file when it fails. */
async function fill(file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  try {
    for await (const chunk of chunks) {
      for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
      size += chunk.length;
    }
    return size;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Writes to stdout. A reader that takes nothing does not keep an interruption waiting. */
export function stdoutSink({ bytes: { out } }: Pick<Terminal, "bytes">, signal: AbortSignal): ByteSink {
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        const stop = (): void => reject(asMigrationError(signal.reason));
        if (signal.aborted) return stop();
        signal.addEventListener("abort", stop, { once: true });
        out
          .send(bytes)
          .then(resolve, (error: unknown) => reject(outputError(error)))
          .finally(() => signal.removeEventListener("abort", stop));
      }),
  };
}

function outputError(error: unknown): MigrationError {
  if (error instanceof Error && "code" in error && error.code === "EPIPE") {
    return new MigrationError("OUTPUT_CLOSED", "the reader of the bundle has gone away before its end", {
      hint: "see why the command after the pipe ended; a bundle in a pipe is written anew each time",
      cause: error,
    });
  }
  const { message } = asMigrationError(error);
  return new MigrationError("DISK", `cannot write the bundle to stdout: ${message}`, { cause: error });
}
