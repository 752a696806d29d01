// What hangs on versions and objects, in words: as rows about one of them, and as one line in the list of its owner.
import type { EpochMs, Grant, Part, StageHistory, StageTransition, Webhook } from "../model/entities.ts";

/** Label and value; the text may hold anything. */
export function partRows(part: Part): (readonly [label: string, value: string])[] {
  switch (part.kind) {
    case "stage-transition":
      return [["moved", movedText(part)], ["at", momentText(part.at)], ...given("user", part.user), ...given("comment", part.comment)];
    case "comment":
      return [
        ["text", part.text],
        ...given("user", part.user),
        ...given("changed", part.updatedAt === undefined ? undefined : momentText(part.updatedAt)),
      ];
    case "transition-request":
      return [["asks for", part.to], ...given("user", part.user), ...given("comment", part.comment)];
    case "permission":
      return part.entries.map((entry) => [entry.level, grantee(entry)]);
    case "webhook":
      return [
        ["calls", calledText(part)],
        ["on", part.events.join(", ")],
        ["status", part.status],
        ...given("description", part.description),
      ];
  }
}

/** One line that says the most. */
export function partSummary(part: Part): string {
  switch (part.kind) {
    case "stage-transition":
      return [movedText(part), momentText(part.at), ...(part.user === undefined ? [] : [`by ${part.user}`])].join(", ");
    case "comment":
      return `${part.user === undefined ? "" : `${part.user}: `}${part.text.split("\n", 1)[0] ?? ""}`;
    case "transition-request":
      return `asks for ${part.to}${part.user === undefined ? "" : `, by ${part.user}`}`;
    case "permission":
      return part.entries.map((entry) => `${entry.level} ${grantee(entry)}`).join(", ");
    case "webhook":
      return `${part.status} ${calledText(part)}`;
  }
}

/** How far a version's stage transitions are known: `complete since 2026-01-31 10:00:00 UTC`. */
export function historyText({ state, since, reason }: StageHistory): string {
  return `${state}${since === undefined ? "" : ` since ${momentText(since)}`}${reason === undefined ? "" : ` (${reason})`}`;
}

/** UTC to the second; a time outside of what a calendar holds as the number that it is. */
export function momentText(time: EpochMs): string {
  const date = new Date(Number(time));
  if (Number.isNaN(date.getTime())) return `${String(time)} ms`;
  const text = date.toISOString().replace("T", " ");
  return `${text.replace(/\.\d+Z$/, "")} UTC`;
}

function movedText({ from, to, bySystem }: StageTransition): string {
  return `${from} → ${to}${bySystem ? " (by the place itself)" : ""}`;
}

function grantee({ kind, name }: Grant): string {
  return kind === "user" ? name : `${kind} ${name}`;
}

function calledText({ target }: Webhook): string {
  if ("url" in target) return `${target.url}${target.verifiesTls ? "" : " (certificate not verified)"}`;
  return `job ${target.jobId}${target.workspaceUrl === undefined ? "" : ` of ${target.workspaceUrl}`}`;
}

function given(label: string, value: string | undefined): (readonly [string, string])[] {
  return value === undefined || value === "" ? [] : [[label, value]];
}
