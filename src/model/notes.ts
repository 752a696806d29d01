// Notes: what a place cannot hold of a version's past is kept as provenance tags on the version, and read back as the entity that it
// stands for. Pure. Tag names and JSON are documented for people in docs/notes.md.
import { z } from "zod";
import { STAGES } from "./entities.ts";
import type { EntityKey, ModelVersion, Tags, VersionEntry } from "./entities.ts";
import { entryId, entryKey, kindOf, PROVENANCE_PREFIX } from "./keys.ts";
import { byVersionAndTime, timeOf } from "./order.ts";

const WORDS = { "stage-transition": "transition", comment: "comment", "transition-request": "request" } as const;

/** The name of a note's tag without mlferry's prefix: `transition_1`. The same for the same entry, whenever it is written. */
export function noteName(entry: EntityKey): string {
  // Databricks refuses other characters in keys of tags.
  return `${WORDS[kindOf(entry) as VersionEntry["kind"]]}_${entryId(entry).replace(/\W/g, "_")}`;
}

/**
 * The tags that hold an entry, without mlferry's prefix: one, or several where its text is longer than a value may be (in characters as
 * Python counts them): `comment_1`, `comment_1__2`, which are read as one text.
 */
export function noteTags(entry: VersionEntry, valueChars = Infinity): Tags {
  const name = noteName(entry.key);
  const text = JSON.stringify(recordOf(entry));
  if (text.length <= valueChars) return new Map([[name, text]]);
  const characters = [...text];
  const parts = Array.from({ length: Math.ceil(characters.length / valueChars) }, (_, part) =>
    characters.slice(part * valueChars, (part + 1) * valueChars).join(""),
  );
  return new Map(parts.map((part, index) => [index === 0 ? name : `${name}__${String(index + 1)}`, part]));
}

/** The entries that the notes on a version stand for, by kind and then in their order. What cannot be read is none. */
export function notesOn(version: Pick<ModelVersion, "key" | "model" | "version" | "provenance">): VersionEntry[] {
  const texts = new Map<string, { readonly part: number; readonly text: string }[]>();
  for (const [tag, text] of version.provenance) {
    const [, name, part = "1"] = NOTE.exec(tag) ?? [];
    if (name === undefined) continue;
    texts.set(name, [...(texts.get(name) ?? []), { part: Number(part), text }]);
  }
  const entries = [...texts].flatMap(([name, parts]) => {
    const whole = parts.sort((a, b) => a.part - b.part).map(({ text }) => text);
    return readNote(name, whole.join(""), version) ?? [];
  });
  const kinds = Object.keys(WORDS);
  return entries.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || byVersionAndTime(positionOf(a), positionOf(b)));
}

/** The version without the notes on it, which are entities of their own. */
export function withoutNotes(version: ModelVersion): ModelVersion {
  if (![...version.provenance.keys()].some(isNote)) return version;
  return { ...version, provenance: new Map([...version.provenance].filter(([tag]) => !isNote(tag))) };
}

/** Whether a provenance tag, without its prefix, is a note or a part of one. */
export function isNote(tag: string): boolean {
  return NOTE.test(tag);
}

/** The tags that hold the note of this entry now, without prefix: they may be more than a shorter text needs. */
export function tagsOfNote(provenance: Tags, entry: EntityKey): string[] {
  const name = noteName(entry);
  return [...provenance.keys()].filter((tag) => NOTE.exec(tag)?.[1] === name);
}

/** What a note is called in reports: `tag mlferry_transition_1`. */
export function noteText(entry: EntityKey): string {
  return `tag ${PROVENANCE_PREFIX}${noteName(entry)}`;
}

const NOTE = /^((?:transition|comment|request)_\w+?)(?:__(\d+))?$/;

const stage = z.enum(STAGES);
const time = z.string().regex(/^-?\d{1,19}$/);
const said = { user: z.string().exactOptional() };
const records = {
  transition: z.strictObject({ from: stage, to: stage, at: time, ...said, comment: z.string().exactOptional(), bySystem: z.boolean() }),
  comment: z.strictObject({ text: z.string(), ...said, createdAt: time, updatedAt: time.exactOptional() }),
  request: z.strictObject({ to: stage, ...said, createdAt: time, comment: z.string().exactOptional() }),
} as const;

/** Model and number are the version's own; the rest is what it says. Times are epoch ms as decimal text. */
function recordOf(entry: VersionEntry): object {
  switch (entry.kind) {
    case "stage-transition": {
      const { from, to, at, user, comment, bySystem } = entry;
      return { from, to, at: String(at), user, comment, bySystem };
    }
    case "comment": {
      const { text, user, createdAt, updatedAt } = entry;
      return { text, user, createdAt: String(createdAt), updatedAt: updatedAt?.toString() };
    }
    case "transition-request": {
      const { to, user, createdAt, comment } = entry;
      return { to, user, createdAt: String(createdAt), comment };
    }
  }
}

function readNote(name: string, text: string, place: Pick<ModelVersion, "key" | "model" | "version">): VersionEntry | undefined {
  const [, word = "", id = ""] = /^([a-z]+)_(\w+)$/.exec(name) ?? [];
  const { key: version, model, version: number } = place;
  const node = { needs: [version], mayReference: [], provenance: new Map<string, string>(), model, version: number };
  const value = parsedJson(text);
  switch (word) {
    case "transition": {
      const record = records.transition.safeParse(value).data;
      return (
        record && { kind: "stage-transition", key: entryKey("stage-transition", place, id), ...node, ...record, at: BigInt(record.at) }
      );
    }
    case "comment": {
      const record = records.comment.safeParse(value).data;
      if (record === undefined) return undefined;
      const { updatedAt, ...rest } = record;
      const times = { createdAt: BigInt(record.createdAt), ...(updatedAt === undefined ? {} : { updatedAt: BigInt(updatedAt) }) };
      return { kind: "comment", key: entryKey("comment", place, id), ...node, ...rest, ...times };
    }
    default: {
      const record = records.request.safeParse(value).data;
      const key = entryKey("transition-request", place, id);
      return record && { kind: "transition-request", key, ...node, ...record, createdAt: BigInt(record.createdAt) };
    }
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Somebody else's tag, or one that was cut: it stands for nothing.
    return undefined;
  }
}

function positionOf(entry: VersionEntry): { readonly key: EntityKey; readonly time: bigint } {
  return { key: entry.key, time: timeOf(entry) };
}
