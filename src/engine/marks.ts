// Completion marks: a fingerprint of what was written, with suffixes for what is not, or not quite, as planned. Targets store
// them as text; only the engine reads them.
import type { FileLoss } from "./change.ts";
import type { Found } from "../ports/target.ts";

/**
 * `link`: references are still to be set. `partial`: files failed. `unread`: the same, but the user agreed to go without what cannot be
 * read. Both are tried again. `lost`: files that the target can never store were left out.
 */
export const MARK = { link: "+link", partial: "+partial", unread: "+unread", lost: "+lost" } as const;

/** The mark of an object whose files ended with these losses. */
export function markFor(fingerprint: string, state: { readonly losses: readonly FileLoss[]; readonly pendingLinks: boolean }): string {
  const tryAgain = state.losses.filter((loss) => !loss.permanent);
  const again = tryAgain.some((loss) => !loss.agreed) ? MARK.partial : tryAgain.length > 0 ? MARK.unread : "";
  const lost = state.losses.some((loss) => loss.permanent) ? MARK.lost : "";
  return `${fingerprint}${state.pendingLinks ? MARK.link : ""}${again}${lost}`;
}

/** The mark once its references are set. */
export function withoutLink(mark: string): string {
  return mark.replace(MARK.link, "");
}

/** What a mark that was found asks for. */
export function actionByMark(found: string | undefined, fingerprint: string): "update" | "link" | "skip" {
  if (found === undefined || !found.startsWith(fingerprint) || found.includes(MARK.partial) || found.includes(MARK.unread)) return "update";
  return found.includes(MARK.link) ? "link" : "skip";
}

/** The losses that a skipped object still has, as far as its mark tells. `agreed`: whether the user agrees to such losses now. */
export function lossesByMark(found: Found | undefined, { agreed }: { readonly agreed: boolean }): FileLoss[] {
  if (found?.mark?.includes(MARK.lost) !== true) return [];
  const reason = "left out when it was placed: the target cannot store files of these names";
  return [{ path: "", code: "NAME_ILLEGAL", reason, permanent: true, agreed }];
}

/** Whether an object was begun to be written as this fingerprint says, and is not whole: its mark is missing or tells so. */
export function isHalfWritten(found: Found | undefined, fingerprint: string): boolean {
  if (found?.ours !== true) return false;
  const { mark } = found;
  return (
    mark === undefined || (mark.startsWith(fingerprint) && [MARK.link, MARK.partial, MARK.unread].some((suffix) => mark.includes(suffix)))
  );
}
