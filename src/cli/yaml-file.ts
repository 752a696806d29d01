// Reads a YAML file that a user wrote, so that every mistake in it can be told with its line.
import { readFileSync } from "node:fs";
import { isNode, LineCounter, parseDocument } from "yaml";
import { asMigrationError, MigrationError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";

/** How mistakes in a file of this kind are told. */
export interface YamlWords {
  readonly code: ErrorCode;
  /** Such as `mapping file`. */
  readonly what: string;
  /** For a file that cannot be read. */
  readonly pathHint: string;
  /** For text that is no YAML. */
  readonly syntaxHint: string;
}

export interface YamlFile {
  readonly value: unknown;
  /** The file and the line of the value at a path, or of the innermost part of the path that is there; the file alone where none is. */
  where(path: readonly PropertyKey[]): string;
}

/** Throws `words.code` for a file that cannot be read or is no YAML. */
export function readYamlFile(path: string, words: YamlWords): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(readText(path, words), { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const message = (error.message.split("\n", 1)[0] ?? "").replace(/[.:]$/, "").toLowerCase();
    throw new MigrationError(words.code, `${path} line ${String(lines.linePos(error.pos[0]).line)} is not valid YAML: ${message}`, {
      hint: words.syntaxHint,
      cause: error,
    });
  }
  return {
    value: document.toJS(),
    where(inner) {
      for (let length = inner.length; length > 0; length -= 1) {
        const node = document.getIn(inner.slice(0, length), true);
        if (isNode(node) && node.range !== null && node.range !== undefined)
          return `${path} line ${String(lines.linePos(node.range[0]).line)}`;
      }
      return path;
    },
  };
}

function readText(path: string, { code, what, pathHint }: YamlWords): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const { message, cause } = asMigrationError(thrown);
    throw new MigrationError(code, `the ${what} cannot be read: ${message}`, { cause, hint: pathHint });
  }
}
