// Fits tags into a target's limits. Keys are rewritten where they can be; what does not fit is a loss with its name.
import type { Tags } from "../model/entities.ts";
import { PROVENANCE_PREFIX } from "../model/keys.ts";
import type { TagLimits } from "../ports/capabilities.ts";
import type { Change } from "./change.ts";

/** Room for mlferry's own tags (source, source_id, created_at, created_by, done) where a target limits their number. */
const OWN_TAGS = 5;

/** The tags that fit; pushes a change for each one that is rewritten or lost. */
export function fitTags(tags: Tags, limits: TagLimits | undefined, changes: Change[]): Tags {
  if (limits === undefined) return tags;
  const room = (limits.count ?? Infinity) - OWN_TAGS;
  const fitted = new Map<string, string>();
  for (const [key, value] of tags) {
    const newKey = limits.keyRefuses === undefined ? key : key.replace(limits.keyRefuses, "_");
    const reason = whyNot(newKey, value, limits) ?? (fitted.size >= room ? `more than ${room} tags on one object` : undefined);
    const clash = newKey !== key && (tags.has(newKey) || fitted.has(newKey)) ? `its key would become ${newKey}, which is taken` : undefined;
    if (reason !== undefined || clash !== undefined) {
      changes.push({ field: `tags.${key}`, class: "lost", from: value, rule: reason ?? clash ?? "" });
      continue;
    }
    fitted.set(newKey, value);
    if (newKey !== key) {
      changes.push({
        field: `tags.${key}`,
        class: "translated",
        from: value,
        to: `tag ${newKey}`,
        rule: "characters that the target refuses in keys",
      });
    }
  }
  return fitted;
}

function whyNot(key: string, value: string, limits: TagLimits): string | undefined {
  if (key.startsWith(PROVENANCE_PREFIX)) return `keys starting ${PROVENANCE_PREFIX} are mlferry's own`;
  if (limits.keyChars !== undefined && !fits(key, limits.keyChars)) return `a key longer than ${limits.keyChars} characters`;
  if (limits.valueChars !== undefined && !fits(value, limits.valueChars)) return `a value longer than ${limits.valueChars} characters`;
  return undefined;
}

/** Whether a text has at most `limit` characters, counted in code points, as servers written in Python do. */
export function fits(text: string, limit: number): boolean {
  return text.length <= limit || [...text].length <= limit;
}
