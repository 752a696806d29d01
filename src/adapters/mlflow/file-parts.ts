// A file cut into parts that are each held in memory, for stores that take it so.
import { MigrationError } from "../../errors.ts";

export interface PartedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Parts of `partBytes`, the last one shorter; none of an empty file. Throws ARTIFACT_CORRUPT where the file gives another number of bytes. */
export async function* inParts({ open, sizeBytes, path }: PartedFile, partBytes: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let [count, total] = [0, 0];
  for await (const chunk of open()) {
    total += chunk.length;
    for (let rest = chunk; rest.length > 0;) {
      const taken = rest.subarray(0, partBytes - count);
      held.push(taken);
      count += taken.length;
      rest = rest.subarray(taken.length);
      if (count < partBytes) continue;
      yield Buffer.concat(held);
      [held, count] = [[], 0];
    }
  }
  if (total !== sizeBytes) {
    throw new MigrationError("ARTIFACT_CORRUPT", `cannot send ${path}: the file gave ${total} of its ${sizeBytes} bytes`, {
      hint: "the file changed or is damaged: check it where it comes from and run the same command again",
    });
  }
  if (count > 0) yield Buffer.concat(held);
}
