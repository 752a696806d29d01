// Runs one command line: the process becomes a Terminal, the program parses and acts, and what went wrong is told once, here.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { addAbortSignal } from "node:stream";
import { failureJson, failureLines, failureOf } from "./failure.ts";
import { buildProgram } from "./program.ts";
import { createSecrets } from "./secrets.ts";
import { reportOutput, writeLines } from "./terminal.ts";
import type { Output, Terminal } from "./terminal.ts";

/** Gives the exit code; throws nothing. */
export async function runProgram(process: NodeJS.Process): Promise<number> {
  const terminal = terminalOf(process);
  try {
    await buildProgram(terminal).parseAsync([...terminal.args], { from: "user" });
    return terminal.exitCode;
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure === undefined) return 0;
    writeLines(terminal.stderr, failureLines(failure));
    if (wantsJson(terminal.args)) writeLines(reportOutput(terminal), [failureJson(failure)]);
    return failure.exitCode;
  }
}

/** Asked before anything is parsed, since parsing itself may fail. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}

function terminalOf(process: NodeJS.Process): Terminal {
  const secrets = createSecrets(process.env);
  const { scrub } = secrets;
  const terminal: Terminal = {
    bytes: bytesOf(process),
    stdout: outputOf(process.stdout, { scrub, isTold: () => terminal.sendsBundle === true }),
    stderr: outputOf(process.stderr, { scrub, isTold: () => false }),
    secrets,
    env: process.env,
    args: process.argv.slice(2),
    version: readVersion(),
    now: () => Date.now(),
    signals: process,
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask: (question) => ask(process, question) } : {}),
    exitCode: 0,
  };
  return terminal;
}

/** Not as a terminal with line editing: that would take Ctrl-C away from the process. */
function ask({ stdin, stderr }: NodeJS.Process, question: string): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: stdin, output: stderr, terminal: false });
    lines.on("close", () => resolve(""));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}

function bytesOf(process: NodeJS.Process): Terminal["bytes"] {
  const { stdout } = process;
  return {
    // Looked at only when it is asked for: what is open can keep a process alive.
    in: {
      get isTTY() {
        return process.stdin.isTTY;
      },
      chunks: (signal) => chunksOf(process.stdin, signal),
    },
    out: {
      isTTY: stdout.isTTY,
      send: (bytes) =>
        new Promise((resolve, reject) => {
          stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
        }),
    },
  };
}

async function* chunksOf(stream: NodeJS.ReadStream, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* addAbortSignal(signal, stream) as AsyncIterable<Buffer>;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

interface OutputOptions {
  readonly scrub: (text: string) => string;
  /** Whether somebody else is told of errors. */
  readonly isTold: () => boolean;
}

function outputOf(stream: NodeJS.WriteStream, { scrub, isTold }: OutputOptions): Output {
  // A reader that has seen enough of a report (`| head`) closes the pipe; the work goes on, and what is written goes nowhere.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && !isTold()) throw error;
  });
  return {
    write: (text) => void stream.write(scrub(text)),
    isTTY: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return version;
}
