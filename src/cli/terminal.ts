// What a command sees of the process: streams, environment, arguments, clock and signals. Everything else gets them from here.
import type { EventEmitter } from "node:events";
import type { Style } from "../report/style.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Columns of the terminal; undefined when it is none. */
  readonly columns: number | undefined;
}

/** Stdout, which may carry a bundle. */
export interface ByteOutput extends Output {
  /** Writes bytes as they are; resolves when more can be taken. Rejects with what the system says, such as EPIPE. */
  send(bytes: Uint8Array): Promise<void>;
}

export interface Input {
  readonly isTTY: boolean;
  /** All that comes, once. Ends with the signal's reason when it is aborted. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface Terminal {
  readonly stdin: Input;
  readonly stdout: ByteOutput;
  readonly stderr: Output;
  readonly env: Environment;
  /** The arguments after the program's name. */
  readonly args: readonly string[];
  readonly version: string;
  /** Epoch ms. */
  readonly now: () => number;
  /** Emits SIGINT and SIGTERM. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
  /** Where reports go: stdout, unless that carries a bundle. */
  report: Output;
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
