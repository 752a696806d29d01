// Reads a small file, such as the description of a model, into memory.
import { asMigrationError } from "../errors.ts";
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import { isFatal } from "./job.ts";

/** A signature of many columns is large; what is larger than this is no description of a model. In bytes. */
export const LONGEST_TEXT = 4 * 1024 * 1024;

/** Its text; undefined for a file that is too long to be one of those that are looked for. */
export async function smallText(file: ArtifactFile, reader: ArtifactReader): Promise<string | undefined> {
  return (await smallBytes(file, reader))?.toString("utf8");
}

/** Its bytes; undefined for a file that is too long. */
export async function smallBytes(file: ArtifactFile, reader: ArtifactReader): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reader.open(file)) {
    bytes += chunk.length;
    if (bytes > LONGEST_TEXT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Gives the text of a file; undefined where there is none. Throws what keeps one that is there from being read. */
export type Peek = (path: string) => Promise<string | undefined>;

/** Reads each file once, however often it is asked for. The reader is opened when it is first needed. */
export function peeking(open: () => ArtifactReader): Peek {
  const texts = new Map<string, Promise<string | undefined>>();
  let reader: ArtifactReader | undefined;
  return (path) => {
    const text = texts.get(path) ?? textIfThere((reader ??= open()), path);
    texts.set(path, text);
    return text;
  };
}

async function textIfThere(reader: ArtifactReader, path: string): Promise<string | undefined> {
  try {
    return await smallText({ path }, reader);
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (isFatal(error) || (await mayBeThere(reader, path))) throw error;
    return undefined;
  }
}

/** Also where a folder cannot be listed that it may lie in. */
async function mayBeThere(reader: ArtifactReader, path: string): Promise<boolean> {
  for await (const file of reader.list()) {
    if (file.path === path || (file.unreadable !== undefined && (file.path === "" || path.startsWith(`${file.path}/`)))) return true;
  }
  return false;
}
