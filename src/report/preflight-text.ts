// Findings of a preflight for people: what would stop the job first, each kind with its hint; and their form in JSON.
import { z } from "zod";
import type { FileTotals } from "../engine/change.ts";
import type { PreflightCode, PreflightFinding, Severity } from "../engine/preflight-finding.ts";
import { idOf } from "../model/keys.ts";
import { section } from "./list-text.ts";
import { bytesText, countOf, countText, durationText } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style, Tone } from "./style.ts";
import { shown } from "./table.ts";

/** How a code is told (engine/preflight-finding.ts has them all). */
export type PreflightCodes = Readonly<
  Record<PreflightCode, { readonly severity: Severity; readonly title: string; readonly hint: string }>
>;

/** What was found before a job, beside the steps of its plan. */
export interface Preflight {
  readonly findings: readonly PreflightFinding[];
  /** Objects whose files were looked at; undefined where nobody looked. */
  readonly looked?: LookedAt;
  /** Of hosts that limit requests. */
  readonly forecast?: readonly HostForecast[];
}

export interface LookedAt extends FileTotals {
  readonly runs: number;
  readonly loggedModels: number;
  readonly versions: number;
}

/** What a host will be asked, at least. */
export interface HostForecast {
  readonly host: string;
  readonly requests: number;
  /** How long these take within its limits. */
  readonly ms: number;
}

const TONES: Readonly<Record<Severity, Tone>> = { "stops-job": "bad", "leaves-out": "bad", warns: "warning" };
const STOPS: Readonly<Record<Severity, string>> = { "stops-job": "stops the job: ", "leaves-out": "left out: ", warns: "" };

/** A section for each kind of finding, the gravest first as the codes stand. */
export function preflightText({ findings, looked, forecast = [] }: Preflight, codes: PreflightCodes, style: Style): string[] {
  const groups = Object.entries(codes) as [PreflightCode, PreflightCodes[PreflightCode]][];
  const sections = groups.flatMap(([code, { severity, title, hint }]) => {
    const found = findings.filter((finding) => finding.code === code);
    const rows = found.some(({ owner }) => owner !== undefined) ? ownerRows(found) : found.map(findingRow);
    const lines = section(
      { title: `${STOPS[severity]}${title} (${countText(found.length)})`, tone: TONES[severity], rows, flexible: [0, 1, 2] },
      style,
    );
    return lines.length === 0 ? [] : [...lines.slice(0, -1), paint(style, "quiet", `  hint: ${hint}`), ""];
  });
  return [...sections, ...lookedLines(looked), ...forecast.map(forecastLine), ...(looked === undefined ? [] : [""])];
}

/** By whoever can do something about it: owner, what is the matter, which versions. */
function ownerRows(found: readonly PreflightFinding[]): string[][] {
  const groups = Map.groupBy(found, ({ owner = "", message }) => JSON.stringify([owner, message]));
  return [...groups.values()]
    .map((group) => [
      shown(group[0]?.owner ?? ""),
      shown(group[0]?.message ?? ""),
      group
        .flatMap(({ keys }) => keys.map((key) => shown(idOf(key))))
        .sort()
        .join(", "),
    ])
    .sort(([a = "", b = ""], [c = "", d = ""]) => (a === c ? (b < d ? -1 : 1) : a < c ? -1 : 1));
}

function findingRow({ keys, message, hint }: PreflightFinding): string[] {
  return [keys.map((key) => shown(key)).join(", "), shown(message), ...(hint === undefined ? [] : [shown(hint)])];
}

function lookedLines(looked: Preflight["looked"]): string[] {
  if (looked === undefined) return [];
  const { runs, loggedModels, versions, files, bytes } = looked;
  const owners = [
    ...(runs === 0 ? [] : [countOf(runs, "run")]),
    ...(loggedModels === 0 ? [] : [countOf(loggedModels, "logged model")]),
    ...(versions === 0 ? [] : [countOf(versions, "version")]),
  ];
  if (owners.length === 0) return [];
  return [`${countOf(files, "file")} (${bytesText(bytes)}) of ${owners.join(", ")} would be read and written`];
}

function forecastLine({ host, requests, ms }: HostForecast): string {
  return `at least ${countOf(requests, "request")} to ${host}, which take ${durationText(ms)} within its limits`;
}

/** In the JSON of a plan. */
export const preflightSchema = z.object({
  findings: z.array(
    z.object({
      code: z.string(),
      severity: z.enum(["stops-job", "leaves-out", "warns"]),
      keys: z.array(z.string()),
      message: z.string(),
      hint: z.string(),
      owner: z.string().optional().describe("who made the version"),
    }),
  ),
  looked_into: z
    .object({ runs: z.int(), logged_models: z.int(), versions: z.int(), files: z.int(), bytes: z.int() })
    .optional()
    .describe("objects whose files were looked at, and what these have"),
  forecast: z
    .array(z.object({ host: z.string(), requests: z.int(), ms: z.int() }))
    .optional()
    .describe("of hosts that limit requests: how many it takes at least, and how long these take within the limits"),
});

export function preflightJson({ findings, looked, forecast }: Preflight, codes: PreflightCodes): z.infer<typeof preflightSchema> {
  return {
    findings: findings.map(({ code, keys, message, hint, owner }) => ({
      code,
      severity: codes[code].severity,
      keys: [...keys],
      message,
      hint: hint ?? codes[code].hint,
      ...(owner === undefined ? {} : { owner }),
    })),
    ...(looked === undefined ? {} : { looked_into: lookedJson(looked) }),
    ...(forecast === undefined ? {} : { forecast: [...forecast] }),
  };
}

function lookedJson({ loggedModels, ...looked }: LookedAt) {
  return { ...looked, logged_models: loggedModels };
}
