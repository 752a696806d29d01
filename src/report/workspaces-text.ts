// The end of a report on several workspaces: one line for each.
import { section } from "./list-text.ts";
import { countOf } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

export interface WorkspaceResult {
  readonly name: string;
  /** Its name at the target; absent where there is none. */
  readonly to?: string;
  readonly exitCode: number;
}

/** Which workspaces were gone through with which exit code, and which no pattern matched. */
export function workspacesSummary(results: readonly WorkspaceResult[], unread: readonly string[], style: Style): string[] {
  const well = results.filter(({ exitCode }) => exitCode === 0).length;
  const title = `${countOf(results.length, "workspace")}, ${well === results.length ? "all well" : `${String(results.length - well)} not well`}`;
  const rows = results.map(({ name, to, exitCode }) => [
    shown(name),
    to === undefined || to === name ? "" : `→ ${shown(to)}`,
    exitCode === 0 ? "well" : `exit code ${String(exitCode)}`,
  ]);
  const left = unread.length === 0 ? [] : [paint(style, "quiet", `matched by no --workspaces: ${unread.map(shown).join(", ")}`)];
  return [...section({ title, tone: well === results.length ? "good" : "bad", rows }, style), ...left];
}
