// The JSON form of a bundle's check.
import { z } from "zod";
import { KINDS } from "../model/entities.ts";
import type { BundleCheckResult } from "./bundle-check-text.ts";
import { JSON_VERSION } from "./json.ts";

const count = z.int().min(0);

/** `mlferry verify BUNDLE --json`. */
export const bundleCheckSchema = z.object({
  mlferry_json: z.literal(JSON_VERSION),
  report: z.literal("check"),
  bundle: z.string(),
  problems: z.array(z.object({ member: z.string(), problem: z.string() })),
  counts: z.record(z.enum(KINDS), count),
  blobs: count,
  bytes: count,
  earlier_losses: count,
  exit_code: count,
});

export type BundleCheckJson = z.infer<typeof bundleCheckSchema>;

export function bundleCheckJson(result: BundleCheckResult, exitCode: number): BundleCheckJson {
  const { bundle, problems, entities, blobs, sizeBytes, losses } = result;
  return {
    mlferry_json: JSON_VERSION,
    report: "check",
    bundle,
    problems: problems.map(({ member, problem }) => ({ member, problem })),
    counts: entities,
    blobs,
    bytes: sizeBytes,
    earlier_losses: losses,
    exit_code: exitCode,
  };
}
