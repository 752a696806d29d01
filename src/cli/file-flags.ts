// The flags about files: which are moved, and where they are read or written instead of where the server says.
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { MigrationError } from "../errors.ts";
import { createFileFilter } from "../model/file-filter.ts";
import type { FileRules } from "../model/file-filter.ts";
import { parseRootRule } from "../stores/open.ts";
import type { RootRule } from "../stores/open.ts";
import { repeatable } from "./flags.ts";
import type { Role } from "./location.ts";

export interface FileFlags {
  /** False for `--no-artifacts`; commander gives true where neither flag is there. */
  readonly artifacts?: readonly string[] | boolean;
  readonly maxFileSize?: number;
}

export interface RootFlags {
  readonly artifactRoot?: readonly string[];
  readonly targetArtifactRoot?: readonly string[];
}

export function addFileFlags(command: Command): Command {
  return command
    .addOption(repeatable("--artifacts <glob>", "only files whose path below their run or model matches, such as 'model/*' (repeatable)"))
    .option("--no-artifacts", "no files at all")
    .addOption(new Option("--max-file-size <size>", "leave larger files behind, such as 500MiB").argParser(parseSize));
}

export function addRootFlags(command: Command): Command {
  return command
    .addOption(
      repeatable(
        "--artifact-root <old=new>",
        "files of the source that lie below OLD are read below NEW: s3://, gs://, wasbs://, abfss:// or a folder of this machine (repeatable)",
      ),
    )
    .addOption(repeatable("--target-artifact-root <old=new>", "the same for files of the target, which are written there (repeatable)"));
}

/** Which files are wanted; undefined for all. Throws USAGE. `args` are the command line's. */
export function fileRulesOf({ artifacts, maxFileSize }: FileFlags, args: readonly string[]): FileRules | undefined {
  if (args.includes("--no-artifacts") && args.some((arg) => /^--artifacts(=|$)/.test(arg))) {
    throw new MigrationError("USAGE", "--artifacts and --no-artifacts contradict each other", { hint: "give one of the two" });
  }
  const named = artifacts === false ? ("none" as const) : Array.isArray(artifacts) ? (artifacts as readonly string[]) : undefined;
  if (named === undefined && maxFileSize === undefined) return undefined;
  const rules = {
    ...(named === undefined ? {} : { artifacts: named }),
    ...(maxFileSize === undefined ? {} : { maxFileBytes: maxFileSize }),
  };
  createFileFilter(rules);
  return rules;
}

/** The rules for one side. Throws USAGE. */
export function rootRulesOf({ artifactRoot, targetArtifactRoot }: RootFlags, role: Role): readonly RootRule[] {
  const [flag, texts] = role === "source" ? ["--artifact-root", artifactRoot] : ["--target-artifact-root", targetArtifactRoot];
  return (texts ?? []).map((text) => parseRootRule(text, flag));
}

const POWERS = ["", "k", "m", "g", "t"];

/** `500MiB`, `500M` and `500m` are the same; `MB` is a million, as everywhere. */
function parseSize(text: string): number {
  const [, digits = "", prefix = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?$/i.exec(text.trim()) ?? [];
  const power = POWERS.indexOf(prefix.toLowerCase());
  const bytes = Math.floor(Number(digits) * (unit.toLowerCase() === "b" && prefix !== "" ? 1000 : 1024) ** power);
  if (digits === "" || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError("give a size such as 500MiB, 2GiB or 1000000 (bytes)");
  }
  return bytes;
}
