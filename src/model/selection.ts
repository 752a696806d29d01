// What a user asks to move, by name.
import { MigrationError } from "../errors.ts";

export interface Selection {
  /** Globs over whole experiment names. Undefined: all, unless `models` is given. */
  readonly experiments?: readonly string[];
  /** Globs over whole model names. Undefined: all, unless `experiments` is given. */
  readonly models?: readonly string[];
  /** Also deleted experiments and runs that nothing selected needs. */
  readonly includeDeleted: boolean;
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
