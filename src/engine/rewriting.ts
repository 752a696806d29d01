// Files that arrive changed by the rules of a mapping: who moves, plans and verifies them reads the same. Each one is followed by the original,
// byte for byte, under a name of its own.
import { createHash } from "node:crypto";
import type { Digest, LoggedModel, ModelVersion, Run } from "../model/entities.ts";
import { withChannels } from "../model/conda-channels.ts";
import { FEATURE_SPEC, withTables } from "../model/feature-tables.ts";
import type { Mapping } from "../model/mapping.ts";
import { CONDA_FILE } from "../model/model-file.ts";
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import type { Job } from "./job.ts";
import { LONGEST_TEXT, smallText } from "./small-text.ts";

/** What the original of a file is called that arrives changed. */
export const ORIGINAL = ".before-mlferry";

type Owner = Run | LoggedModel | ModelVersion;

/** A reader over the files of an object of the source, as they are to arrive. */
export function arrivingFiles({ source, mapping, signal }: Pick<Job, "source" | "mapping" | "signal">, owner: Owner): ArtifactReader {
  const reader = source.artifacts(owner, signal);
  return mapping.changesFiles ? rewritingReader(reader, mapping) : reader;
}

function rewritingReader(reader: ArtifactReader, mapping: Mapping): ArtifactReader {
  /** By the names that are given here: the file as it is at the source. */
  const originals = new Map<string, string>();
  const changed = async (file: ArtifactFile): Promise<Buffer | undefined> => {
    const rule = ruleFor(file, mapping);
    const text = rule === undefined ? undefined : await smallText({ path: file.path }, reader);
    const after = text === undefined ? undefined : rule?.(text);
    return after === undefined ? undefined : Buffer.from(after);
  };
  return {
    ...reader,
    async *list() {
      const seen = new Set<string>();
      const kept: ArtifactFile[] = [];
      for await (const file of reader.list()) {
        seen.add(file.path);
        const after = file.unreadable === undefined ? await changed(file) : undefined;
        if (after !== undefined) kept.push(file);
        yield after === undefined ? file : { path: file.path, sizeBytes: after.length, digest: digestOf(after) };
      }
      for (const file of kept) {
        const path = free(`${file.path}${ORIGINAL}`, seen);
        originals.set(path, file.path);
        yield { ...file, path };
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
