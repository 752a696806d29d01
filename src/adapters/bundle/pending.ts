// A bundle to be written, of which nothing is made before the first write: until then it shows what is there already.
import { existsSync } from "node:fs";
import { MigrationError } from "../../errors.ts";
import type { FinishSummary } from "../../ports/target.ts";
import type { Arrivals } from "./arrivals.ts";
import { complete, finishBundle } from "./finish.ts";
import { openGrowing, openStreaming } from "./growing.ts";
import type { GrowingBundle, GrowingOptions } from "./growing.ts";
import { partialLayout } from "./layout.ts";
import { checkOutput, checkUnfinished } from "./output.ts";
import type { WhenThere } from "./output.ts";
import type { RecordStore } from "./reading.ts";
import { reopen } from "./reopen.ts";
import type { Reopened } from "./reopen.ts";
import type { ByteSink } from "./stream-writer.ts";

/** Objects that are there, and files that arrived for objects that are not yet. */
export interface PresentObjects extends RecordStore {
  readonly arrivals: Pick<Arrivals, "of">;
}

export interface PendingBundle {
  /** What is there now; do not keep. */
  present(): PresentObjects;
  /** The bundle to write to; made with the first call. */
  begin(): Promise<GrowingBundle>;
  /** Gives the bundle its name. One that was opened again stays as it is where nothing was written and the same is missing. */
  finish(summary: FinishSummary): Promise<void>;
  /** To be called unless {@link finish} succeeded: keeps what was written. */
  close(): Promise<void>;
}

/**
 * Checks all that can be known at once, and continues an unfinished bundle that is there. Throws OUTPUT_EXISTS, DISK, and
 * BUNDLE_DAMAGED for a bundle that cannot be opened again.
 */
export async function openPending(path: string, options: GrowingOptions, whenThere: WhenThere): Promise<PendingBundle> {
  const layout = partialLayout(path);
  const isThere = await checkOutput(path, whenThere);
  await checkUnfinished(layout, path);
  const old = isThere && whenThere === "reopen" ? await reopen(path, options.header) : undefined;
  try {
    const growing = existsSync(layout.bundle) ? await openGrowing(path, options) : undefined;
    return pending({ path, options, whenThere, old }, growing);
  } catch (error) {
    await old?.close();
    throw error;
  }
}

interface Pending {
  readonly path: string;
  readonly options: GrowingOptions;
  readonly whenThere: WhenThere;
  readonly old: Reopened | undefined;
}

function pending({ path, options, whenThere, old }: Pending, continued: GrowingBundle | undefined): PendingBundle {
  const before: PresentObjects = { ...(old?.records ?? EMPTY), arrivals: { of: () => new Map() } };
  let growing = continued;
  let beginning = continued === undefined ? undefined : Promise.resolve(continued);
  const begin = (): Promise<GrowingBundle> => (beginning ??= makeNew());
  const makeNew = async (): Promise<GrowingBundle> => {
    // Once more: another process may have finished one in the meantime.
    await checkOutput(path, whenThere);
    growing = await openGrowing(path, options, old);
    if (old !== undefined) refuseDamage(path, old.records, growing);
    return growing;
  };
  return {
    present: () => growing ?? before,
    begin,
    finish: async (summary) => {
      if (beginning !== undefined || old?.tells(summary) !== true) await finishBundle(path, await begin(), summary);
      await old?.close();
    },
    close: async () => {
      // How it failed was told to whoever wrote.
      await beginning?.catch(() => undefined);
      await growing?.close();
      await old?.close();
    },
  };
}

/** A bundle that leaves through the sink from the first write on. What waits for its end is kept below `folder`, a name not taken. */
export function streamPending(folder: string, options: GrowingOptions, sink: ByteSink): PendingBundle {
  const before: PresentObjects = { ...EMPTY, arrivals: { of: () => new Map() } };
  let growing: GrowingBundle | undefined;
  let beginning: Promise<GrowingBundle> | undefined;
  const begin = (): Promise<GrowingBundle> => (beginning ??= openStreaming(folder, options, sink).then((opened) => (growing = opened)));
  return {
    present: () => growing ?? before,
    begin,
    finish: async (summary) => {
      await complete(await begin(), summary);
      await growing?.close();
      growing = undefined;
    },
    close: async () => {
      // How it failed was told to whoever wrote.
      await beginning?.catch(() => undefined);
      await growing?.close();
    },
  };
}

/**
 * Contents are read only now. An object whose contents turn out to be damaged may have been passed over as whole before, so the job
 * must not end as if it had moved.
 */
function refuseDamage(path: string, old: RecordStore, growing: GrowingBundle): void {
  for (const key of old.index.keys()) {
    if (growing.index.has(key)) continue;
    throw new MigrationError("DISK", `${path} is damaged: a content of ${key} has other bytes than its name says`, {
      hint: "run the same command again: what is damaged is read from the source once more",
    });
  }
}

const EMPTY: RecordStore = {
  index: new Map(),
  record: (entry) => Promise.reject(new Error(`${entry.key} is in no bundle`)),
  blob: () => {
    throw new Error("an empty bundle holds no contents");
  },
};
