// Where a job placed an object, by key: the map from old to new that journals keep.
import type { EntityKey, PlacedKey } from "../model/entities.ts";
import { placed } from "../model/keys.ts";
import { onDatabase, openExistingDatabase } from "./database.ts";
import type { StoredJob } from "./jobs.ts";

export interface PlacementReader {
  /** The object's key at the job's target; undefined where the job never placed it. */
  placed(job: Pick<StoredJob, "id">, key: EntityKey): PlacedKey | undefined;
  close(): void;
}

/** Opens the journals of a state folder to be asked many times; undefined where there are none. */
export function openPlacements(dir: string): PlacementReader | undefined {
  const db = onDatabase(dir, () => openExistingDatabase(dir));
  if (db === undefined) return undefined;
  const find = onDatabase(dir, () => db.prepare("SELECT placed FROM entry WHERE job = ? AND key = ?"));
  return {
    placed(job, key) {
      const found = onDatabase(dir, () => find.get(job.id, key))?.["placed"];
      return typeof found === "string" ? placed(found as EntityKey) : undefined;
    },
    close: () => {
      if (db.isOpen) db.close();
    },
  };
}
