// What reports tell of workspaces that a source server has beside the one that was read.
import { countOf } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

export interface UnreadWorkspaces {
  readonly names: readonly string[];
  /** True when the command named the one that was read: then nobody expects the others. */
  readonly agreed: boolean;
}

/** A line that names them, and one on how to read them where nobody said which one is meant. */
export function unreadLines(unread: UnreadWorkspaces | undefined, style: Style): string[] {
  if (unread === undefined) return [];
  const { names, agreed } = unread;
  const line = `${countOf(names.length, "other workspace")} of the source ${names.length === 1 ? "was" : "were"} not read: ${names.map(shown).join(", ")}`;
  if (agreed) return [paint(style, "quiet", line), ""];
  return [paint(style, "bad", line), "  hint: --workspaces '*' reads each of them, --source-workspace NAME says that one is meant", ""];
}

/** The field of JSON reports. */
export function unreadField(unread: UnreadWorkspaces | undefined): { workspaces_not_read?: string[] } {
  return unread === undefined ? {} : { workspaces_not_read: [...unread.names] };
}

/** Whether something may be missing that nobody agreed to leave. */
export function isPassedOver(unread: UnreadWorkspaces | undefined, onLoss: "refuse" | "drop"): boolean {
  return unread?.agreed === false && onLoss === "refuse";
}
