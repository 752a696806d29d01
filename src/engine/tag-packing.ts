// Tags that do not fit as they are, packed so that nothing of them is lost, and unpacked where they fit again: keys with refused characters
// are rewritten, long values are cut into several tags, and one more tag says what was what. docs/notes.md describes the form.
import type { Tags } from "../model/entities.ts";
import type { TagLimits } from "../ports/capabilities.ts";
import type { Change } from "./change.ts";

/** Says of each key that is not a tag's own which tag it belongs to: a JSON object. */
export const KEYS_TAG = "source_tag_keys";

/** The tags, as one tag of the source becomes them. */
export type Pieces = ReadonlyMap<string, string>;

/** A tag under its new key, its value cut where it is longer than the limit. */
export function piecesOf(newKey: string, value: string, { valueChars }: TagLimits): Pieces {
  const parts = cut(value, valueChars ?? Infinity);
  return new Map(parts.map((part, index) => [index === 0 ? newKey : `${newKey}__${String(index + 1)}`, part]));
}

/** What the tag {@link KEYS_TAG} and its continuations hold; nothing where every tag has its own key and its whole value. */
export function keyPieces(original: Readonly<Record<string, string>>, limits: TagLimits): Pieces {
  return Object.keys(original).length === 0 ? new Map() : piecesOf(KEYS_TAG, JSON.stringify(original), limits);
}

/** The tags under their own keys again, with a change for each that had another; as they are where nothing was packed. */
export function unpack(tags: Tags, changes: Change[]): Tags {
  const original = originalKeys(tags);
  if (original === undefined) return tags;
  const whole = new Map<string, string>();
  for (const [key, value] of tags) {
    if (isKeyPiece(key)) {
      changes.push({ field: `tags.${key}`, class: "translated", from: value, to: "the keys that it names", rule: UNPACKED });
      continue;
    }
    const own = original[key];
    if (own === undefined) whole.set(key, value);
    else changes.push({ field: `tags.${key}`, class: "translated", from: value, to: `tag ${own}`, rule: UNPACKED });
  }
  for (const key of Object.keys(original).sort(byPart)) {
    const [own = key, value] = [original[key], tags.get(key)];
    if (value !== undefined) whole.set(own, (whole.get(own) ?? "") + value);
  }
  return whole;
}

const UNPACKED = "tags that were packed where they did not fit have their own keys again";

/** Undefined where there is no such tag, or where it was not written by {@link keyPieces}. */
function originalKeys(tags: Tags): Readonly<Record<string, string>> | undefined {
  const parts = [...tags.keys()].filter(isKeyPiece).sort(byPart);
  if (parts.length === 0) return undefined;
  try {
    const value: unknown = JSON.parse(parts.map((key) => tags.get(key) ?? "").join(""));
    const isMap = typeof value === "object" && value !== null && Object.values(value).every((own) => typeof own === "string");
    return isMap ? (value as Record<string, string>) : undefined;
  } catch {
    // Somebody else's tag, or one that was changed: all stay as they are.
    return undefined;
  }
}

function isKeyPiece(key: string): boolean {
  return key === KEYS_TAG || /^source_tag_keys__\d+$/.test(key);
}

/** `a`, `a__2`, `a__10`. */
function byPart(a: string, b: string): number {
  return numberOf(a) - numberOf(b);
}

function numberOf(key: string): number {
  return Number(/__(\d+)$/.exec(key)?.[1] ?? 1);
}

/** Pieces of at most `limit` code points; one empty piece of an empty text. */
function cut(text: string, limit: number): string[] {
  if (text.length <= limit) return [text];
  const points = [...text];
  const parts: string[] = [];
  for (let start = 0; start < points.length; start += limit) parts.push(points.slice(start, start + limit).join(""));
  return parts;
}
