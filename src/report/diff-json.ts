// The JSON form of a comparison of two places.
import { z } from "zod";
import type { Compared } from "../engine/diff.ts";
import { KINDS } from "../model/entities.ts";
import type { DiffContext } from "./diff-text.ts";
import type { DiffTotals } from "./diff-totals.ts";
import { JSON_VERSION, notCarriedJson, notCarriedSchema } from "./json.ts";

const count = z.int().min(0);

/** `mlferry diff --json`. */
export const diffSchema = z.object({
  mlferry_json: z.literal(JSON_VERSION),
  report: z.literal("diff"),
  a: z.string(),
  b: z.string(),
  level: z.string(),
  only_a: z.array(z.string()).describe("keys"),
  only_b: z.array(z.string()).describe("keys"),
  different: z.array(
    z.object({
      a: z.string().describe("key in the first place"),
      b: z.string().describe("key in the second place"),
      matched_by: z.enum(["key", "provenance", "name"]),
      differences: z.array(
        z.object({ field: z.string(), a: z.string().optional(), b: z.string().optional(), unreadable: z.string().optional() }),
      ),
    }),
  ),
  renamed: z.array(z.object({ kind: z.enum(KINDS), a: z.string(), b: z.string() })),
  matched: z.record(z.enum(["key", "provenance", "name"]), count),
  not_carried_a: z.array(notCarriedSchema),
  not_carried_b: z.array(notCarriedSchema),
  compared: z.object({
    equal: count,
    by_kind: z.partialRecord(z.enum(KINDS), count),
    facts: count,
    points: count,
    files: count,
    bytes: count,
    differences: count,
    duration_ms: count,
  }),
  exit_code: count,
});

export type DiffJson = z.infer<typeof diffSchema>;

/** `found`: what differs, equal objects left out. */
export function diffJson(
  found: readonly Compared[],
  { totals, context, exitCode }: { readonly totals: DiffTotals; readonly context: DiffContext; readonly exitCode: number },
): DiffJson {
  const { equal, byKind, facts, points, files, bytes, differences, matchedBy, renamed } = totals;
  return {
    mlferry_json: JSON_VERSION,
    report: "diff",
    a: context.a,
    b: context.b,
    level: context.level,
    only_a: onlyIn(found, "a"),
    only_b: onlyIn(found, "b"),
    different: found.flatMap(differentJson),
    renamed: [...renamed],
    matched: { ...matchedBy },
    not_carried_a: notCarriedJson(context.notCarried.a),
    not_carried_b: notCarriedJson(context.notCarried.b),
    compared: {
      equal,
      by_kind: byKind,
      facts,
      points,
      files,
      bytes,
      differences,
      duration_ms: Math.round(context.durationMs),
    },
    exit_code: exitCode,
  };
}

function onlyIn(found: readonly Compared[], side: "a" | "b"): string[] {
  return found.flatMap((one) => ("only" in one && one.only === side ? [one.card.key] : []));
}

function differentJson(one: Compared): DiffJson["different"] {
  if ("only" in one) return [];
  const { a, b, by } = one.pair;
  return [{ a, b, matched_by: by, differences: one.differences.map((difference) => ({ ...difference })) }];
}
