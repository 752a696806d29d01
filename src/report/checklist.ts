// The checklist of mlferry doctor, for people and as JSON.
import { z } from "zod";
import type { Check } from "../ports/checks.ts";
import { countOf, countText } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style, Tone } from "./style.ts";
import { shown, widthOf } from "./table.ts";

/** The checks of one place, or of this machine. */
export interface CheckedPlace {
  /** `source http://dev:5000`, or `this machine`. */
  readonly title: string;
  readonly checks: readonly Check[];
}

/** Something that was expected and is not, or not whole, to be seen. */
export interface Unseen {
  readonly kind: "experiment" | "registered-model";
  readonly name: string;
  /** Runs or versions; undefined where only the name was expected. */
  readonly expected: number | undefined;
  /** Undefined: not visible at all. */
  readonly visible: number | undefined;
}

export interface Checklist {
  readonly places: readonly CheckedPlace[];
  /** Undefined where nothing was expected. */
  readonly comparison: { readonly principal: string; readonly expected: number; readonly unseen: readonly Unseen[] } | undefined;
}

/** `mlferry doctor --json`. */
export const doctorSchema = z.object({
  mlferry_json: z.literal(1),
  report: z.literal("doctor"),
  places: z.array(
    z.object({
      place: z.string(),
      checks: z.array(
        z.object({
          name: z.string(),
          state: z.enum(["ok", "warn", "fail"]),
          says: z.string(),
          hint: z.string().optional(),
          code: z.string().optional(),
        }),
      ),
    }),
  ),
  comparison: z
    .object({
      principal: z.string(),
      expected: z.int(),
      unseen: z.array(
        z.object({
          kind: z.enum(["experiment", "registered-model"]),
          name: z.string(),
          expected: z.int().optional(),
          visible: z.int().optional(),
        }),
      ),
    })
    .optional()
    .describe("with --expect: what was expected and is not to be seen, or not whole"),
  exit_code: z.int(),
});
export type DoctorJson = z.infer<typeof doctorSchema>;

const MARKS = { ok: "ok", warn: "warn", fail: "FAIL" } as const;
const TONES: Readonly<Record<Check["state"], Tone>> = { ok: "good", warn: "warning", fail: "bad" };

/** The lines of a checklist. */
export function checklistText({ places, comparison }: Checklist, style: Style): string[] {
  const checks = places.flatMap(({ checks: all }) => all);
  const width = Math.max(0, ...checks.map(({ name }) => widthOf(name)));
  const sections = places.flatMap(({ title, checks: all }) => [
    paint(style, "heading", title),
    ...all.flatMap((check) => checkLines(check, width, style)),
    "",
  ]);
  return [...sections, ...(comparison === undefined ? [] : comparisonLines(comparison, style)), verdict(checks, style)];
}

function checkLines({ name, state, says, hint }: Check, width: number, style: Style): string[] {
  const mark = paint(style, TONES[state], MARKS[state].padEnd(4));
  const line = `  ${mark}  ${name.padEnd(width)}  ${shown(says)}`;
  return hint === undefined ? [line] : [line, `${" ".repeat(10 + width)}${shown(hint)}`];
}

function comparisonLines({ principal, expected, unseen }: NonNullable<Checklist["comparison"]>, style: Style): string[] {
  if (unseen.length === 0) return [paint(style, "good", `${principal} sees all of the ${countText(expected)} that were expected`), ""];
  return [paint(style, "bad", `not visible to ${principal}`), ...unseen.map((one) => `  ${unseenText(one)}`), ""];
}

function unseenText({ kind, name, expected, visible }: Unseen): string {
  const part = kind === "experiment" ? "run" : "version";
  const what = `${kind === "experiment" ? "experiment" : "model"} ${shown(name)}`;
  if (visible === undefined) return `${what}${expected === undefined ? "" : `, with ${countOf(expected, part)}`}`;
  return `${countText(visible)} of ${countOf(expected ?? 0, part)} of ${what}`;
}

function verdict(checks: readonly Check[], style: Style): string {
  const failed = checks.filter(({ state }) => state === "fail").length;
  const warned = checks.filter(({ state }) => state === "warn").length;
  const warnings = warned === 0 ? "" : `, ${countText(warned)} ${warned === 1 ? "warning" : "warnings"}`;
  if (failed > 0) return paint(style, "bad", `${countText(failed)} of ${countText(checks.length)} checks failed${warnings}`);
  return paint(style, warned > 0 ? "warning" : "good", `nothing that would stop a job in ${countText(checks.length)} checks${warnings}`);
}

export function checklistJson({ places, comparison }: Checklist, exitCode: number): DoctorJson {
  return {
    mlferry_json: 1,
    report: "doctor",
    places: places.map(({ title, checks }) => ({ place: title, checks: [...checks] })),
    ...(comparison === undefined
      ? {}
      : {
          comparison: {
            ...comparison,
            unseen: comparison.unseen.map(({ kind, name, expected, visible }) => ({
              kind,
              name,
              ...(expected === undefined ? {} : { expected }),
              ...(visible === undefined ? {} : { visible }),
            })),
          },
        }),
    exit_code: exitCode,
  };
}
