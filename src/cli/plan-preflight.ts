// What a plan finds out beside its steps: names, what the target says of itself, and what the files of versions say.
import type { PreflightFinding } from "../engine/preflight-finding.ts";
import { PREFLIGHT } from "../engine/preflight-finding.ts";
import { lookInto } from "../engine/preflight-content.ts";
import { nameFindings, takenNames, targetFindings } from "../engine/preflight-names.ts";
import type { Prepared } from "../engine/preflight.ts";
import { leastTime, plus } from "../engine/forecast.ts";
import type { Forecast, ForecastSums, SideForecast } from "../engine/forecast.ts";
import type { EntityKey } from "../model/entities.ts";
import type { Requests } from "../ports/costs.ts";
import type { HostForecast, Preflight } from "../report/preflight-text.ts";
import { isServer } from "./location.ts";
import type { Location } from "./location.ts";
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

/** Whether objects would be left out for what their files say. */
export function leavesOut(findings: readonly PreflightFinding[]): boolean {
  return findings.some(({ code }) => PREFLIGHT[code].severity === "leaves-out");
}

/** Whether a plan looks at files at all: only for a target whose users care, or a place that limits requests. */
export function looksAtFiles({ job }: Prepared, { contentChecks = true }: { readonly contentChecks?: boolean }): boolean {
  const { source, target } = job;
  const matters = target.capabilities.versionSignatures === true || source.readingCosts !== undefined || target.writingCosts !== undefined;
  return contentChecks && matters && job.files?.none !== true;
}

/** An object with files of its own, and whether these are to be sent whole: of what is there already a part may be. */
export interface WithFiles {
  readonly key: EntityKey;
  readonly moves: boolean;
}

/** Looks at the files of these objects, and adds them to the forecast. */
export async function contentCheck(
  session: Session,
  prepared: Prepared,
  { objects, forecast }: { readonly objects: readonly WithFiles[]; readonly forecast: ForecastSums },
): Promise<Preflight> {
  session.display.event({ type: "phase", phase: "looking at files" });
  const findings: PreflightFinding[] = [];
  const looked = { runs: 0, loggedModels: 0, versions: 0, files: 0, bytes: 0 };
  const moving = objects.values();
  for await (const { kind, findings: found, files } of lookInto(
    prepared,
    objects.map(({ key }) => key),
  )) {
    findings.push(...found);
    if (moving.next().value?.moves !== true || files === undefined) continue;
    if (kind === "run") looked.runs += 1;
    else if (kind === "logged-model") looked.loggedModels += 1;
    else looked.versions += 1;
    looked.files += files.files;
    looked.bytes += files.bytes;
    forecast.addFiles(files.files);
  }
  session.interruption.check();
  return { findings, looked };
}

/** What each host that limits requests will be asked at least: what the job adds to what the plan asked of it, `asked` by host and group. */
export function forecastByHost(
  { source, target }: { readonly source: Location; readonly target: Location },
  forecast: Forecast,
  { asked, rate }: { readonly asked: ReadonlyMap<string, Requests>; readonly rate?: number },
): HostForecast[] {
  const hosts = new Map<string, SideForecast>();
  for (const [location, side] of [[source, forecast.source] as const, [target, forecast.target] as const]) {
    if (side === undefined || !isServer(location)) continue;
    const before = hosts.get(location.host)?.requests ?? asked.get(location.host) ?? {};
    hosts.set(location.host, { requests: plus(before, side.requests), rates: side.rates });
  }
  return [...hosts].map(([host, { requests, rates }]) => ({
    host,
    requests: Object.values(requests).reduce((sum, count) => sum + count, 0),
    ms: leastTime(requests, rates, rate),
  }));
}

/** All versions of a selection: where no step can be planned. */
export async function versionsOf({ catalogue, job }: Prepared): Promise<EntityKey[]> {
  const keys: EntityKey[] = [];
  for await (const entity of catalogue.entities(job.signal)) if (entity.kind === "model-version") keys.push(entity.key);
  return keys;
}
