// The checkpoint store's contract. Asynchronous, so that another store can stand behind it.
import type { Digest, EntityKey, OriginId, PlacedKey, Stage } from "../model/entities.ts";

/** What identifies a job: the same command finds the same job again. */
export interface JobIdentity {
  readonly source: OriginId;
  readonly target: OriginId;
  /** Canonical text of selection, mapping and policy. */
  readonly options: string;
}

export interface JournalEntry {
  readonly key: EntityKey;
  readonly state: "done" | "failed";
  /** Fingerprint of the reconciled entity that was written. */
  readonly fingerprint: string;
  readonly placed?: PlacedKey;
  readonly error?: { readonly code: string; readonly message: string };
  /** What old URIs said of it beside its key; absent where there is nothing, or an older mlferry did not note it. */
  readonly detail?: EntryDetail;
}

/** Of a version: its stage at the source, and whether it has it at the target. Of an alias: the version that it points to there. */
export type EntryDetail = { readonly stage: Stage; readonly stageKept: boolean } | { readonly version: number };

/** A file that reached the target whole. */
export interface FileEntry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

export interface Journal {
  /** True when an earlier run of this job was cut off: its entries are trusted without asking the target. */
  readonly resuming: boolean;
  last(key: EntityKey): Promise<JournalEntry | undefined>;
  /** Entries are grouped into one transaction with what is written at about the same time; resolves when it is durable. */
  append(entry: JournalEntry): Promise<void>;
  /** Files of the entity that are already at the target. */
  files(key: EntityKey): Promise<readonly FileEntry[]>;
  appendFile(key: EntityKey, file: FileEntry): Promise<void>;
  /** Ends the job: `complete` when every item arrived. */
  end(state: "complete" | "partial"): Promise<void>;
  close(): Promise<void>;
}
