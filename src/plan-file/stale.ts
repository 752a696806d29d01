// Whether a plan can still be carried out at all: by the same mlferry, between the same registries, into a place with the same limits.
import { MigrationError } from "../errors.ts";
import type { Source } from "../ports/source.ts";
import { rulesDigest } from "./format.ts";
import type { PlanHeader } from "./format.ts";

export interface PlanGround {
  /** Version of mlferry. */
  readonly tool: string;
  readonly source: Pick<Source, "uri" | "origin">;
  readonly target: Pick<Source, "uri" | "origin" | "capabilities">;
}

/** Throws STALE_PLAN where the plan was made by or for something else than is there now. Objects are looked at later, one by one. */
export function refuseStale({ header, path }: { readonly header: PlanHeader; readonly path: string }, now: PlanGround): void {
  const { tool, source, target } = now;
  refuseOtherTool({ header, path }, tool);
  const reason = whyStale(header, now);
  if (reason !== undefined) throw stale(path, reason, `${source.uri} ${target.uri}`);
}

/** The part of it that needs no place to be opened. */
export function refuseOtherTool({ header, path }: { readonly header: PlanHeader; readonly path: string }, tool: string): void {
  if (header.tool === tool) return;
  throw stale(path, `mlferry ${header.tool} made it, and this is mlferry ${tool}`, "SRC DST");
}

function whyStale(header: PlanHeader, { tool, source, target }: PlanGround): string | undefined {
  if (header.source.origin !== source.origin) return `another registry is at ${source.uri} now`;
  if (header.target.origin !== target.origin) return `another registry is at ${target.uri} now`;
  const { capabilities } = target;
  const { place } = capabilities;
  if (header.target.place !== place) return `${target.uri} is ${place} now, and was ${header.target.place}`;
  const isSame = header.rules === rulesDigest({ tool, options: header.options, capabilities });
  return isSame ? undefined : `${target.uri} can hold something else than when the plan was made`;
}

function stale(path: string, reason: string, places: string): MigrationError {
  return new MigrationError("STALE_PLAN", `the plan ${path} is stale: ${reason}`, {
    hint: `nothing was written; make a new one: mlferry plan ${places} --out ${path}`,
  });
}
