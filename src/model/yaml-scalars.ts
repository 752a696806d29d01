// Changes single scalars of a YAML text and leaves every other character as it is: comments, order, quotes, line ends.
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { Document, Scalar } from "yaml";

export type ParsedYaml = Document.Parsed;

/** A part of the text that is to become another. */
export interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Undefined for a text that is no YAML, more than one document, or no mapping at its top. */
export function parsedMapping(text: string): ParsedYaml | undefined {
  const document = parseDocument(text, { logLevel: "error" });
  return document.errors.length === 0 && isMap(document.contents) ? document : undefined;
}

/** The scalars of the list under a key at the top, with their texts; undefined where there is no such list. */
export function listedScalars(document: ParsedYaml, key: string): readonly Scalar<string>[] | undefined {
  const list = document.get(key, true);
  return isSeq(list) ? list.items.filter((item): item is Scalar<string> => isScalar(item) && typeof item.value === "string") : undefined;
}

/** What puts another value in the place of a scalar: as it was written, if that can be. */
export function replaced({ range, type }: Scalar, value: string): Splice {
  const [from, to] = range ?? [0, 0];
  const isPlain = /^[\w./:+~@-]*[\w/]$/.test(value) && !value.startsWith("-");
  const text =
    type === "QUOTE_SINGLE" ? `'${value.replaceAll("'", "''")}'` : type === "QUOTE_DOUBLE" || !isPlain ? JSON.stringify(value) : value;
  return { from, to, text };
}

/** Applies splices that do not overlap. */
export function spliced(text: string, splices: readonly Splice[]): string {
  let [result, at] = ["", 0];
  for (const { from, to, text: new_ } of [...splices].sort((a, b) => a.from - b.from)) {
    result += text.slice(at, from) + new_;
    at = to;
  }
  return result + text.slice(at);
}
