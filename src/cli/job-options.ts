// What a job is asked to do, as journals, bundle headers and saved plans keep it: one schema, which every further option extends.
import { z } from "zod";
import type { VersionNumbers } from "../engine/numbering.ts";
import type { FileRules } from "../model/file-filter.ts";
import { createMapping, mappingSchema } from "../model/mapping.ts";
import type { MappingFile } from "../model/mapping.ts";
import { NOTEBOOK_FORMATS } from "../model/notebook.ts";
import type { NotebookFormat } from "../model/notebook.ts";
import { questionOf, selectionSchema } from "../model/selection.ts";
import type { Selection } from "../model/selection.ts";

/** Everything that decides which objects a job moves and what they become; how fast and how loud it is are no part of it. */
export interface JobOptions {
  readonly selection: Selection;
  readonly mapping: MappingFile;
  readonly onLoss: "refuse" | "drop";
  readonly versionNumbers: VersionNumbers;
  /** Absent: all files. */
  readonly files?: FileRules;
  /** Absent: notebooks stay where they are. */
  readonly notebooks?: NotebookFormat;
}

/** Reads options back that were kept as JSON. Strict, so that an option which the schema does not know is an error and never dropped. */
export const jobOptionsSchema = z.strictObject({
  selection: selectionSchema,
  mapping: mappingSchema,
  onLoss: z.enum(["refuse", "drop"]),
  versionNumbers: z.enum(["preserve", "compact"]).default("preserve"),
  files: z
    .strictObject({
      artifacts: z.union([z.literal("none"), z.array(z.string())]).exactOptional(),
      maxFileBytes: z.number().exactOptional(),
    })
    .exactOptional(),
  notebooks: z.enum(NOTEBOOK_FORMATS).exactOptional(),
}) satisfies z.ZodType<JobOptions>;

/**
 * The same options have the same list, whatever the order of their rules' keys: a job is recognised by it. Which files are wanted is no part
 * of it, notebooks neither: marks at the target tell under which filter an object is whole.
 */
export function canonicalOptions({ selection, mapping, onLoss, versionNumbers }: JobOptions): readonly unknown[] {
  const numbers = versionNumbers === "compact" ? ["compact"] : [];
  return [questionOf(selection), createMapping(mapping).canonical, onLoss, ...numbers];
}
