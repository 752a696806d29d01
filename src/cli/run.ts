// Runs one command line: the process becomes a Terminal, the program parses and acts, and what went wrong is told once, here.
import { readFileSync } from "node:fs";
import { addAbortSignal } from "node:stream";
import { failureJson, failureLines, failureOf } from "./failure.ts";
import { buildProgram } from "./program.ts";
import { createScrubber } from "./secrets.ts";
import { writeLines } from "./terminal.ts";
import type { ByteOutput, Terminal } from "./terminal.ts";

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
    if (wantsJson(terminal.args)) writeLines(terminal.report, [failureJson(failure)]);
    return failure.exitCode;
  }
}

/** Asked before anything is parsed, since parsing itself may fail. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}

function terminalOf(process: NodeJS.Process): Terminal {
  const scrub = createScrubber(process.env);
  const stdout = outputOf(process.stdout, scrub);
  return {
    // Looked at only when it is asked for: what is open keeps a process alive.
    stdin: {
      get isTTY() {
        return process.stdin.isTTY;
      },
      chunks: (signal) => chunksOf(process.stdin, signal),
    },
    stdout,
    stderr: outputOf(process.stderr, scrub),
    env: process.env,
    args: process.argv.slice(2),
    version: readVersion(),
    now: () => Date.now(),
    signals: process,
    report: stdout,
    exitCode: 0,
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

function outputOf(stream: NodeJS.WriteStream, scrub: (text: string) => string): ByteOutput {
  let tellsSender = false;
  // A reader that has seen enough of a report (`| head`) closes the pipe; the work goes on, and what is written goes nowhere.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && !tellsSender) throw error;
  });
  return {
    write: (text) => void stream.write(scrub(text)),
    send: (bytes) =>
      new Promise((resolve, reject) => {
        tellsSender = true;
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
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
