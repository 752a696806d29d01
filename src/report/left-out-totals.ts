// Sums up the files that flags left out, over the objects of a job.
import { z } from "zod";
import type { LeftOut } from "../engine/change.ts";
import { bytesText, countOf } from "./quantities.ts";
import { shown } from "./table.ts";

const count = z.int().min(0);

/** Files that one flag left out. */
export const leftOutSchema = z.object({
  by: z.string(),
  objects: count,
  files: count,
  bytes: count,
  counted: z.boolean().describe("false: of some objects nobody counted the files"),
});
export type LeftOutTotals = Readonly<z.infer<typeof leftOutSchema>>;

/** One total for each flag, in the order in which they were met. */
export function leftOutTotals(losses: readonly { readonly leftOut?: LeftOut }[]): LeftOutTotals[] {
  const totals = new Map<string, LeftOutTotals>();
  for (const { leftOut } of losses) {
    if (leftOut === undefined) continue;
    const { by, total } = leftOut;
    const before = totals.get(by) ?? { by, objects: 0, files: 0, bytes: 0, counted: true };
    totals.set(by, {
      by,
      objects: before.objects + 1,
      files: before.files + (total?.files ?? 0),
      bytes: before.bytes + (total?.bytes ?? 0),
      counted: before.counted && total !== undefined,
    });
  }
  return [...totals.values()];
}

/** `--max-file-size 500MiB`, `12 files (3.1 GiB) of 4 objects`. */
export function leftOutRow({ by, objects, files, bytes, counted }: LeftOutTotals): string[] {
  const of = `of ${countOf(objects, "object")}`;
  if (files === 0) return [shown(by), `those ${of}, which were not counted`];
  return [shown(by), `${counted ? "" : "at least "}${countOf(files, "file")} (${bytesText(bytes)}) ${of}`];
}
