// The flags that several commands share, and their values once they are parsed.
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import type { Selection } from "../model/selection.ts";
import { LEVELS } from "../engine/finding.ts";
import type { Level } from "../engine/finding.ts";
import type { VersionNumbers } from "../engine/numbering.ts";
import { parseAliases, parseSince, parseStages, parseTag, parseVersions } from "./selection-values.ts";

export interface SelectionFlags extends Pick<Selection, "experiments" | "models" | "runs" | "stages" | "aliases" | "tags"> {
  readonly versions?: Selection["versions"] | "all";
  readonly since?: string;
  readonly includeDeleted?: boolean;
}

export interface LossFlags {
  readonly onLoss: "refuse" | "drop";
}

export interface NumberFlags {
  readonly versionNumbers: VersionNumbers;
}

export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly logFile?: string;
}

export interface PaceFlags {
  readonly concurrency: number;
  readonly rate?: number;
}

export interface StateFlags {
  readonly state?: string;
}

export interface LevelFlags {
  readonly level: Level;
}

/**
 * Most requests in flight by default: a worker of an MLflow server on a SQL database has 15 connections, and answers nothing for 30 s
 * when as many creates wait for a second one. However unevenly requests fall on workers, and with a few from others, 12 stay below.
 */
const CONCURRENCY = 12;
const MAX_CONCURRENCY = 64;

export function addSelectionFlags(command: Command): Command {
  return command
    .addOption(repeatable("--experiments <glob>", "only experiments of this name (repeatable; * ? [ab], \\ before a literal one)"))
    .addOption(
      repeatable("--models <glob>", "only registered models of this name, with the runs and experiments of their versions (repeatable)"),
    )
    .option("--runs <filter>", "only runs that meet an MLflow run filter, such as \"metrics.auc > 0.9 AND tags.team = 'x'\"")
    .addOption(new Option("--versions <which>", "only these versions of every model: latest:N, or 3,5-7, or all").argParser(parseVersions))
    .addOption(new Option("--stages <list>", "only versions in one of these stages, such as Production,Staging").argParser(parseStages))
    .addOption(
      new Option("--aliases <list>", "only versions that have one of these aliases (globs, separated by commas)").argParser(parseAliases),
    )
    .addOption(
      new Option("--tags <key=value>", "only experiments and models with this tag (repeatable; VALUE is a glob)").argParser(parseTag),
    )
    .option("--since <time>", "only what was made, changed, begun or ended since: 2026-01-31, 2026-01-31T08:00Z, or 12h, 7d")
    .option("--include-deleted", "also deleted experiments and runs, which stay deleted");
}

/** Whether a command selects by itself, in whatever way. */
export function hasSelection({
  experiments,
  models,
  runs,
  versions,
  stages,
  aliases,
  tags,
  since,
  includeDeleted,
}: SelectionFlags): boolean {
  return [experiments, models, runs, versions, stages, aliases, tags, since, includeDeleted].some((flag) => flag !== undefined);
}

export function addLossFlag(command: Command): Command {
  return command.addOption(
    new Option("--on-loss <policy>", "what to do with an object of which the target cannot hold a part: leave it out, or move it without")
      .choices(["refuse", "drop"])
      .default("refuse"),
  );
}

export function addNumberFlag(command: Command): Command {
  return command.addOption(numberOption().default("preserve"));
}

/** `--version-numbers` without a default. */
export function numberOption(): Option {
  return new Option("--version-numbers <how>", "keep the numbers of versions, gaps included, or give them anew from 1, in order").choices([
    "preserve",
    "compact",
  ]);
}

export function addPaceFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--concurrency <n>", `most requests in flight at one host, 1 to ${String(MAX_CONCURRENCY)}`)
        .argParser(parseConcurrency)
        .default(CONCURRENCY),
    )
    .addOption(new Option("--rate <n>", "most requests a second to one host (no limit by default)").argParser(parseRate));
}

export function addStateFlag(command: Command): Command {
  return command.option("--state <dir>", "folder of the journals (default: mlferry below $XDG_STATE_HOME, or ~/.local/state)");
}

export function addLevelFlag(command: Command): Command {
  return command.addOption(
    new Option("--level <level>", "how deep to look; bytes downloads every file").choices([...LEVELS]).default("sizes"),
  );
}

export function addOutputFlags(command: Command): Command {
  return command
    .option("--json", "the report as JSON on stdout")
    .addOption(new Option("--quiet", "no progress").conflicts("verbose"))
    .option("--verbose", "every row of the report, and a detailed log")
    .option("--log-file <file>", "append a log, a JSON object a line");
}

/** What a command selects, as the engine takes it. `now` (epoch ms) is asked where a duration is to be counted back. Throws USAGE. */
export function selectionOf(flags: SelectionFlags, now: () => number): Selection {
  const { experiments, models, runs, versions, stages, aliases, tags, since, includeDeleted } = flags;
  return {
    ...(experiments === undefined ? {} : { experiments }),
    ...(models === undefined ? {} : { models }),
    ...(runs === undefined ? {} : { runs }),
    ...(versions === undefined || versions === "all" ? {} : { versions }),
    ...(stages === undefined ? {} : { stages }),
    ...(aliases === undefined ? {} : { aliases }),
    ...(tags === undefined ? {} : { tags }),
    ...(since === undefined ? {} : { since: parseSince(since, now()) }),
    includeDeleted: includeDeleted === true,
  };
}

/** An option that may be given several times; its value is the list. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
}

function parseConcurrency(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > MAX_CONCURRENCY) {
    throw new InvalidArgumentError(`give a whole number from 1 to ${String(MAX_CONCURRENCY)}`);
  }
  return value;
}

function parseRate(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError("give a number of requests a second above 0, such as 20");
  return value;
}
