// What a job has done so far, and how that looks: a state that events change, and pure functions from state to lines.
import type { Outcome } from "../engine/change.ts";
import type { JobEvent } from "../engine/job.ts";
import type { EntityKey, Kind } from "../model/entities.ts";
import { KINDS } from "../model/entities.ts";
import { bytesText, countOf, countText, durationText, kindPlural } from "../report/quantities.ts";
import { cut, shown, widthOf } from "../report/table.ts";

export interface ProgressState {
  /** What is going on, such as `reading the source`. */
  readonly phase: string;
  readonly startedAt: number;
  readonly expected: Readonly<Partial<Record<Kind, number>>>;
  readonly ended: Readonly<Partial<Record<Kind, number>>>;
  /** Objects that ended without being at the target as planned. */
  readonly notMoved: number;
  readonly files: number;
  readonly bytes: number;
  readonly points: number;
  readonly retries: number;
  /** What is being worked on, oldest first, with the file that is under way. */
  readonly current: ReadonlyMap<EntityKey, string>;
  /** Requests that may be in flight, by host, where that has changed. */
  readonly levels: ReadonlyMap<string, number>;
  /** What everything waits for, until when (epoch ms). */
  readonly wait?: { readonly reason: string; readonly until: number };
  /** For rates: points in time of the last half minute. */
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly at: number;
  readonly ended: number;
  readonly bytes: number;
}

/** Everything that changes the state. */
export type ProgressEvent =
  | JobEvent
  | { readonly type: "phase"; readonly phase: string }
  | { readonly type: "outcome"; readonly outcome: Outcome }
  | { readonly type: "checked"; readonly key: EntityKey; readonly kind: Kind }
  | { readonly type: "wait"; readonly reason: string; readonly ms: number }
  | { readonly type: "level"; readonly host: string; readonly level: number }
  | { readonly type: "retry" };

export function startProgress(phase: string, now: number): ProgressState {
  return {
    phase,
    startedAt: now,
    expected: {},
    ended: {},
    notMoved: 0,
    files: 0,
    bytes: 0,
    points: 0,
    retries: 0,
    current: new Map(),
    levels: new Map(),
    samples: [{ at: now, ended: 0, bytes: 0 }],
  };
}

/** The state after an event. */
export function advance(state: ProgressState, event: ProgressEvent, now: number): ProgressState {
  switch (event.type) {
    case "phase":
      return { ...state, phase: event.phase };
    case "selected":
      return { ...state, expected: event.catalogue.expected };
    case "started":
      return { ...state, current: new Map(state.current).set(event.key, "") };
    case "file":
      return { ...state, files: state.files + 1, current: new Map(state.current).set(event.key, event.path) };
    case "file-lost":
      return state;
    case "bytes":
      return sampled({ ...state, bytes: state.bytes + event.bytes }, now);
    case "points":
      return { ...state, points: state.points + event.points };
    case "outcome":
      return ended(state, event.outcome, now);
    case "checked":
      return sampled({ ...state, ended: counted(state.ended, event.kind) }, now);
    case "wait":
      return { ...state, wait: { reason: event.reason, until: now + event.ms } };
    case "level":
      return { ...state, levels: new Map(state.levels).set(event.host, event.level) };
    case "retry":
      return { ...state, retries: state.retries + 1 };
  }
}

/** Lines of the live block, each at most `columns` wide. */
export function liveLines(state: ProgressState, { now, columns }: { readonly now: number; readonly columns: number }): string[] {
  const items = [...state.current].slice(0, SHOWN_ITEMS);
  const left = state.current.size - items.length;
  const percent = percentOf(state);
  const lines = [
    [state.phase, ...(percent === undefined ? [] : [`${String(percent)} %`]), durationText(now - state.startedAt)].join("  "),
    ...wrapped(counts(state), columns),
    ...wrapped(amounts(state, now), columns),
    ...waiting(state, now),
    ...items.map(([key, path]) => `  ${shown(key)}${path === "" ? "" : `  ${shown(path)}`}`),
    ...(left > 0 ? [`  and ${countText(left)} more`] : []),
  ];
  return lines.filter((line) => line !== "").map((line) => cut(line, columns));
}

/** The same for a log or a pipe: one line. */
export function plainLine(state: ProgressState, now: number): string {
  const percent = percentOf(state);
  const parts = [
    ...(percent === undefined ? [] : [`${String(percent)} %`]),
    ...counts(state),
    ...amounts(state, now),
    ...waiting(state, now),
  ];
  return `${state.phase}: ${parts.length === 0 ? durationText(now - state.startedAt) : parts.join(", ")}`;
}

