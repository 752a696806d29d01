// What the server has no place for lies in the comment of a model or version, below its description: mlferry's own tags, as a line of JSON in
// an HTML comment, which screens that know Markdown do not show. Without it nothing would tell what was placed here before.
import type { Tags } from "../../model/entities.ts";
import { PROVENANCE_PREFIX } from "../../model/keys.ts";

/** A comment in its two parts. */
export interface Comment {
  readonly description: string;
  readonly tags: Tags;
}

export function encodeComment({ description, tags }: Comment): string {
  if (tags.size === 0) return description;
  const json = JSON.stringify(Object.fromEntries(tags)).replace(/[<>]/g, (sign) => (sign === "<" ? "\\u003c" : "\\u003e"));
  return `${description}${MARK}${json}${END}`;
}

/** A comment without such a line, or with one that was changed by hand, is a description and nothing else. */
export function decodeComment(comment: string): Comment {
  const start = comment.lastIndexOf(MARK);
  if (start < 0 || !comment.endsWith(END)) return { description: comment, tags: new Map() };
  try {
    const value: unknown = JSON.parse(comment.slice(start + MARK.length, -END.length));
    if (typeof value !== "object" || value === null) return { description: comment, tags: new Map() };
    const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string" && isOwn(entry[0]));
    return { description: comment.slice(0, start), tags: new Map(entries) };
  } catch {
    return { description: comment, tags: new Map() };
  }
}

function isOwn(key: string): boolean {
  return key.startsWith(PROVENANCE_PREFIX);
}

const MARK = "\n\n<!-- mlferry ";
const END = " -->";
