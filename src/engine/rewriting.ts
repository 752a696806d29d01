// Files that arrive changed by the rules of a mapping: who moves, plans and verifies them reads the same. Each one is followed by the original,
// byte for byte, under a name of its own.
import { createHash } from "node:crypto";
import { asMigrationError } from "../errors.ts";
import type { Digest, LoggedModel, ModelVersion, Run } from "../model/entities.ts";
import { withChannels } from "../model/conda-channels.ts";
import { FEATURE_SPEC, withTables } from "../model/feature-tables.ts";
import type { Mapping } from "../model/mapping.ts";
import { CONDA_FILE } from "../model/model-file.ts";
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import { isFatal } from "./job.ts";
import type { Job } from "./job.ts";
import { LONGEST_TEXT, smallBytes } from "./small-text.ts";

/** What the original of a file is called that arrives changed. */
export const ORIGINAL = ".before-mlferry";

type Owner = Run | LoggedModel | ModelVersion;

/** A reader over the files of an object of the source, as they are to arrive. */
export function arrivingFiles({ source, mapping, signal }: Pick<Job, "source" | "mapping" | "signal">, owner: Owner): ArtifactReader {
  const reader = source.artifacts(owner, signal);
  return mapping.contentId === "" ? reader : rewritingReader(reader, mapping);
}

function rewritingReader(reader: ArtifactReader, mapping: Mapping): ArtifactReader {
  /** By the names that are given here: the file as it is at the source. */
  const originals = new Map<string, string>();
  const changed = async (file: ArtifactFile): Promise<Buffer | undefined> => {
    const rule = ruleFor(file, mapping);
    const bytes = rule === undefined ? undefined : await smallBytes({ path: file.path }, reader);
    const text = bytes?.toString("utf8");
    // What is no UTF-8 would not come back as it was.
    const after = text === undefined || bytes?.equals(Buffer.from(text)) !== true ? undefined : rule?.(text);
    return after === undefined ? undefined : Buffer.from(after);
  };
  return {
    ...reader,
    async *list() {
      const seen = new Set<string>();
      const kept: ArtifactFile[] = [];
      for await (const file of reader.list()) {
        seen.add(file.path);
        const after = file.unreadable === undefined ? await orReason(changed(file)) : undefined;
        if (Buffer.isBuffer(after)) kept.push(file);
        if (Buffer.isBuffer(after)) yield { path: file.path, sizeBytes: after.length, digest: digestOf(after), changed: true };
        else yield after === undefined ? file : { ...file, unreadable: after };
      }
      for (const file of kept) {
        const path = free(`${file.path}${ORIGINAL}`, seen);
        originals.set(path, file.path);
        yield { ...file, path, judgedAs: file.path };
      }
    },
    async *open(file, options) {
      const original = originals.get(file.path);
      const after = original === undefined ? await changed(file) : undefined;
      if (after !== undefined) yield after.subarray(options?.offset ?? 0);
      else yield* reader.open(original === undefined ? file : { ...file, path: original }, options);
    },
  };
}

/** A file that cannot be read is a loss of itself alone. */
async function orReason(changed: Promise<Buffer | undefined>): Promise<Buffer | string | undefined> {
  try {
    return await changed;
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (isFatal(error)) throw error;
    return error.message;
  }
}

type Rule = (text: string) => string | undefined;

function ruleFor({ path, sizeBytes = 0 }: ArtifactFile, mapping: Mapping): Rule | undefined {
  if (sizeBytes > LONGEST_TEXT) return undefined;
  if (path === CONDA_FILE || path.endsWith(`/${CONDA_FILE}`)) return (text) => withChannels(text, mapping.channels);
  if (path === FEATURE_SPEC || path.endsWith(`/${FEATURE_SPEC}`)) return (text) => withTables(text, (name) => mapping.table(name).name);
  return undefined;
}

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function free(path: string, seen: ReadonlySet<string>): string {
  return seen.has(path) ? free(`${path}_`, seen) : path;
}
