// The JSON form of what was looked up.
import { z } from "zod";
import type { LookedUp } from "../engine/lookup.ts";
import { JSON_VERSION } from "./json.ts";

/** `mlferry lookup --json`. */
export const lookupSchema = z.object({
  mlferry_json: z.literal(JSON_VERSION),
  report: z.literal("lookup"),
  answers: z
    .array(
      z.object({
        question: z.string(),
        answer: z.string().optional().describe("in the form of the question"),
        key: z.string().optional(),
        at: z.string().optional(),
        reason: z.string().optional().describe("why there is no answer"),
      }),
    )
    .describe("in the order of the questions"),
  exit_code: z.int().min(0),
});

export type LookupJson = z.infer<typeof lookupSchema>;

export function lookupJson(answers: readonly LookedUp[], exitCode: number): LookupJson {
  return { mlferry_json: JSON_VERSION, report: "lookup", answers: answers.map((answer) => ({ ...answer })), exit_code: exitCode };
}
