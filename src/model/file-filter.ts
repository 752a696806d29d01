// Which files a user wants moved. What a filter leaves out is counted and named, and is agreed to: the user asked for it.
import { createHash } from "node:crypto";
import { matcher } from "./selection.ts";

/** What a user asks to move of the files, as a journal keeps it. Nothing set: everything. */
export interface FileRules {
  /** Globs over paths below a run, a logged model or a version; `none` leaves all files out. */
  readonly artifacts?: readonly string[] | "none";
  /** Larger files stay behind. A file whose size is not known beforehand is moved. */
  readonly maxFileBytes?: number;
}

export interface FileFilter {
  /** Hexadecimal; the same rules have the same. "" where everything is wanted. */
  readonly id: string;
  /** No file is wanted, so that none needs to be listed. */
  readonly none: boolean;
  /** The rules in a user's words, such as `--max-file-size 500MiB`. */
  readonly wording: string;
  /** The rule that leaves the file out; undefined for a file that is wanted. */
  leavesOut(file: { readonly path: string; readonly sizeBytes?: number; readonly judgedAs?: string }): string | undefined;
}

/** Throws USAGE for a glob that is none. */
export function createFileFilter({ artifacts, maxFileBytes }: FileRules): FileFilter {
  const none = artifacts === "none";
  const globs = artifacts === undefined || none ? undefined : [...artifacts].sort();
  const matches = globs === undefined ? undefined : matcher(globs);
  const bySize = maxFileBytes === undefined ? [] : [`--max-file-size ${sizeText(maxFileBytes)}`];
  const byName = none ? ["--no-artifacts"] : (globs ?? []).map((glob) => `--artifacts ${JSON.stringify(glob)}`);
  const rules = [...byName, ...(none ? [] : bySize)];
  return {
    id: rules.length === 0 ? "" : createHash("sha256").update(rules.join("\n")).digest("hex").slice(0, 8),
    none,
    wording: rules.join(" "),
    leavesOut({ path, sizeBytes, judgedAs = path }) {
      if (none || matches?.(judgedAs) === false) return byName.join(" ");
      return maxFileBytes !== undefined && sizeBytes !== undefined && sizeBytes > maxFileBytes ? bySize.join(" ") : undefined;
    },
  };
}

/** Every file is wanted. */
export const ALL_FILES: FileFilter = createFileFilter({});

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** Exact, in the largest unit that leaves no rest. */
function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value > 0 && value % 1024 === 0 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return unit === 0 ? String(value) : `${value}${UNITS[unit] ?? ""}`;
}
