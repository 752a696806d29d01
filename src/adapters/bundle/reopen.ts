// A finished bundle that is opened again, so that a job that ended with failures goes on: read where it lies, and laid out as an
// unfinished one beside it once something is to be written. It keeps its place until the new one takes it.
import { constants } from "node:fs";
import { chmod, copyFile, link, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KINDS } from "../../model/entities.ts";
import type { FinishSummary } from "../../ports/target.ts";
import { refuseOther } from "./envelope.ts";
import type { Header } from "./envelope.ts";
import { BLOBS, HEADER, blobDigest, isTarPath } from "./layout.ts";
import type { PartialLayout } from "./layout.ts";
import type { MemberStore } from "./member-store.ts";
import type { RecordStore } from "./reading.ts";
import { readFinished, recordStore } from "./source.ts";
import type { Finished } from "./source.ts";
import { openStore } from "./store.ts";
import { syncFolder } from "./writer.ts";

export interface Reopened {
  /** Its objects as they lie there. */
  readonly records: RecordStore;
  /** Makes an unfinished bundle of it. Cut off in the middle, it counts as not begun. */
  layOut(layout: PartialLayout): Promise<void>;
  /** Whether it tells of the same things missing, so that it need not be written again when nothing else is. */
  tells(summary: FinishSummary): boolean;
  close(): Promise<void>;
}

/** Opens the bundle for more writing. Throws OUTPUT_EXISTS when it is of another registry or selection, BUNDLE_DAMAGED. */
export async function reopen(path: string, header: Header): Promise<Reopened> {
  const store = await openStore(path);
  try {
    const finished = await readFinished(store);
    refuseOther(finished.header, header, { where: path, hint: "give another name, or replace it with --force" });
    return {
      records: recordStore(store, finished),
      layOut: (layout) => layOut(store, finished, layout),
      tells: ({ losses, notCarried }) => isSame(finished.manifest.losses, losses) && isSame(finished.manifest.notCarried, notCarried),
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const isSame = (a: readonly unknown[], b: readonly unknown[]): boolean => JSON.stringify(a) === JSON.stringify(b);

async function layOut(store: MemberStore, finished: Finished, layout: PartialLayout): Promise<void> {
  await rm(layout.arrivals, { force: true });
  for (const kind of KINDS) await writeFile(layout.lines(kind), finished.lines.content(kind), { mode: 0o600, flush: true });
  const draft = join(layout.spool, "reopened");
  if (isTarPath(layout.bundle)) await copyTar(store.where, draft);
  else await linkMembers(store, finished, draft);
  // Last: an unfinished bundle without this one is begun anew.
  await rename(draft, layout.bundle);
  await syncFolder(layout.root);
}

/** Lines and manifest at its end are cut off when it is opened, since they belong to no unfinished bundle. */
async function copyTar(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o600);
  const file = await open(to, "r+");
  await file.datasync().finally(() => file.close());
}

async function linkMembers(store: MemberStore, { headerText }: Finished, to: string): Promise<void> {
  await mkdir(join(to, BLOBS), { recursive: true, mode: 0o700 });
  for (const name of store.members.keys()) {
    if (blobDigest(name) !== undefined) await linkOrCopy(join(store.where, name), join(to, name));
  }
  await syncFolder(join(to, BLOBS));
  await writeFile(join(to, HEADER), headerText, { mode: 0o600, flush: true });
}

/** A blob is never written to, so both bundles can share it; not every file system has links. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_FICLONE));
}
