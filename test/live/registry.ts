// What the live suite asks of a server as a whole: fill it, compare it with another, load a model, take a snapshot.
// Each is a script of test/live/python, so that MLflow's own client is the judge.
import { join } from "node:path";
import { runPython } from "./leash.ts";
import { ensurePython } from "./python-env.ts";
import type { MlflowVersion } from "./python-env.ts";
import type { LiveServer } from "./servers.ts";

export interface Seeded {
  /** Names such as `run.parent` to ids; see the `remember` calls of python/seed. */
  readonly ids: Readonly<Record<string, string>> & { readonly "runs.many": readonly string[] };
}

/** One field that differs. `source` and `target` are texts for people, cut when long. */
export interface Difference {
  /** `run:<source id>`, `experiment:<name>`, `registered-model:<name>`, `model-version:<name>/<n>`, `logged-model:<source id>`. */
  readonly key: string;
  /** `missing`, `extra`, `duplicate`, or a field such as `tags.team`, `metrics.loss`, `files.model/MLmodel`. */
  readonly field: string;
  readonly source: string;
  readonly target: string;
  /** As `key`, with names for ids: `run:<experiment>/<name>`. */
  readonly label: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** How many differences the allowances took away. */
  readonly allowed: number;
  /** Runs of the target that only carry the files of a version. */
  readonly carriers: number;
  /** Objects of the source by kind. */
  readonly compared: Readonly<Record<string, number>>;
}

export interface CompareOptions {
  /** Source names to target names; null for what must not be at the target. */
  readonly map?: {
    readonly experiments?: Readonly<Record<string, string | null>>;
    readonly models?: Readonly<Record<string, string | null>>;
  };
  /** Agreed differences: globs (Python's fnmatch) over key or label, and field. One that matches nothing is a difference. */
  readonly allow?: readonly { readonly key: string; readonly field: string }[];
  /** Default true. False: no file is downloaded. */
  readonly files?: boolean;
  /** Each server is read by the client of its own version; default: the current one. */
  readonly versions?: { readonly source?: MlflowVersion; readonly target?: MlflowVersion };
}

export interface Snapshot {
  /** Everything without the ids and times that the server gave out. */
  readonly registry: unknown;
  readonly counts: Readonly<Record<string, number>>;
  /** Times of last change, epoch ms, by object: the same twice when no object was touched. */
  readonly updated: Readonly<Record<string, number>>;
}

/** Fills the server with the awkward registry; takes about half a minute. Local artifacts go below the server's folder. */
export async function seedAwkward({ url, dir, version }: Pick<LiveServer, "url" | "dir" | "version">): Promise<Seeded> {
  const of = version === undefined ? {} : { version };
  return (await runPython("seed_awkward.py", ["--uri", url, "--local-artifacts", join(dir, "local")], of)) as Seeded;
}

/** Compares two servers field by field, file by file; takes about a minute for the awkward registry. */
export async function compareServers(source: string, target: string, options: CompareOptions = {}): Promise<Comparison> {
  const rules = ["--map", JSON.stringify(options.map ?? {}), "--allow", JSON.stringify(options.allow ?? [])];
  const flags = options.files === false ? ["--no-files"] : [];
  const [sourcePython, targetPython] = await Promise.all([ensurePython(options.versions?.source), ensurePython(options.versions?.target)]);
  const readers = ["--source-python", sourcePython, "--target-python", targetPython];
  return (await runPython("compare.py", ["--source", source, "--target", target, ...readers, ...rules, ...flags])) as Comparison;
}

/**
 * Predictions of the models on one fixed input, by model URI, through the client of the server's version. Version N of `many` gives
 * [3N, 7N].
 */
export async function predict(
  server: string | Pick<LiveServer, "url" | "version">,
  ...modelUris: readonly string[]
): Promise<Readonly<Record<string, readonly number[]>>> {
  const { url, version }: Pick<LiveServer, "url" | "version"> = typeof server === "string" ? { url: server, version: undefined } : server;
  const of = version === undefined ? {} : { version };
  return (await runPython("predict.py", ["--uri", url, "--model-uri", ...modelUris], of)) as Record<string, readonly number[]>;
}

/** The server's state, equal for equal states. `ignoreTags` are globs over tag keys. */
export async function snapshot(
  url: string,
  options: { readonly files?: boolean; readonly ignoreTags?: readonly string[] } = {},
): Promise<Snapshot> {
  const ignored = (options.ignoreTags ?? []).flatMap((glob) => ["--ignore-tag", glob]);
  return (await runPython("snapshot.py", ["--uri", url, ...ignored, ...(options.files === false ? ["--no-files"] : [])])) as Snapshot;
}
