// The values of the selection flags: versions, stages, tags and times as people write them.
import { InvalidArgumentError } from "commander";
import { MigrationError } from "../errors.ts";
import { STAGES } from "../model/entities.ts";
import type { Stage } from "../model/entities.ts";
import type { Selection, Since, TagTest, VersionSpan } from "../model/selection.ts";

/** `all`, `latest:N`, or numbers and spans such as `3,5-7`. */
export function parseVersions(text: string): Selection["versions"] | "all" {
  if (text === "all") return "all";
  const latest = /^latest:([1-9]\d{0,8})$/.exec(text)?.[1];
  if (latest !== undefined) return { latest: Number(latest) };
  return { spans: listOf(text).map(parseSpan) };
}

function parseSpan(text: string): VersionSpan {
  const match = /^([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match !== null && first <= last) return { first, last };
  throw new InvalidArgumentError("give all, latest:N, or version numbers such as 3,5-7");
}

/** Stages in any letter case, separated by commas; the flag may be repeated. */
export function parseStages(text: string, before: readonly Stage[] = []): readonly Stage[] {
  const stages = listOf(text).map((word) => {
    const stage = STAGES.find((known) => known.toLowerCase() === word.toLowerCase());
    if (stage === undefined) throw new InvalidArgumentError(`give stages out of ${STAGES.join(", ")}, separated by commas`);
    return stage;
  });
  return [...new Set([...before, ...stages])];
}

/** Globs over aliases, separated by commas; the flag may be repeated. */
export function parseAliases(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...listOf(text)];
}

/** `KEY=GLOB`, or `KEY` for any value; the flag may be repeated. */
export function parseTag(text: string, before: readonly TagTest[] = []): readonly TagTest[] {
  const at = text.indexOf("=");
  if (text === "" || at === 0) throw new InvalidArgumentError("give KEY=VALUE, or KEY for any value");
  return [...before, at < 0 ? { key: text } : { key: text.slice(0, at), value: text.slice(at + 1) }];
}

/** Throws USAGE. `now`: epoch ms. */
export function parseSince(text: string, now: number): Since {
  const duration = /^(\d{1,9})([mhdw])$/.exec(text);
  const from = duration === null ? parseTime(text) : now - Number(duration[1]) * (UNIT_MS[duration[2] ?? ""] ?? NaN);
  if (!Number.isNaN(from) && from >= 0) return { asked: text, from };
  throw new MigrationError("USAGE", `--since ${JSON.stringify(text)} is neither a time nor a duration`, {
    hint: "such as 2026-01-31, 2026-01-31T08:00Z (UTC where no offset is given), 90m, 12h, 7d, 2w",
  });
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

function parseTime(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (match === null) return NaN;
  const [, day = "", time = "00:00", offset = "Z"] = match;
  const midnight = Date.parse(`${day}T00:00Z`);
  // Date.parse makes the 2nd of March of the 30th of February.
  const isDay = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  return isDay ? Date.parse(`${day}T${time}${offset}`) : NaN;
}

function listOf(text: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) throw new InvalidArgumentError("give a list separated by commas, without empty places");
  return words;
}
