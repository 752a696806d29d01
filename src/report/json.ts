// The JSON forms of the reports: schemas with stable names, which docs/cli.md lists, and the folds' results in these forms.
import { z } from "zod";
import { KINDS } from "../model/entities.ts";
import type { Level } from "../engine/finding.ts";
import { reachJson, reachSchema } from "./came-along.ts";
import { preflightSchema } from "./preflight-text.ts";
import { paceJson, paceSchema } from "./host-pace.ts";
import type { JobContext } from "./job-text.ts";
import { leftOutSchema } from "./left-out-totals.ts";
import type { Listing } from "./listing.ts";
import type { JobTotals } from "./outcome-totals.ts";
import { STATES } from "./outcome-totals.ts";
import type { PlanContext } from "./plan-text.ts";
import type { PlanTotals } from "./plan-totals.ts";
import { ACTIONS } from "./plan-totals.ts";
import type { VerifyContext } from "./verify-text.ts";
import type { VerifyTotals } from "./verify-totals.ts";

/** Raised when a form changes so that a reader of the one before would misread it; new fields may come without. */
export const JSON_VERSION = 1;

const version = z.literal(JSON_VERSION);
const count = z.int().min(0);
const perKind = <T extends z.ZodType>(schema: T) => z.partialRecord(z.enum(KINDS), schema);
const lossSchema = z.object({ key: z.string(), field: z.string(), reason: z.string() });
/** What a place has of kinds that are not carried. */
export const notCarriedSchema = z.object({ what: z.string(), count, at_least: z.boolean(), where: z.string().optional() });
const changeSchema = z.object({
  field: z.string(),
  class: z.enum(["translated", "inherent", "lost"]),
  from: z.string(),
  to: z.string().optional(),
  rule: z.string(),
  agreed: z.boolean(),
});
/** Of the source's server, beside the one that was read. */
const notRead = z.array(z.string()).optional();
const refusalSchema = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });
const goneSchema = z.object({ key: z.string(), action: z.enum(ACTIONS), due: z.boolean().describe("was still to be written") });
const factsSchema = z.object({ facts: count, moved: count, translated: count, inherent: count, lost: count, refused: count });

/** `mlferry plan --json`, and `--dry-run --json`. */
export const planSchema = z.object({
  mlferry_json: version,
  report: z.literal("plan"),
  source: z.string(),
  target: z.string(),
  steps: z.array(
    z.object({
      action: z.enum(ACTIONS),
      key: z.string(),
      target_name: z.string().optional(),
      changes: z.array(changeSchema),
      refusal: refusalSchema.optional(),
    }),
  ),
  totals: z.object({
    objects: count,
    actions: z.record(z.enum(ACTIONS), count),
    by_kind: perKind(z.record(z.enum(ACTIONS), count)),
    facts: factsSchema,
    facts_by_kind: perKind(factsSchema),
  }),
  not_carried: z.array(notCarriedSchema),
  ...reachSchema,
  workspaces_not_read: notRead,
  earlier_losses: z.array(lossSchema),
  preflight: preflightSchema.optional(),
  saved: z.string().optional().describe("the file of --out"),
  exit_code: count,
});

/** `mlferry copy|export|import --json`. */
export const jobSchema = z.object({
  mlferry_json: version,
  report: z.literal("job"),
  source: z.string(),
  target: z.string(),
  outcomes: z
    .array(z.object({ key: z.string(), state: z.enum(STATES), code: z.string(), message: z.string(), hint: z.string().optional() }))
    .describe("only what did not move as planned"),
  losses: z.array(lossSchema.extend({ agreed: z.boolean() })),
  files_left_out: z.array(leftOutSchema).describe("as flags asked for it"),
  earlier_losses: z.array(lossSchema),
  not_carried: z.array(notCarriedSchema),
  ...reachSchema,
  workspaces_not_read: notRead,
  translated: z.array(z.object({ field: z.string(), class: z.enum(["translated", "inherent"]), to: z.string(), rule: z.string(), count })),
  renumbered: z
    .array(z.object({ source: z.string(), target: z.string() }))
    .describe("versions that have another number at the target: old key, new key"),
  placed: z.array(z.object({ source: z.string(), target: z.string() })).describe("everything that the target holds now: old key, new key"),
  totals: z.object({
    objects: count,
    states: z.record(z.enum(STATES), count),
    by_kind: perKind(z.record(z.enum(STATES), count)),
    files: count,
    bytes: count,
    points: count,
    duration_ms: count,
    requests: z.record(z.string(), count),
    pace: paceSchema.optional(),
  }),
  bundle: z.object({ path: z.string(), size_bytes: count.optional() }).optional(),
  plan: z
    .object({ path: z.string(), left_out: z.array(z.string()), gone: z.array(goneSchema) })
    .optional()
    .describe("of apply"),
  exit_code: count,
});

/** `mlferry verify SRC DST --json`. */
export const verifySchema = z.object({
  mlferry_json: version,
  report: z.literal("verify"),
  source: z.string(),
  target: z.string(),
  level: z.string(),
  findings: z.array(
    z.object({
      key: z.string(),
      field: z.string(),
      kind: z.string(),
      expected: z.string().optional(),
      found: z.string().optional(),
      agreed: z.boolean(),
    }),
  ),
  not_carried: z.array(notCarriedSchema),
  workspaces_not_read: notRead,
  compared: z.object({
    objects: count,
    by_kind: perKind(count),
    facts: count,
    points: count,
    files: count,
    bytes: count,
    differences: count,
    duration_ms: count,
  }),
  exit_code: count,
});

