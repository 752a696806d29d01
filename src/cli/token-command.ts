// Runs programs that give tokens: the command of mlferry.yaml, such as `gcloud auth print-identity-token`, or a command line of a cloud's.
import { execFile } from "node:child_process";
import { MigrationError } from "../errors.ts";
import type { Ended } from "../login/context.ts";
import type { Environment } from "./terminal.ts";

/** So long a command may take that opens no browser. */
const TIMEOUT_MS = 60_000;
const LONGEST_SHOWN = 200;

/**
 * What the command prints, without the white space around it. A list is run as it is, a text by `/bin/sh`. Throws NOT_AUTHORISED when
 * it fails, prints nothing, or takes longer than a minute; `whose` is for the message.
 */
export async function runTokenCommand(command: string | readonly string[], env: Environment, whose: string): Promise<string> {
  const [program = "", ...args] = typeof command === "string" ? ["/bin/sh", "-c", command] : command;
  const { failure, stdout, stderr } = await runToEnd(program, args, env);
  const token = stdout.trim();
  if (failure === undefined && token !== "") return token;
  const said = stderr.trim().split("\n").at(-1)?.slice(0, LONGEST_SHOWN) ?? "";
  const why = failure ?? "it printed nothing";
  throw new MigrationError("NOT_AUTHORISED", `the token_command of ${whose} gave no token: ${why}${said === "" ? "" : `: ${said}`}`, {
    hint: `run it by hand to see what it wants: ${typeof command === "string" ? command : command.join(" ")}`,
  });
}

/** Runs a program to its end, without input and for a minute at most. Never rejects. */
export function runToEnd(program: string, args: readonly string[], env: Environment): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { ...env }, timeout: TIMEOUT_MS, encoding: "utf8" }, (error, stdout, stderr) => {
      resolve({ ...(error === null ? {} : { failure: failureOf(error) }), stdout, stderr });
    });
    child.stdin?.end();
  });
}

function failureOf(error: Error & { code?: string | number | null; killed?: boolean; signal?: string | null }): string {
  if (error.code === "ENOENT") return "there is no such program";
  if (error.killed === true) return "it took longer than a minute";
  return typeof error.code === "number" ? `it ended with exit code ${String(error.code)}` : `it was ended by ${error.signal ?? "an error"}`;
}
