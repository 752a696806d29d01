// What a plan finds out beside its steps: names, what the target says of itself, and what the files of versions say.
import type { PreflightFinding } from "../engine/preflight-finding.ts";
import { PREFLIGHT } from "../engine/preflight-finding.ts";
import { lookInto } from "../engine/preflight-content.ts";
import { nameFindings, takenNames, targetFindings } from "../engine/preflight-names.ts";
import type { Prepared } from "../engine/preflight.ts";
import type { EntityKey } from "../model/entities.ts";
import type { Preflight } from "../report/preflight-text.ts";
import type { Session } from "./session.ts";

/** What is known before the steps. The target is asked only what it would understand: no names that are wrong, none in a missing schema. */
export async function nameCheck(prepared: Prepared): Promise<PreflightFinding[]> {
  const wrong = nameFindings(prepared);
  if (wrong.length > 0) return wrong;
  const unready = await targetFindings(prepared);
  return stopsJob(unready) ? unready : [...unready, ...(await takenNames(prepared))];
}

/** Whether the job would end before it writes anything. */
export function stopsJob(findings: readonly PreflightFinding[]): boolean {
  return findings.some(({ code }) => PREFLIGHT[code].severity === "stops-job");
}

/** Whether a plan looks into files at all: only for a target whose users care. */
export function looksIntoFiles({ job }: Prepared, { contentChecks = true }: { readonly contentChecks?: boolean }): boolean {
  return contentChecks && job.target.capabilities.versionSignatures === true && job.files?.none !== true;
}

/** Looks into the files of these versions. */
export async function contentCheck(session: Session, prepared: Prepared, versions: readonly EntityKey[]): Promise<Preflight> {
  session.display.event({ type: "phase", phase: "looking into files" });
  const findings: PreflightFinding[] = [];
  let [looked, files, bytes] = [0, 0, 0];
  for await (const one of lookInto(prepared, versions)) {
    findings.push(...one.findings);
    looked += 1;
    files += one.files?.files ?? 0;
    bytes += one.files?.bytes ?? 0;
  }
  session.interruption.check();
  return { findings, looked: { versions: looked, files, bytes } };
}

/** All versions of a selection: where no step can be planned. */
export async function versionsOf({ catalogue, job }: Prepared): Promise<EntityKey[]> {
  const keys: EntityKey[] = [];
  for await (const entity of catalogue.entities(job.signal)) if (entity.kind === "model-version") keys.push(entity.key);
  return keys;
}
