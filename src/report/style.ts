// How a report may look: its width, its colours, and how much it tells.
import { styleText } from "node:util";

export interface Style {
  /** Columns of the terminal; undefined where output goes to a file or pipe, and nothing is cut. */
  readonly columns?: number | undefined;
  readonly colour: boolean;
  /** Every row, instead of grouped and shortened lists. */
  readonly verbose: boolean;
}

/** What a piece of text is, from which its colour follows. */
export type Tone = "heading" | "bad" | "warning" | "good" | "quiet";

const FORMATS = { heading: "bold", bad: "red", warning: "yellow", good: "green", quiet: "dim" } as const;

/** The text in the tone's colour, or as it is where there are no colours. */
export function paint(style: Pick<Style, "colour">, tone: Tone, text: string): string {
  return style.colour && text !== "" ? styleText(FORMATS[tone], text, { validateStream: false }) : text;
}
