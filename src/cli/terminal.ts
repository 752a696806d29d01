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

/** Stdin as bytes: a bundle that is read. */
export interface ByteInput {
  readonly isTTY: boolean;
  /** All that comes, once. Ends with the signal's reason when it is aborted. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Stdout as bytes: a bundle that is written. */
export interface ByteOutput {
  readonly isTTY: boolean;
  /** Writes bytes as they are; resolves when more can be taken. Rejects with what the system says, such as EPIPE. */
  send(bytes: Uint8Array): Promise<void>;
}

export interface Terminal {
  readonly bytes: { readonly in: ByteInput; readonly out: ByteOutput };
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
  /** Set where stdout carries a bundle. Default: false. */
  sendsBundle?: boolean;
  /** The exit code of the command that ran; 0 unless set. */
  exitCode: number;
}

/** Where reports go: data goes before them. */
export function reportOutput({ stdout, stderr, sendsBundle = false }: Pick<Terminal, "stdout" | "stderr" | "sendsBundle">): Output {
  return sendsBundle ? stderr : stdout;
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
