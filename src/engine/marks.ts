// Completion marks: a fingerprint of what was written, with suffixes for what is not, or not quite, as planned. Targets store
// them as text; only the engine reads them.
import type { Entity } from "../model/entities.ts";
import type { FileFilter } from "../model/file-filter.ts";
import { notebookOf } from "../model/notebook.ts";
import type { FileLoss } from "./change.ts";
import type { Job } from "./job.ts";
import { unlisted } from "./left-out.ts";
import type { Found } from "../ports/target.ts";

/** Before the id of the filter under which the object is whole. */
const ONLY = "+only-";
/** Before the id of the rules that changed files of it. */
const CHANGED = "+as-";

/**
 * `link`: references are still to be set. `partial`: files failed. `unread`: the same, but the user agreed to go without what cannot be
 * read. Both are tried again. `lost`: files that the target can never store were left out.
 */
export const MARK = { link: "+link", partial: "+partial", unread: "+unread", lost: "+lost" } as const;

export interface MarkState {
  readonly losses: readonly FileLoss[];
  readonly pendingLinks: boolean;
  /** The id of the job's filter. */
  readonly filter: string;
  /** The id of the rules that changed files of it; "" where none did. */
  readonly changed: string;
}

/** The mark of an object whose files ended with these losses. What a filter left out gives way to a job without it. */
export function markFor(fingerprint: string, state: MarkState): string {
  const own = state.losses.filter((loss) => loss.leftOut === undefined);
  const tryAgain = own.filter((loss) => !loss.permanent);
  const again = tryAgain.some((loss) => !loss.agreed) ? MARK.partial : tryAgain.length > 0 ? MARK.unread : "";
  const lost = own.some((loss) => loss.permanent) ? MARK.lost : "";
  const only = own.length < state.losses.length ? `${ONLY}${state.filter}` : "";
  const as = state.changed === "" ? "" : `${CHANGED}${state.changed}`;
  return `${fingerprint}${state.pendingLinks ? MARK.link : ""}${again}${lost}${only}${as}`;
}

/** What a run is marked by whose notebook is one of its files: whole without it, it is not whole for a job that asks for it. */
export function withNotebookMark(fingerprint: string, source: Entity, { notebooks }: Pick<Job, "notebooks">): string {
  if (notebooks === undefined || source.kind !== "run" || notebookOf(source.tags) === undefined) return fingerprint;
  return `${fingerprint}+notebook-${notebooks}`;
}

/** The mark once its references are set. */
export function withoutLink(mark: string): string {
  return mark.replace(MARK.link, "");
}

/** What a mark that was found asks for, under the filter with this id. */
export function actionByMark(found: string | undefined, fingerprint: string, filter: string): "update" | "link" | "skip" {
  if (found !== undefined && filterIn(found) !== undefined && filterIn(found) !== filter) return "update";
  if (found === undefined || !found.startsWith(fingerprint) || found.includes(MARK.partial) || found.includes(MARK.unread)) return "update";
  return found.includes(MARK.link) ? "link" : "skip";
}

/** The losses that a skipped object still has, as far as its mark tells. `agreed`: whether the user agrees to such losses now. */
export function lossesByMark(found: Found | undefined, { agreed, filter }: { agreed: boolean; filter: FileFilter }): FileLoss[] {
  const mark = found?.mark ?? "";
  const reason = "left out when it was placed: the target cannot store files of these names";
  const lost: FileLoss = { path: "", code: "NAME_ILLEGAL", reason, permanent: true, agreed };
  return [...(mark.includes(MARK.lost) ? [lost] : []), ...(filterIn(mark) === undefined ? [] : [unlisted(filter.wording)])];
}

/** Whether an object with this mark was written without files that could not be had. */
export function waitsForFiles(mark: string): boolean {
  return mark.includes(MARK.partial);
}

/** Whether files that the target could store were left out of an object with this mark, for whatever reason. */
export function lacksFiles(mark: string): boolean {
  return [MARK.partial, MARK.unread, ONLY].some((suffix) => mark.includes(suffix));
}

/** The id of the rules that changed files of an object with this mark; "" where none did. */
export function changedIn(mark: string | undefined): string {
  return mark?.split(CHANGED)[1]?.split("+")[0] ?? "";
}

function filterIn(mark: string): string | undefined {
  return mark.split(ONLY)[1]?.split("+")[0];
}

/** Whether an object was begun to be written as this fingerprint says, and is not whole: its mark is missing or tells so. */
export function isHalfWritten(found: Found | undefined, fingerprint: string): boolean {
  if (found?.ours !== true) return false;
  const { mark } = found;
  return (
    mark === undefined || (mark.startsWith(fingerprint) && [MARK.link, MARK.partial, MARK.unread].some((suffix) => mark.includes(suffix)))
  );
}
