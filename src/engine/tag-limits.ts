// Fits tags into a target's limits. Keys are rewritten where they can be; what does not fit is a loss with its name.
import type { Tags } from "../model/entities.ts";
import { PROVENANCE_PREFIX } from "../model/keys.ts";
import type { Capabilities, TagLimits } from "../ports/capabilities.ts";
import type { Change } from "./change.ts";
import { keyPieces, piecesOf } from "./tag-packing.ts";
import type { Pieces } from "./tag-packing.ts";

/** Room for mlferry's own tags (source, source_id, created_at, created_by, done) where a target limits their number. */
export const OWN_TAGS = 6;

/** What a target says of the tags of a kind. */
export interface TagTarget extends Pick<Capabilities, "textRefuses"> {
  readonly limits: TagLimits | undefined;
}

/** The tags that fit; pushes a change for each one that is rewritten or lost. */
export function fitTags(tags: Tags, target: TagTarget, changes: Change[]): Tags {
  const limits = target.limits ?? {};
  const room = (limits.count ?? Infinity) - OWN_TAGS;
  const full = hasNoTags(limits) ? NO_TAGS : `more than ${room} tags on one object`;
  const fitted = new Map<string, string>();
  const original: Record<string, string> = {};
  for (const [key, value] of tags) {
    const { key: newKey, rule } = keyAt(key, limits);
    const pieces = limits.packs === true ? piecesOf(newKey, value, limits) : new Map([[newKey, value]]);
    const foreign = limits.packs === true ? [...pieces.keys()].filter((piece) => piece !== key || pieces.size > 1) : [];
    const named = { ...original, ...Object.fromEntries(foreign.map((piece) => [piece, key])) };
    const size = fitted.size + pieces.size + keyPieces(named, limits).size;
    const reason = whyNotAny(pieces, { ...target, limits }) ?? (size > room ? full : undefined);
    const taken = [...pieces.keys()].find((piece) => piece !== key && (tags.has(piece) || fitted.has(piece)));
    if (reason !== undefined || taken !== undefined) {
      changes.push({
        field: `tags.${key}`,
        class: "lost",
        from: value,
        rule: reason ?? `its key would become ${taken ?? ""}, which is taken`,
      });
      continue;
    }
    for (const [piece, part] of pieces) fitted.set(piece, part);
    Object.assign(original, named);
    if (pieces.size > 1) changes.push({ field: `tags.${key}`, class: "translated", from: value, to: severalText(pieces), rule: CUT });
    else if (newKey !== key) changes.push({ field: `tags.${key}`, class: "translated", from: value, to: `tag ${newKey}`, rule });
  }
  return new Map([...fitted, ...keyPieces(original, limits)]);
}

const CUT = "a longer value than the target takes is kept in several tags";

function severalText(pieces: Pieces): string {
  const keys = [...pieces.keys()];
  return `tags ${keys[0] ?? ""} to ${keys.at(-1) ?? ""}`;
}

function whyNotAny(pieces: Pieces, target: TagTarget & { readonly limits: TagLimits }): string | undefined {
  return [...pieces].map(([key, value]) => whyNot(key, value, target)).find((reason) => reason !== undefined);
}

/** The key that a tag gets, and why. */
function keyAt(key: string, { keyRefuses, keysOfPlace }: TagLimits): { readonly key: string; readonly rule: string } {
  const ofPlace = keysOfPlace?.test(key) === true;
  const kept = ofPlace ? `source_${key}` : key;
  const rule = ofPlace ? "the target says such things of its own" : "characters that the target refuses in keys";
  return { key: keyRefuses === undefined ? kept : kept.replace(keyRefuses, "_"), rule };
}

/** The reason why a fact that could only be kept in a tag is lost. */
export const NO_TAGS = "the target has no tags";

/** Whether objects of a kind cannot have a single tag: see TagLimits.count. */
export function hasNoTags(limits: TagLimits | undefined): boolean {
  return limits?.count === 0;
}

function whyNot(key: string, value: string, target: TagTarget & { readonly limits: TagLimits }): string | undefined {
  const { limits } = target;
  if (key.startsWith(PROVENANCE_PREFIX)) return `keys starting ${PROVENANCE_PREFIX} are mlferry's own`;
  if (limits.keyChars !== undefined && !fits(key, limits.keyChars)) return `a key longer than ${limits.keyChars} characters`;
  return whyNotHeld(value, limits.valueChars, target);
}

/** Why a target cannot hold a text, if so. */
export function whyNotHeld(
  text: string,
  chars: number | undefined,
  { textRefuses }: Pick<Capabilities, "textRefuses">,
): string | undefined {
  if (chars !== undefined && !fits(text, chars)) return `a value longer than ${chars} characters`;
  return textRefuses?.pattern.test(text) === true ? textRefuses.wording : undefined;
}

/** Whether a text has at most `limit` characters, counted in code points, as servers written in Python do. */
function fits(text: string, limit: number): boolean {
  return text.length <= limit || [...text].length <= limit;
}
