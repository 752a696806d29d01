// Notes on versions: what the registry cannot hold of a version's past, as tags of the version (model/notes.ts).
import { MigrationError } from "../../errors.ts";
import type { PlacedKey, VersionEntry } from "../../model/entities.ts";
import { entryId, entryKey, placed, PROVENANCE_PREFIX } from "../../model/keys.ts";
import { notesOn, noteTags, tagsOfNote } from "../../model/notes.ts";
import type { FindContext, Found, PutContext } from "../../ports/target.ts";
import type { Calls } from "./target-calls.ts";
import type { Registry } from "./target-registry.ts";

export interface NoteWriting {
  readonly calls: Calls;
  readonly registry: Registry;
  /** Longest value of a version's tag, in characters. */
  readonly valueChars: number | undefined;
}

/** The entry, where a note on its version says it. What hangs on a version of ours is ours. */
export async function findNote(
  { registry }: Pick<NoteWriting, "registry">,
  entry: VersionEntry,
  context: FindContext,
): Promise<Found | undefined> {
  const version = (await registry.snapshot(entry.model, context.signal))?.versions.get(entry.version);
  const key = placed(entryKey(entry.kind, entry, entryId(entry.key)));
  const read = (): VersionEntry | undefined => version && notesOn(version.entity).find((note) => note.key === key);
  if (read() === undefined) return undefined;
  const there = async (): Promise<VersionEntry> => {
    const note = read();
    if (note === undefined) throw gone(entry);
    return note;
  };
  return { key, ours: true, deleted: false, read: there };
}

/** Sets the tags, which may be repeated, and takes away those that a longer note left. */
export async function putNote(
  { calls, registry, valueChars }: NoteWriting,
  entry: VersionEntry,
  { signal }: PutContext,
): Promise<PlacedKey> {
  const { model: name, version } = entry;
  const snapshot = await registry.required(name, signal);
  const there = snapshot.versions.get(version);
  if (there === undefined) throw gone(entry);
  const key = entryKey(entry.kind, entry, entryId(entry.key));
  const place = { name, version: String(version) };
  const tags = noteTags({ ...entry, key }, valueChars);
  const old = tagsOfNote(there.entity.provenance, key).filter((tag) => !tags.has(tag));
  for (const tag of old) await calls.remove("DELETE", "model-versions/delete-tag", { ...place, key: PROVENANCE_PREFIX + tag }, signal);
  for (const [tag, value] of tags) await calls.post("model-versions/set-tag", { ...place, key: PROVENANCE_PREFIX + tag, value }, signal);
  const provenance = new Map([...[...there.entity.provenance].filter(([tag]) => !old.includes(tag)), ...tags]);
  snapshot.versions.set(version, { ...there, entity: { ...there.entity, provenance } });
  return placed(key);
}

function gone(entry: VersionEntry): MigrationError {
  return new MigrationError("NOT_FOUND", `version ${String(entry.version)} of ${JSON.stringify(entry.model)} is not at the target`, {
    key: entry.key,
    hint: "it may have been deleted there in the meantime: run the same command again",
  });
}
