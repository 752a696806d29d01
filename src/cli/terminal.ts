// What a command sees of the process: streams, environment, arguments, clock and signals. Everything else gets them from here.
import type { EventEmitter } from "node:events";
import type { Style } from "../report/style.ts";
import type { Secrets } from "./secrets.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Columns of the terminal; undefined when it is none. */
  readonly columns: number | undefined;
}

export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  /** The arguments after the program's name. */
  readonly args: readonly string[];
  readonly version: string;
  /** Epoch ms. */
  readonly now: () => number;
  /** Kept out of everything that is written. */
  readonly secrets: Secrets;
  /** Emits SIGINT and SIGTERM. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
  /** Asks for a line, and gives it without its end, or "" at the end of input. Absent where nobody is there to answer. */
  readonly ask?: (question: string) => Promise<string>;
  /** The stored job that the command is to be, when `mlferry resume` runs it. */
  readonly resumes?: string;
  /** The exit code of the command that ran; 0 unless set. */
  exitCode: number;
}

/** Whether escapes for colours and cursor may be written: on a terminal that can, unless NO_COLOR (https://no-color.org) says otherwise. */
export function hasColours(output: Output, env: Environment): boolean {
  return output.isTTY && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** How reports on an output look. */
export function styleFor(output: Output, env: Environment, { verbose }: { readonly verbose: boolean }): Style {
  return { columns: verbose ? undefined : output.columns, colour: hasColours(output, env), verbose };
}

/** Writes lines, each with its end. */
export function writeLines(output: Output, lines: readonly string[]): void {
  if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
}
