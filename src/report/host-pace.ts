// How hosts were paced, for the reports of jobs: as rows of text, and as JSON.
import { z } from "zod";
import { countText, durationText } from "./quantities.ts";

/** What a host's pacer tells of itself. */
export interface HostPace {
  /** Requests in flight that it was given. */
  readonly level: { readonly last: number; readonly lowest: number; readonly highest: number };
  /** Why it was given fewer than before, and how often. */
  readonly slowed: ReadonlyMap<string, number>;
  /** How long nothing was sent because it had asked for that. */
  readonly pausedMs: number;
}

const count = z.int().min(0);

export const paceSchema = z
  .record(
    z.string(),
    z.object({
      level: z.object({ last: count, lowest: count, highest: count }),
      slowed: z.record(z.string(), count),
      paused_ms: count,
    }),
  )
  .describe("by host: requests in flight that it was given, why fewer than before and how often, time waited as it had asked");

export function paceJson(pace: ReadonlyMap<string, HostPace>): z.infer<typeof paceSchema> {
  const hosts = [...pace].map(([host, { level, slowed, pausedMs }]) => {
    return [host, { level, slowed: Object.fromEntries(slowed), paused_ms: Math.round(pausedMs) }] as const;
  });
  return Object.fromEntries(hosts);
}

/** Rows for a table of two columns: how many requests, how many at a time, and what held them up. */
export function requestRows(host: string, requests: number, pace: HostPace | undefined): string[][] {
  const name = `requests to ${host}`;
  if (pace === undefined) return [[name, countText(requests)]];
  const { last, lowest, highest } = pace.level;
  const levels =
    lowest === highest
      ? `${countText(last)} at a time`
      : `${countText(lowest)} to ${countText(highest)} at a time, ${countText(last)} in the end`;
  const slowed = [...pace.slowed].map(([reason, times], index) => [index === 0 ? "  slowed down" : "", `${countText(times)} × ${reason}`]);
  const waited = pace.pausedMs === 0 ? [] : [["  waited as it asked", durationText(pace.pausedMs)]];
  return [[name, `${countText(requests)}, ${levels}`], ...slowed, ...waited];
}
