// Lists of reports: shortened where they grow long, with the number of what is left out.
import { countText } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style, Tone } from "./style.ts";
import { table } from "./table.ts";
import type { TableOptions } from "./table.ts";

/** Rows of a list before it is shortened, unless a report is verbose. */
const LONGEST = 40;

export interface Section {
  readonly title: string;
  readonly tone: Tone;
  readonly rows: readonly (readonly string[])[];
  readonly flexible?: readonly number[];
  readonly right?: readonly number[];
  /** Column headings. */
  readonly head?: readonly string[];
}

/** A heading with an indented table below it and an empty line after; nothing at all where there are no rows. */
export function section({ title, tone, rows, head, ...columns }: Section, style: Style): string[] {
  if (rows.length === 0) return [];
  const shownRows = style.verbose ? rows : rows.slice(0, LONGEST);
  const options: TableOptions = { indent: "  ", width: style.columns, ...columns };
  const lines = table(head === undefined ? shownRows : [head, ...shownRows], options);
  const [first, ...rest] = lines;
  const body = head === undefined || first === undefined ? lines : [paint(style, "quiet", first), ...rest];
  const left = rows.length - shownRows.length;
  const more = left === 0 ? [] : [paint(style, "quiet", `  and ${countText(left)} more (--verbose or --json has them all)`)];
  return [paint(style, tone === "quiet" ? "heading" : tone, title), ...body, ...more, ""];
}
