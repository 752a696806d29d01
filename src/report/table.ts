// Aligned text: columns that fit a width, and foreign text made fit for a terminal.

export interface TableOptions {
  /** Longest line; cells of the columns in `flexible` are cut until it fits. Absent: nothing is cut. */
  readonly width?: number | undefined;
  /** Before each line. */
  readonly indent?: string;
  /** Columns that may be cut, by index; the first of them only when the others are as narrow as can be. */
  readonly flexible?: readonly number[];
  /** Columns that are aligned to the right. */
  readonly right?: readonly number[];
}

const GAP = 2;
const NARROWEST = 8;

/** The rows as lines of aligned columns, without spaces at their ends. Cells must be free of control characters (see {@link shown}). */
export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
  const { indent = "", right = [] } = options;
  const widths = fittedWidths(rows, options);
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      const text = cut(cell, width);
      const space = " ".repeat(Math.max(0, width - widthOf(text)));
      return right.includes(column) ? space + text : text + space;
    });
    return `${indent}${cells.join(" ".repeat(GAP))}`.trimEnd();
  });
}

/** Cut to `width` columns, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = [...text];
  let kept = "";
  let used = 0;
  for (const character of characters) {
    const next = used + characterWidth(character);
    if (next > width - 1) break;
    kept += character;
    used = next;
  }
  return `${kept}…`;
}

/** A value of a registry on one line: line ends, escapes and other control characters are written out, as JSON would. */
export function shown(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200e\u200f]/gu,
    (character) => ESCAPES[character] ?? unicodeEscape(character),
  );
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Columns that a text takes: East Asian wide characters and most emoji take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function characterWidth(character: string): number {
  if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Natural widths, the widest flexible column made narrower until all fit; the first one, which names the object, comes last. */
function fittedWidths(rows: readonly (readonly string[])[], { width, indent = "", flexible = [] }: TableOptions): number[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))));
  if (width === undefined) return widths;
  const total = indent.length + widths.reduce((sum, one) => sum + one, 0) + GAP * Math.max(0, widths.length - 1);
  const [first, ...others] = flexible;
  const rest = shrink(widths, others, total - width);
  if (first !== undefined) shrink(widths, [first], rest);
  return widths;
}

/** Takes `excess` columns away from the widest of `columns`, one after the other; gives what could not be taken. */
function shrink(widths: number[], columns: readonly number[], excess: number): number {
  let left = excess;
  while (left > 0) {
    const widest = columns.reduce((best, column) => ((widths[column] ?? 0) > (widths[best] ?? 0) ? column : best), columns[0] ?? -1);
    const current = widths[widest] ?? 0;
    if (current <= NARROWEST) break;
    widths[widest] = current - 1;
    left -= 1;
  }
  return left;
}
