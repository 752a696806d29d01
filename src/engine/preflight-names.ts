// Every name that would stop a job, not only the first.
import type { Experiment, RegisteredModel } from "../model/entities.ts";
import type { NameRule } from "../ports/capabilities.ts";
import type { PreflightFinding } from "./preflight-finding.ts";
import { foreignModels, mapNames, targetChecks } from "./preflight.ts";
import type { Mapped, Prepared } from "./preflight.ts";

/** Names that are illegal at the target, or that two objects would get. */
export function nameFindings({ catalogue, job }: Prepared): PreflightFinding[] {
  const { experiment, registeredModel } = job.target.capabilities.names;
  return [...findingsOf(mapNames(catalogue.experiments, job), experiment), ...findingsOf(mapNames(catalogue.models, job), registeredModel)];
}

/** Names that models from elsewhere have at the target; asked of it. Only where all names are legal. */
export async function takenNames(prepared: Prepared): Promise<PreflightFinding[]> {
  const findings: PreflightFinding[] = [];
  for await (const { model, name } of foreignModels(prepared)) {
    findings.push({ code: "NAME_TAKEN", keys: [model.key], message: `${quoted(name)} came from elsewhere` });
  }
  return findings;
}

/** What the target itself says of the job: missing schemas and privileges. */
export async function targetFindings(prepared: Prepared): Promise<PreflightFinding[]> {
  const findings: PreflightFinding[] = [];
  for await (const { state, name, says, hint } of targetChecks(prepared, { thorough: true })) {
    if (state === "ok") continue;
    const code = state === "fail" ? "TARGET_CHECK" : "TARGET_WARNING";
    findings.push({ code, keys: [], message: `${name}: ${says}`, ...(hint === undefined ? {} : { hint }) });
  }
  return findings;
}

function findingsOf(mapped: readonly Mapped[], rule: NameRule | undefined): PreflightFinding[] {
  const illegal = mapped
    .filter(({ name }) => rule !== undefined && !rule.pattern.test(name))
    .map(({ source, name }): PreflightFinding => ({
      code: "NAME_ILLEGAL",
      keys: [source.key],
      message: `${quoted(name)}: ${rule?.wording ?? ""}`,
    }));
  const byName = Map.groupBy(mapped, ({ name }) => name);
  const collisions = [...byName].filter(([, holders]) => holders.length > 1).map(([name, holders]) => collision(name, holders));
  return [...illegal, ...collisions];
}

function collision(name: string, holders: readonly { readonly source: Experiment | RegisteredModel }[]): PreflightFinding {
  const names = holders.map(({ source }) => quoted(source.name)).join(" and ");
  return {
    code: "MAPPING_COLLISION",
    keys: holders.map(({ source }) => source.key),
    message: `${names} would both become ${quoted(name)}`,
  };
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
