// Rows for what a source cannot give: kinds that are not carried, and losses from when it was written.
import type { LossRecord, NotCarried } from "../ports/source.ts";
import { countText } from "./quantities.ts";
import { shown } from "./table.ts";

/** Whether the place has, or may have, such objects. */
export function isThere({ count, atLeast }: NotCarried): boolean {
  return count > 0 || atLeast === true;
}

/** One row for each kind and place: `traces`, `at least 12`, `in fraud`. */
export function notCarriedRows(notCarried: readonly NotCarried[]): string[][] {
  return notCarried
    .filter(isThere)
    .map(({ what, count, atLeast, where }) => [
      what,
      count === 0 ? "could not be counted" : `${atLeast === true ? "at least " : ""}${countText(count)}`,
      where === undefined ? "" : `in ${shown(where)}`,
    ]);
}

export function knownLossRows(losses: readonly LossRecord[]): string[][] {
  return losses.map(({ key, field, reason }) => [shown(key), shown(field), shown(reason)]);
}
