// Values that the journal tests share.
import type { OpenJournalOptions } from "../../src/journal/journal.ts";
import type { OriginId } from "../../src/model/entities.ts";
import { keyOf } from "../../src/model/keys.ts";
import type { JobIdentity, JournalEntry } from "../../src/ports/journal.ts";

export const source = "aa11" as OriginId;
export const target = "bb22" as OriginId;

export function jobOptions(
  dir: string,
  { identity, now, exclusive = false }: { identity?: Partial<JobIdentity>; now?: () => number; exclusive?: boolean } = {},
): OpenJournalOptions {
  return {
    dir,
    identity: { source, target, options: "models=*", ...identity },
    info: {
      command: "mlferry copy a b",
      args: ["copy", "a", "b"],
      folder: "/there",
      source: "http://a",
      target: "http://b",
      options: { models: ["*"] },
    },
    now: now ?? (() => 1000),
    exclusive,
  };
}

export function entry(fields: Partial<JournalEntry> = {}): JournalEntry {
  return { key: keyOf("run", "r1"), state: "done", fingerprint: "f1", ...fields };
}
