// Notes of a stream: what a target keeps as tags on the version, and whether the tags still have room for it.
import type { EntityKey, ModelVersion, Tags, VersionEntry } from "../model/entities.ts";
import { entryId, versionOf } from "../model/keys.ts";
import { noteTags, noteText } from "../model/notes.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import type { Change } from "./change.ts";
import { OWN_TAGS } from "./tag-limits.ts";

export interface NotePad {
  /** A version's tags: the notes on it get what these leave. */
  leaveRoom(version: ModelVersion, tags: Tags): void;
  /** Tells where an entry is kept, where the target has no such objects: a loss where its version has no room for another tag. */
  keep(entry: VersionEntry, changes: Change[]): void;
}

export function createNotePad({ notes, tags: limits }: Capabilities): NotePad {
  const { count, valueChars } = limits["model-version"] ?? {};
  // Only where it is limited.
  const room = new Map<EntityKey, number>();
  return {
    leaveRoom(version, tags) {
      if (notes !== undefined && count !== undefined) room.set(version.key, count - OWN_TAGS - tags.size);
    },
    keep(entry, changes) {
      if (notes?.has(entry.kind) !== true) return;
      const version = entry.needs[0] ?? versionOf(entry.key);
      const { size } = noteTags(entry, valueChars);
      const left = room.get(version) ?? Infinity;
      const from = entryId(entry.key);
      if (size > left) {
        changes.push({ field: "", class: "lost", from, rule: `more than ${String(count)} tags on one object` });
        return;
      }
      room.set(version, left - size);
      const to = `${noteText(entry.key)}${size === 1 ? "" : ` and ${String(size - 1)} more`}`;
      changes.push({ field: "", class: "translated", from, to, rule: "the target keeps it as a note on the version" });
    },
  };
}
