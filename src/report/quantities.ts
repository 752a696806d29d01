// How numbers, sizes, durations and kinds are written for people.
import type { Kind } from "../model/entities.ts";

/** A count with thousands separated: `12,345`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count with its noun: `1 file`, `2 files`. `plural` where an s does not do. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`;
}

const BYTE_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** A size with a binary unit and at most three digits: `0 bytes`, `1.5 KiB`, `23 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return countOf(bytes, "byte");
  let value = bytes;
  let unit = "";
  for (const next of BYTE_UNITS) {
    // 999.5 and more would be rounded to four digits.
    if (value < 999.5 && unit !== "") break;
    value /= 1024;
    unit = next;
  }
  return `${value < 9.95 ? value.toFixed(1) : String(Math.round(value))} ${unit}`;
}

/** A duration in its two largest units: `0.4 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function durationText(ms: number): string {
  if (ms < 9950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${String(seconds)} s`;
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  if (minutes < 60) return `${String(minutes)} min ${String(seconds % 60)} s`;
  if (hours < 24) return `${String(hours)} h ${String(minutes % 60)} min`;
  return `${String(days)} d ${String(hours % 24)} h`;
}

/** A moment to the minute: `2026-01-31 23:59 UTC`. `time` is in epoch ms. */
export function timeText(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

const PLURALS: Readonly<Record<Kind, string>> = {
  experiment: "experiments",
  run: "runs",
  "logged-model": "logged models",
  "registered-model": "registered models",
  "model-version": "model versions",
  "stage-transition": "stage transitions",
  comment: "comments",
  "transition-request": "transition requests",
  alias: "aliases",
  permission: "permissions",
  webhook: "webhooks",
};

/** The kind as a plural: `registered models`. */
export function kindPlural(kind: Kind): string {
  return PLURALS[kind];
}
