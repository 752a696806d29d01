// The folder of the journals.
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Environment } from "./terminal.ts";

/** `--state`, or `mlferry` below $XDG_STATE_HOME (XDG Base Directory Specification: relative paths do not count) or ~/.local/state. */
export function stateDir(flag: string | undefined, env: Environment): string {
  if (flag !== undefined) return flag;
  const base = env["XDG_STATE_HOME"] ?? "";
  return join(isAbsolute(base) ? base : join(env["HOME"] ?? homedir(), ".local", "state"), "mlferry");
}
