// Rows for what a selection brought along, and for what it left behind although it belongs to what was selected.
import { z } from "zod";
import type { EntityKey } from "../model/entities.ts";
import { KINDS } from "../model/entities.ts";
import { idOf } from "../model/keys.ts";
import type { PulledIn } from "../model/pulled-in.ts";
import { section } from "./list-text.ts";
import { countText, kindPlural } from "./quantities.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

/** How a selection went beyond what was asked for, and where it stayed behind. */
export interface Reach {
  readonly pulledIn: readonly PulledIn[];
  /** Aliases whose versions are not selected. */
  readonly leftOut: readonly EntityKey[];
}

/** The same in the JSON of reports. */
export const reachSchema = {
  pulled_in: z.array(z.object({ kind: z.enum(KINDS), count: z.int().min(0), because: z.string() })),
  aliases_left_out: z.array(z.string()),
};

export function reachJson({ pulledIn, leftOut }: Reach): { pulled_in: PulledIn[]; aliases_left_out: string[] } {
  return { pulled_in: [...pulledIn], aliases_left_out: [...leftOut] };
}

export function reachSections({ pulledIn, leftOut }: Reach, style: Style): string[] {
  const left = leftOut.map((key) => [shown(idOf(key)), "the version that it points to is not selected"]);
  return [
    ...section({ title: "came along with what was selected", tone: "quiet", rows: pulledRows(pulledIn), flexible: [2], right: [1] }, style),
    ...section({ title: "aliases that were left out", tone: "quiet", rows: left, flexible: [0] }, style),
  ];
}

/** A row for each kind: `runs`, `12`, `9 as runs of versions, 3 as parents of runs`. */
function pulledRows(pulledIn: readonly PulledIn[]): string[][] {
  return KINDS.flatMap((kind) => {
    const parts = pulledIn.filter((part) => part.kind === kind);
    if (parts.length === 0) return [];
    const total = parts.reduce((sum, { count }) => sum + count, 0);
    const reasons = parts.map(({ count, because }) => (parts.length === 1 ? `as ${because}` : `${countText(count)} as ${because}`));
    return [[kindPlural(kind), countText(total), reasons.join(", ")]];
  });
}
