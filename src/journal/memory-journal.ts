// A journal without a disk: for dry runs, for tests, and for jobs that need not survive the process.
import type { EntityKey } from "../model/entities.ts";
import type { FileEntry, Journal, JournalEntry } from "../ports/journal.ts";

/** A journal that forgets at the end of the process. `resuming` is false unless told otherwise. */
export function memoryJournal({ resuming = false }: { readonly resuming?: boolean } = {}): Journal {
  const entries = new Map<EntityKey, JournalEntry>();
  const files = new Map<EntityKey, Map<string, FileEntry>>();
  return {
    resuming,
    last: (key) => Promise.resolve(entries.get(key)),
    append(entry) {
      const known = entries.get(entry.key)?.placed;
      const keep = entry.placed === undefined && known !== undefined ? { placed: known } : {};
      entries.set(entry.key, { ...entry, ...keep });
      return Promise.resolve();
    },
    files: (key) => Promise.resolve([...(files.get(key)?.values() ?? [])].sort((a, b) => (a.path < b.path ? -1 : 1))),
    appendFile(key, file) {
      const known = files.get(key) ?? new Map<string, FileEntry>();
      files.set(key, known.set(file.path, file));
      return Promise.resolve();
    },
    end: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
