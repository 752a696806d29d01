// The log file: one JSON object a line. Credentials are kept out twice: by name, and by value in every line.
import { closeSync, openSync, writeSync } from "node:fs";
import pino from "pino";

export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** What was written is on the disk. Repeatable. */
  close(): void;
}

export interface LogOptions {
  readonly file: string;
  /** Also what succeeded, and each file. */
  readonly verbose: boolean;
  /** Takes secrets out of a text. */
  readonly scrub: (text: string) => string;
}

const SECRET_FIELDS = ["authorization", "token", "password"].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Opens the log for appending, readable by its owner alone; what is logged is written at once, so that a crash loses nothing. */
export function openLog({ file, verbose, scrub }: LogOptions): Log {
  const descriptor = openSync(file, "a", 0o600);
  let open = true;
  const destination = {
    write(line: string): void {
      if (open) writeSync(descriptor, scrub(line));
    },
  };
  const logger = pino(
    {
      level: verbose ? "debug" : "info",
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS, censor: "***" },
    },
    destination,
  );
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

/** A log that goes nowhere. */
export const NO_LOG: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  close: () => undefined,
};
