// Reads a small file, such as the description of a model, into memory.
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";

/** A signature of many columns is large; what is larger than this is no description of a model. */
const LONGEST = 4 * 1024 * 1024;

/** Its text; undefined for a file that is too long to be one of those that are looked for. */
export async function smallText(file: ArtifactFile, reader: ArtifactReader): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reader.open(file)) {
    bytes += chunk.length;
    if (bytes > LONGEST) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
