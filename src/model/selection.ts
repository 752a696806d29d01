// What a user asks to move: which experiments and models, and which of their runs and versions.
import { z } from "zod";
import { MigrationError } from "../errors.ts";
import { STAGES } from "./entities.ts";
import type { Stage } from "./entities.ts";

export interface Selection {
  /** Globs over whole experiment names. Undefined: see {@link sidesOf}. */
  readonly experiments?: readonly string[];
  /** Globs over whole model names. Undefined: see {@link sidesOf}. */
  readonly models?: readonly string[];
  /** A run filter as MLflow's `runs/search` takes it: of the experiments only runs that meet it. */
  readonly runs?: string;
  /** Of every model the highest N of the versions that all else lets through, or those whose number is in one of the spans. */
  readonly versions?: { readonly latest: number } | { readonly spans: readonly VersionSpan[] };
  /** Only versions in one of these stages. */
  readonly stages?: readonly Stage[];
  /** Globs over whole aliases: only versions that have one of them. */
  readonly aliases?: readonly string[];
  /** Only experiments and models that have every one of these tags. */
  readonly tags?: readonly TagTest[];
  readonly since?: Since;
  /** Also deleted experiments and runs that nothing selected needs. */
  readonly includeDeleted: boolean;
}

export interface VersionSpan {
  readonly first: number;
  readonly last: number;
}

export interface TagTest {
  readonly key: string;
  /** A glob over the whole value. Undefined: any value. */
  readonly value?: string;
}

/** Only what was made, changed, begun or ended at or after a time, as far as the place can tell. */
export interface Since {
  /** As it was given: a duration asks for the same every day. */
  readonly asked: string;
  /** Epoch ms. */
  readonly from: number;
}

const texts = z.array(z.string()).readonly();
const versionNumber = z.int().min(1);

/** A selection as JSON: in journals and plans. Unknown keys are refused, since passing them over would select more. */
export const selectionSchema: z.ZodType<Selection> = z.strictObject({
  experiments: z.exactOptional(texts),
  models: z.exactOptional(texts),
  runs: z.exactOptional(z.string()),
  versions: z.exactOptional(
    z.union([
      z.strictObject({ latest: versionNumber }),
      z.strictObject({ spans: z.array(z.strictObject({ first: versionNumber, last: versionNumber })) }),
    ]),
  ),
  stages: z.exactOptional(z.array(z.enum(STAGES))),
  aliases: z.exactOptional(texts),
  tags: z.exactOptional(z.array(z.strictObject({ key: z.string(), value: z.exactOptional(z.string()) }))),
  since: z.exactOptional(z.strictObject({ asked: z.string(), from: z.int() })),
  includeDeleted: z.boolean(),
});

/** The two halves of a registry: experiments with what is in them, and models with what is in them. */
export interface Sides {
  readonly experiments: boolean;
  readonly models: boolean;
}

/** The halves that a selection is about: those that a pattern or a filter of theirs names, or both where neither is named. */
export function sidesOf({ experiments, runs, models, ...rest }: Selection): Sides {
  const ofExperiments = experiments !== undefined || runs !== undefined;
  const ofModels = models !== undefined || hasVersionFilter(rest);
  return { experiments: ofExperiments || !ofModels, models: ofModels || !ofExperiments };
}

/** Whether versions are chosen by more than their model and their time. */
export function hasVersionFilter({ versions, stages, aliases }: Pick<Selection, "versions" | "stages" | "aliases">): boolean {
  return versions !== undefined || stages !== undefined || aliases !== undefined;
}

/** Whether nothing is left out but what is deleted. */
export function isEverything({ includeDeleted: _also, ...filters }: Selection): boolean {
  return Object.values(filters).every((filter) => filter === undefined);
}

/** What makes two selections the same question: `7d` is, although it begins elsewhere tomorrow. */
export function questionOf({ since, ...rest }: Selection): object {
  return since === undefined ? rest : { ...rest, since: since.asked };
}

/** A predicate over tags: true when every test holds. */
export function tagMatcher(tests: readonly TagTest[] = []): (tags: ReadonlyMap<string, string>) => boolean {
  const checks = tests.map(({ key, value }) => ({ key, isMatch: value === undefined ? undefined : matcher([value]) }));
  return (tags) =>
    checks.every(({ key, isMatch }) => {
      const value = tags.get(key);
      return value !== undefined && (isMatch?.(value) ?? true);
    });
}

/**
 * Turns a glob into an expression over a whole name: `*` any characters (slashes too), `?` one, `[ab]` one of, `\x` x itself.
 * Throws USAGE on an unclosed bracket.
 */
export function globToRegExp(glob: string): RegExp {
  let source = "";
  for (let i = 0; i < glob.length; i++) {
    const char = glob.charAt(i);
    if (char === "*") source += "(.*)";
    else if (char === "?") source += "(.)";
    else if (char === "\\" && i + 1 < glob.length) source += escapeRegExp(glob.charAt(++i));
    else if (char === "[") {
      const end = glob.indexOf("]", i + 2);
      if (end < 0) {
        throw new MigrationError("USAGE", `pattern ${JSON.stringify(glob)} has an unclosed [`, { hint: "write \\[ for a bracket" });
      }
      const inner = glob
        .slice(i + 1, end)
        .replace(/\\/g, "\\\\")
        .replace(/^!/, "^");
      source += `([${inner}])`;
      i = end;
    } else source += escapeRegExp(char);
  }
  return new RegExp(`^${source}$`, "su");
}

/** A predicate over names: true when any of the globs matches the whole name. */
export function matcher(globs: readonly string[]): (name: string) => boolean {
  const expressions = globs.map(globToRegExp);
  return (name) => expressions.some((expression) => expression.test(name));
}

/** Escapes every character that a regular expression would interpret. */
export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The first of the globs that matches none of the names, for the error that tells so. */
export function unmatched(globs: readonly string[] | undefined, names: readonly string[]): string | undefined {
  return globs?.find((glob) => !names.some((name) => globToRegExp(glob).test(name)));
}
