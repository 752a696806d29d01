// What readings of a registry have seen of its versions' stages, for registries that do not tell their past: kept in the state folder beside
// the jobs, by registry.
import type { DatabaseSync } from "node:sqlite";
import type { EpochMs, OriginId, Stage } from "../model/entities.ts";
import { inTransaction, onDatabase, openDatabase } from "./database.ts";

/** A version as it stands now. */
export interface SeenVersion {
  readonly model: string;
  readonly version: number;
  readonly stage: Stage;
  /** When the place last changed it, where it tells. */
  readonly changedAt?: EpochMs;
}

/** A change of stage between two readings. */
export interface SeenChange {
  /** From 1, in the order of the readings: the same in every one that follows. */
  readonly number: number;
  readonly from: Stage;
  readonly to: Stage;
  /** When the version was last changed before the later reading; where that is not known, when it was read. */
  readonly at: EpochMs;
  readonly after: EpochMs;
  readonly before: EpochMs;
}

export interface Seen {
  /** The first reading that saw the version. */
  readonly since: EpochMs;
  readonly changes: readonly SeenChange[];
  /** Whether nothing at all happened to the version since then: else one change between two readings may hide another. */
  readonly isWhole: boolean;
}

export interface Sightings {
  /** How the version stands at the time of this reading; remembered with the next `keep`. */
  see(version: SeenVersion): Seen;
  /** Remembers what was seen. Throws DISK. */
  keep(): void;
  close(): void;
}

export interface SightingsOptions {
  /** The state folder; created when missing. */
  readonly dir: string;
  readonly origin: OriginId;
  /** Of this reading. */
  readonly now: EpochMs;
}

/** Opens what is remembered of a registry. Throws as a journal does. */
export function openSightings({ dir, origin, now }: SightingsOptions): Sightings {
  const db = onDatabase(dir, () => openDatabase(dir));
  const last = db.prepare("SELECT stage, changed, first, last FROM sighting WHERE origin = ? AND model = ? AND version = ?");
  const changes = db.prepare("SELECT * FROM stage_change WHERE origin = ? AND model = ? AND version = ? ORDER BY number");
  const unkept: (SeenVersion & { readonly since: EpochMs; readonly change?: SeenChange })[] = [];
  return {
    see: (version) =>
      onDatabase(dir, () => {
        const place = [origin, version.model, version.version] as const;
        const before = last.get(...place);
        const known = changes.all(...place).map(changeFromRow);
        const since = before === undefined ? now : BigInt(String(before["first"]));
        const stage = before?.["stage"] as Stage | undefined;
        const change =
          before === undefined || stage === undefined || stage === version.stage
            ? undefined
            : {
                number: known.length + 1,
                from: stage,
                to: version.stage,
                at: version.changedAt ?? now,
                after: BigInt(String(before["last"])),
                before: now,
              };
        unkept.push({ ...version, since, ...(change === undefined ? {} : { change }) });
        const isUntouched = version.changedAt !== undefined && version.changedAt <= since;
        return { since, changes: [...known, ...(change === undefined ? [] : [change])], isWhole: isUntouched };
      }),
    keep: () => onDatabase(dir, () => inTransaction(db, () => remember(db, { origin, now, seen: unkept.splice(0) }))),
    close: () => db.close(),
  };
}

interface Unkept {
  readonly origin: OriginId;
  readonly now: EpochMs;
  readonly seen: readonly (SeenVersion & { readonly since: EpochMs; readonly change?: SeenChange })[];
}

function remember(db: DatabaseSync, { origin, now, seen }: Unkept): void {
  const sighting = db.prepare(
    "INSERT OR REPLACE INTO sighting (origin, model, version, stage, changed, first, last) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const stageChange = db.prepare(
    "INSERT OR IGNORE INTO stage_change (origin, model, version, number, from_stage, to_stage, at, after, before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  for (const { model, version, stage, changedAt, since, change } of seen) {
    sighting.run(origin, model, version, stage, changedAt?.toString() ?? null, String(since), String(now));
    if (change === undefined) continue;
    const { number, from, to, at, after, before } = change;
    stageChange.run(origin, model, version, number, from, to, String(at), String(after), String(before));
  }
}

function changeFromRow(row: Record<string, unknown>): SeenChange {
  const time = (column: string): EpochMs => BigInt(String(row[column]));
  return {
    number: Number(row["number"]),
    from: row["from_stage"] as Stage,
    to: row["to_stage"] as Stage,
    at: time("at"),
    after: time("after"),
    before: time("before"),
  };
}
