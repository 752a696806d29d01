// The table of old and new URIs in the forms that people and programs take it in.
import { z } from "zod";
import type { UriRow } from "../engine/uri-table.ts";
import { JSON_VERSION } from "./json.ts";
import { shown } from "./table.ts";

/** The forms of the table. */
export const URI_FORMATS = ["csv", "json", "md"] as const;
export type UriFormat = (typeof URI_FORMATS)[number];

/** `mlferry report --uris json`. */
export const uriTableSchema = z.object({
  mlferry_json: z.literal(JSON_VERSION),
  report: z.literal("uris"),
  source: z.string().optional().describe("absent where the objects of a place were asked"),
  target: z.string(),
  job: z.string().optional(),
  uris: z
    .array(
      z.object({
        kind: z.enum(["model", "version", "stage", "latest", "alias", "logged-model", "run"]),
        old: z.string(),
        new: z.string().optional().describe("absent where the object did not move"),
        note: z.string().optional(),
      }),
    )
    .describe("by model, then logged models, then runs"),
  exit_code: z.int().min(0),
});

export type UriTableJson = z.infer<typeof uriTableSchema>;

/** Where the rows come from. */
export type UriTableContext = Pick<UriTableJson, "source" | "target" | "job">;

export function uriTableJson(rows: readonly UriRow[], context: UriTableContext, exitCode: number): UriTableJson {
  return { mlferry_json: JSON_VERSION, report: "uris", ...context, uris: rows.map((row) => ({ ...row })), exit_code: exitCode };
}

/** Lines of RFC 4180 with a header. What a spreadsheet would take for a formula begins with an apostrophe. */
export function uriTableCsv(rows: readonly UriRow[]): string[] {
  return [HEAD.join(","), ...rows.map((row) => cellsOf(row).map(csvCell).join(","))];
}

/** A table of GitHub's Markdown. */
export function uriTableMarkdown(rows: readonly UriRow[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const body = rows.map(({ kind, old, new: target, note = "" }) =>
    line([kind, code(old), target === undefined ? "" : code(target), markdownText(note)]),
  );
  return [line(HEAD), line(HEAD.map(() => "---")), ...body];
}

const HEAD: readonly string[] = ["kind", "old", "new", "note"];

function cellsOf({ kind, old, new: target = "", note = "" }: UriRow): string[] {
  return [kind, old, target, note];
}

/** https://owasp.org/www-community/attacks/CSV_Injection names the characters that begin a formula. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Fenced by more backticks than the text has in a row. */
function code(text: string): string {
  const plain = shown(text).replaceAll("|", "\\|");
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${plain}${fence}` : `${fence} ${plain} ${fence}`;
}

function markdownText(text: string): string {
  return shown(text).replace(/[\\`*_{}[\]<>|#]/g, "\\$&");
}