/** Parts side by side, on as many lines as it takes. */
function wrapped(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 2 + widthOf(part) <= columns) lines[lines.length - 1] = `${last}  ${part}`;
    else lines.push(part);
  }
  return lines;
}

/** How much is done, 0 to 100, rounded down; undefined while it is not known how much there is. */
export function percentOf(state: ProgressState): number | undefined {
  const total = sum(state.expected);
  return total === 0 ? undefined : Math.min(100, Math.floor((100 * sum(state.ended)) / total));
}

const SHOWN_ITEMS = 4;
const SAMPLE_EVERY_MS = 1000;
const WINDOW_MS = 30_000;

function ended(state: ProgressState, outcome: Outcome, now: number): ProgressState {
  const current = new Map(state.current);
  current.delete(outcome.step.source.key);
  const moved = outcome.state === "done" || outcome.state === "skipped" || outcome.state === "dropped";
  return sampled(
    { ...state, current, ended: counted(state.ended, outcome.step.source.kind), notMoved: state.notMoved + (moved ? 0 : 1) },
    now,
  );
}

function counted(counts: ProgressState["ended"], kind: Kind): ProgressState["ended"] {
  return { ...counts, [kind]: (counts[kind] ?? 0) + 1 };
}

function sampled(state: ProgressState, now: number): ProgressState {
  const last = state.samples.at(-1);
  if (last !== undefined && now - last.at < SAMPLE_EVERY_MS) return state;
  const recent = state.samples.filter(({ at }) => now - at <= WINDOW_MS);
  return { ...state, samples: [...recent, { at: now, ended: sum(state.ended), bytes: state.bytes }] };
}

function counts(state: ProgressState): string[] {
  return KINDS.flatMap((kind) => {
    const [done, expected] = [state.ended[kind] ?? 0, state.expected[kind]];
    if (done === 0 && (expected ?? 0) === 0) return [];
    return [`${kindPlural(kind)} ${countText(done)}${expected === undefined ? "" : `/${countText(Math.max(done, expected))}`}`];
  });
}

function amounts(state: ProgressState, now: number): string[] {
  const rate = rates(state, now);
  const eta = etaMs(state, rate.objects);
  return [
    ...(state.files === 0 ? [] : [countOf(state.files, "file"), bytesText(state.bytes)]),
    ...(rate.bytes < 1 ? [] : [`${bytesText(Math.round(rate.bytes))}/s`]),
    ...(state.points === 0 ? [] : [countOf(state.points, "metric point")]),
    ...(state.notMoved === 0 ? [] : [`${countText(state.notMoved)} not moved`]),
    ...(state.retries === 0 ? [] : [`${countText(state.retries)} repeated ${state.retries === 1 ? "request" : "requests"}`]),
    ...[...state.levels].map(([host, level]) => `${countText(level)} in flight${state.levels.size === 1 ? "" : ` at ${host}`}`),
    ...(eta === undefined ? [] : [`about ${roughly(eta)} left`]),
  ];
}

/** Per second, over the last half minute. */
function rates(state: ProgressState, now: number): { objects: number; bytes: number } {
  const first = state.samples.find(({ at }) => now - at <= WINDOW_MS) ?? state.samples.at(-1);
  const seconds = first === undefined ? 0 : (now - first.at) / 1000;
  if (first === undefined || seconds < 1) return { objects: 0, bytes: 0 };
  return { objects: (sum(state.ended) - first.ended) / seconds, bytes: (state.bytes - first.bytes) / seconds };
}

/** A guess from the number of objects; none before a tenth is done, since small objects come first. */
function etaMs(state: ProgressState, objectsPerSecond: number): number | undefined {
  const percent = percentOf(state) ?? 0;
  if (percent < 10 || percent === 100 || objectsPerSecond <= 0) return undefined;
  return Math.ceil((sum(state.expected) - sum(state.ended)) / objectsPerSecond) * 1000;
}

/** Whole seconds: a guess has no tenths. */
function roughly(ms: number): string {
  return ms < 60_000 ? `${String(Math.ceil(ms / 1000))} s` : durationText(ms);
}

function waiting({ wait }: ProgressState, now: number): string[] {
  if (wait === undefined || wait.until <= now) return [];
  return [`waiting ${roughly(wait.until - now)}: ${shown(wait.reason)}`];
}

function sum(counts: Readonly<Partial<Record<Kind, number>>>): number {
  return KINDS.reduce((total, kind) => total + (counts[kind] ?? 0), 0);
}
