// Examines a bundle before a job: what its first and last member say of it. Its bytes are for check.ts.
import { asMigrationError } from "../../errors.ts";
import { KINDS } from "../../model/entities.ts";
import type { Examined, ExamineOptions } from "../../ports/checks.ts";
import { openBundleSource } from "./source.ts";

/** Throws INTERRUPTED only. A bundle that is to be written is examined as a path, by whoever knows of disks. */
export async function* examineBundle(path: string, { signal }: Pick<ExamineOptions, "signal">): AsyncGenerator<Examined> {
  try {
    const source = await openBundleSource(path, { signal });
    const { header, manifest } = source;
    await source.close();
    const counts = KINDS.filter((kind) => manifest.counts[kind] > 0).map((kind) => `${kind} ${String(manifest.counts[kind])}`);
    yield { check: { name: "bundle", state: "ok", says: `of ${header.source.uri}, written ${header.created} by ${header.tool}` } };
    yield { check: { name: "objects", state: "ok", says: counts.length === 0 ? "none" : counts.join(", ") } };
    const lost = manifest.losses.length + manifest.notCarried.length;
    const hint = `every byte of it: mlferry verify ${path}`;
    yield lost === 0
      ? { check: { name: "content", state: "ok", says: "whole, as far as can be told without reading its files", hint } }
      : { check: { name: "content", state: "warn", says: `${String(lost)} losses and kinds not carried are recorded in it`, hint } };
  } catch (thrown) {
    const { code, message, hint } = asMigrationError(thrown);
    if (code === "INTERRUPTED") throw thrown;
    yield { check: { name: "bundle", state: "fail", says: message, code, ...(hint === undefined ? {} : { hint }) } };
  }
}