/** `mlferry ls --json`. */
export const listingSchema = z.object({
  mlferry_json: version,
  report: z.literal("ls"),
  source: z.string(),
  experiments: z.array(z.object({ key: z.string(), name: z.string(), runs: count, deleted: z.boolean() })),
  models: z.array(
    z.object({
      key: z.string(),
      name: z.string(),
      versions: z.array(z.object({ version: z.int(), stage: z.string(), aliases: z.array(z.string()), run: z.string().optional() })),
    }),
  ),
  counts: z.record(z.enum(KINDS), count),
  not_carried: z.array(notCarriedSchema),
  ...reachSchema,
  workspaces_not_read: notRead,
});

/** Any command that ends with an error, with `--json`. */
export const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional(), exitCode: z.int() }),
});

export type PlanJson = z.infer<typeof planSchema>;
export type JobJson = z.infer<typeof jobSchema>;
export type VerifyJson = z.infer<typeof verifySchema>;
export type ListingJson = z.infer<typeof listingSchema>;

export function planJson(totals: PlanTotals, context: PlanContext, exitCode: number): PlanJson {
  return {
    mlferry_json: JSON_VERSION,
    report: "plan",
    source: context.source,
    target: context.target,
    steps: totals.steps.map(({ action, key, targetName, changes, refusal }) => ({
      action,
      key,
      ...(targetName === undefined ? {} : { target_name: targetName }),
      changes: changes.map(changeJson),
      ...(refusal === undefined ? {} : { refusal }),
    })),
    totals: {
      objects: totals.objects,
      actions: totals.actions,
      by_kind: totals.byKind,
      facts: totals.facts,
      facts_by_kind: Object.fromEntries(
        KINDS.flatMap((kind) => (totals.byKind[kind] === undefined ? [] : [[kind, totals.factsByKind[kind]]])),
      ),
    },
    not_carried: notCarriedJson(context.notCarried),
    ...reachJson(context),
    earlier_losses: lossesJson(context.losses),
    ...(context.saved === undefined ? {} : { saved: context.saved }),
    exit_code: exitCode,
  };
}

export function jobJson(totals: JobTotals, context: JobContext, exitCode: number): JobJson {
  const { bundle, plan } = context;
  return {
    mlferry_json: JSON_VERSION,
    report: "job",
    source: context.source,
    target: context.target,
    outcomes: [...totals.notMoved],
    losses: totals.lost.map(({ key, field, reason, agreed }) => ({ key, field, reason, agreed })),
    files_left_out: [...totals.leftOut],
    earlier_losses: lossesJson(context.losses),
    not_carried: notCarriedJson(context.notCarried),
    ...reachJson(context),
    translated: [...totals.translated],
    renumbered: [...totals.renumbered],
    placed: [...totals.placed].map(([source, target]) => ({ source, target })),
    totals: {
      objects: totals.objects,
      states: totals.states,
      by_kind: totals.byKind,
      files: totals.files,
      bytes: totals.bytes,
      points: context.points,
      duration_ms: Math.round(context.durationMs),
      requests: Object.fromEntries(context.requests),
      ...(context.pace === undefined ? {} : { pace: paceJson(context.pace) }),
    },
    ...(bundle === undefined
      ? {}
      : { bundle: { path: bundle.path, ...(bundle.sizeBytes === undefined ? {} : { size_bytes: bundle.sizeBytes }) } }),
    ...(plan === undefined ? {} : { plan: { path: plan.path, left_out: [...plan.leftOut], gone: [...plan.gone] } }),
    exit_code: exitCode,
  };
}

export function verifyJson(totals: VerifyTotals, context: VerifyContext & { readonly level: Level }, exitCode: number): VerifyJson {
  const { objects, byKind, facts, points, files, bytes, differences } = totals;
  return {
    mlferry_json: JSON_VERSION,
    report: "verify",
    source: context.source,
    target: context.target,
    level: context.level,
    findings: [...totals.findings],
    not_carried: notCarriedJson(context.notCarried),
    compared: { objects, by_kind: byKind, facts, points, files, bytes, differences, duration_ms: Math.round(context.durationMs) },
    exit_code: exitCode,
  };
}

export function listingJson(listing: Listing, context: Pick<PlanContext, "source" | "notCarried" | "pulledIn" | "leftOut">): ListingJson {
  return {
    mlferry_json: JSON_VERSION,
    report: "ls",
    source: context.source,
    experiments: listing.experiments.map(({ key, name, runs, deleted }) => ({ key, name, runs, deleted })),
    models: listing.models.map(({ key, name, versions }) => ({
      key,
      name,
      versions: versions.map((one) => ({ ...one, aliases: [...one.aliases] })),
    })),
    counts: listing.counts,
    not_carried: notCarriedJson(context.notCarried),
    ...reachJson(context),
  };
}

function changeJson(change: PlanTotals["steps"][number]["changes"][number]): z.infer<typeof changeSchema> {
  const { field, from, to, rule } = change;
  return { field, class: change.class, from, ...(to === undefined ? {} : { to }), rule, agreed: change.agreed === true };
}

export function notCarriedJson(items: PlanContext["notCarried"]): z.infer<typeof notCarriedSchema>[] {
  return items.map(({ what, count: number, atLeast, where }) => ({
    what,
    count: number,
    at_least: atLeast === true,
    ...(where === undefined ? {} : { where }),
  }));
}

function lossesJson(losses: PlanContext["losses"]): z.infer<typeof lossSchema>[] {
  return losses.map(({ key, field, reason }) => ({ key, field, reason }));
}
