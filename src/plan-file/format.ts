// The form of a saved plan, specified in docs/plans.md: JSON lines, a header first, a line for each step, a footer that seals them.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { SavedStep } from "../engine/saved-plan.ts";
import { KINDS } from "../model/entities.ts";
import type { EntityKey } from "../model/entities.ts";
import type { Capabilities } from "../ports/capabilities.ts";

/** Raised when an older mlferry would misread the file. */
export const PLAN_VERSION = 1;

/** With what every plan begins, whatever its version. */
export const PLAN_BEGIN = '{"mlferry_plan":';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const place = {
  location: z.string(),
  workspace: z.string().exactOptional(),
  tracking: z.string().exactOptional(),
  origin: z.string(),
};

/** The first line. */
export const headerSchema = z.strictObject({
  mlferry_plan: z.literal(PLAN_VERSION),
  /** Version of mlferry. */
  tool: z.string(),
  created: z.iso.datetime(),
  source: z.strictObject(place),
  target: z.strictObject({ ...place, place: z.string() }),
  /** Everything that decides what is moved, as the command line keeps it. */
  options: z.unknown(),
  /** See {@link rulesDigest}. */
  rules: digest,
});
export type PlanHeader = Readonly<z.infer<typeof headerSchema>>;

/** The last line: the number of steps, and the digest of every byte before it. */
export const footerSchema = z.strictObject({ steps: z.int().min(0), sha256: digest });

const KEY = new RegExp(`^(${KINDS.join("|")}):`, "s");

/** A line between them. */
export const stepSchema = z.strictObject({
  key: z
    .string()
    .regex(KEY)
    .transform((key) => key as EntityKey),
  action: z.enum(["create", "update", "link", "skip", "drop", "refuse"]),
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
  lost: z.int().min(1).exactOptional(),
});

/** A step with what is told of it before it is carried out. */
export interface PlanLine extends SavedStep {
  /** Facts that the target cannot hold, where there are any. */
  readonly lost?: number;
}

/** What the steps were decided by: another digest may mean other steps. */
export interface Rules {
  readonly tool: string;
  readonly options: unknown;
  readonly capabilities: Capabilities;
}

/** A digest over tool version, options (with the mapping) and what the target can hold. 64 hexadecimal digits. */
export function rulesDigest({ tool, options, capabilities }: Rules): string {
  return createHash("sha256")
    .update(JSON.stringify([tool, canonical(options), canonical(capabilities)]))
    .digest("hex");
}

/** The value with keys in order, and sets and expressions as what they hold. */
function canonical(value: unknown): unknown {
  if (value instanceof RegExp) return String(value);
  if (value instanceof Set) return [...(value as ReadonlySet<unknown>)].map(String).sort();
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, canonical(field)]);
}
