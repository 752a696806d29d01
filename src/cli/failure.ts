// Turns whatever ended a command into one error with a code, a message and a hint: for people, for JSON, and for the exit code.
import { CommanderError } from "commander";
import { asMigrationError, CODES } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { shown } from "../report/table.ts";

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly exitCode: number;
}

/** Undefined for what is no failure: help or the version was asked for. */
export function failureOf(thrown: unknown): Failure | undefined {
  if (thrown instanceof CommanderError) return usageFailure(thrown);
  const { code, message, hint } = asMigrationError(thrown);
  return { code, message, ...(hint === undefined ? {} : { hint }), exitCode: CODES[code].exit };
}

/** `error:` then `hint:`, each on one line whatever names are in it. */
export function failureLines({ message, hint }: Failure): string[] {
  return [`error: ${shown(message)}`, ...(hint === undefined ? [] : [`hint: ${shown(hint)}`])];
}

/** The form of an error on stdout with --json: see errorSchema. */
export function failureJson({ code, message, hint, exitCode }: Failure): string {
  return JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }), exitCode } });
}

/** Commander's words in the form of all other errors: lower case, no full stop, the suggestion as a hint. */
function usageFailure(thrown: CommanderError): Failure | undefined {
  if (thrown.exitCode === 0) return undefined;
  const asked = thrown.code === "commander.help";
  const [first = "", suggestion] = thrown.message.split("\n");
  const message = asked ? "no command was given" : first.replace(/^error: /, "").replace(/\.$/, "");
  const meant = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? "")?.[1];
  const hint =
    meant === undefined ? "mlferry --help lists the commands, mlferry COMMAND --help the flags of one" : `did you mean ${meant}?`;
  return { code: "USAGE", message, hint, exitCode: CODES.USAGE.exit };
}
