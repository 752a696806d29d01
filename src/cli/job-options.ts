// What a job is asked to do, as journals, bundle headers and saved plans keep it: one schema, which every further option extends.
import { z } from "zod";
import { createMapping, mappingSchema } from "../model/mapping.ts";
import type { MappingFile } from "../model/mapping.ts";
import type { Selection } from "../model/selection.ts";

/** Everything that decides which objects a job moves and what they become; how fast and how loud it is are no part of it. */
export interface JobOptions {
  readonly selection: Selection;
  readonly mapping: MappingFile;
  readonly onLoss: "refuse" | "drop";
}

/** Strict, so that an option which the schema does not know is an error and never dropped. */
const selectionSchema = z.strictObject({
  experiments: z.array(z.string()).exactOptional(),
  models: z.array(z.string()).exactOptional(),
  includeDeleted: z.boolean(),
}) satisfies z.ZodType<Selection>;

/** Reads options back that were kept as JSON. */
export const jobOptionsSchema = z.strictObject({
  selection: selectionSchema,
  mapping: mappingSchema,
  onLoss: z.enum(["refuse", "drop"]),
}) satisfies z.ZodType<JobOptions>;

/** The same options have the same list, whatever the order of their rules' keys: a job is recognised by it. */
export function canonicalOptions({ selection, mapping, onLoss }: JobOptions): readonly unknown[] {
  return [selection, createMapping(mapping).canonical, onLoss];
}
