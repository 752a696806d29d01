// What a place says of itself before a job: whether it can be read or written, and what of it this principal sees.
import type { ErrorCode } from "../errors.ts";

/** One thing that was looked at. `fail` would stop a job, or a part of it. */
export interface Check {
  /** What was looked at, in a word or two, such as `clock`. */
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  /** What was found: one line, lower case, no full stop. */
  readonly says: string;
  /** What the reader can do next. */
  readonly hint?: string;
  /** Of the error that was met. */
  readonly code?: ErrorCode;
}

/** What a principal sees of a place. */
export interface Sight {
  /** Who that is, in words. */
  readonly principal: string;
  /** Runs, deleted ones included, by the name of the experiment; undefined where they were not counted. */
  readonly experiments: ReadonlyMap<string, number | undefined>;
  /** Versions by the name of the registered model. */
  readonly models: ReadonlyMap<string, number>;
}

export interface ExamineOptions {
  /** What the place is to be used for. */
  readonly use: "read" | "write";
  /** Try to write, with objects that are removed again. Default: what may be written is told from permissions alone. */
  readonly writeTest?: boolean;
  /** Count the runs of experiments of these names; without it none are counted. */
  readonly countRuns?: (experiment: string) => boolean;
  readonly signal: AbortSignal;
}

/** What an examination yields: checks as they end, and once, where the place can be read, what is seen of it. */
export type Examined = { readonly check: Check } | { readonly sight: Sight };
