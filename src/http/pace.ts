// One pacer per host: how many requests are under way at a time, how many start per second, and the pauses a server asks for.
import { createAdaptiveLevel } from "./adaptive.ts";
import type { AdaptiveLevel, LevelChange, Observed } from "./adaptive.ts";
import { createBucket, takeToken } from "./bucket.ts";
import type { Bucket } from "./bucket.ts";
import { systemClock, throwIfInterrupted, waitOrInterrupt } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { createGate } from "./gate.ts";
import type { Gate, PlaceKind } from "./gate.ts";

export interface PacerOptions {
  /** Requests under way at a time, at least 1; with `adapt` the most that there may be. One more where a body is read meanwhile. */
  readonly inFlight: number;
  /** Find the number that suits the server, from 2 to `inFlight`, by how it answers (adaptive.ts). Default: always `inFlight`. */
  readonly adapt?: boolean;
  /** Starts per second; the burst after idleness is one second's worth, at least one. Absent: no limit. */
  readonly ratePerSecond?: number;
  /** The same for requests of a group alone, by its name; each has to wait for both. */
  readonly groups?: Readonly<Record<string, number>>;
  readonly clock?: Clock;
  /** Told of each pause that a server asked for, and of waits for the rate of a second or more. */
  readonly onWait?: (reason: string, ms: number) => void;
  /** Told of each change that `adapt` makes. */
  readonly onLevel?: (change: LevelChange) => void;
}

/** A request's right to be under way. */
export interface Place {
  /** What came of the request, once that is known. */
  tell(observed: Observed): void;
  /** Ends the request. To be called once. */
  leave(): void;
}

export interface Pacer {
  /** A place when its turn comes. An abort before that throws INTERRUPTED; afterwards it is the request's own concern. */
  enter(kind: PlaceKind, signal: AbortSignal, group?: string): Promise<Place>;
  /** Runs `work` in a request's place, without telling what came of it. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Nothing starts before `ms` from now are over (a server's Retry-After). Of overlapping pauses the later end counts. */
  pause(ms: number, reason: string): void;
  /** Requests under way, without those that wait. */
  readonly active: number;
  /** Requests that may be under way now. */
  readonly level: number;
  /** What there was until now. */
  report(): PaceReport;
}

/** How a host was treated. */
export interface PaceReport {
  /** Requests that could be under way at a time: at the end, the least and the most. */
  readonly level: { readonly last: number; readonly lowest: number; readonly highest: number };
  /** Why there were fewer than before, and how often. */
  readonly slowed: ReadonlyMap<string, number>;
  /** Time in which nothing was sent because the server had asked for it. */
  readonly pausedMs: number;
  /** Requests that were let through, by group, those of none as "". */
  readonly requests: ReadonlyMap<string, number>;
}

/** A pacer for one host, shared by source and target when they are on the same one: gate.ts says why they do not dead-lock. */
export function createPacer(options: PacerOptions): Pacer {
  const clock = options.clock ?? systemClock;
  const line = openLine(options, clock);
  const enter: Pacer["enter"] = (kind, signal, group) => enterLine(line, { kind, group }, signal);
  return {
    enter,
    async run(work, signal) {
      const place = await enter("request", signal);
      try {
        return await work();
      } finally {
        place.leave();
      }
    },
    pause(ms, reason) {
      const now = clock.now();
      const until = now + ms;
      if (until <= line.pausedUntil) return;
      line.record.pause(until - Math.max(now, line.pausedUntil));
      line.pausedUntil = until;
      options.onWait?.(reason, ms);
    },
    get active() {
      return line.active;
    },
    get level() {
      return line.adaptive?.level ?? options.inFlight;
    },
    report: () => line.record.report(),
  };
}

/** A pacer's own state. */
interface Line {
  readonly options: PacerOptions;
  readonly clock: Clock;
  readonly adaptive: AdaptiveLevel | undefined;
  readonly gate: Gate;
  readonly bucket: Bucket | undefined;
  readonly groups: ReadonlyMap<string, Bucket>;
  readonly record: PaceRecord;
  pausedUntil: number;
  active: number;
}

function openLine(options: PacerOptions, clock: Clock): Line {
  const adaptive = options.adapt === true ? createAdaptiveLevel({ ceiling: options.inFlight }) : undefined;
  const level = adaptive?.level ?? options.inFlight;
  const bucket = options.ratePerSecond === undefined ? undefined : createBucket(options.ratePerSecond, clock);
  const groups = new Map(Object.entries(options.groups ?? {}).map(([name, rate]) => [name, createBucket(rate, clock)]));
  return { options, clock, adaptive, gate: createGate(level), bucket, groups, record: createRecord(level), pausedUntil: 0, active: 0 };
}

interface Asking {
  readonly kind: PlaceKind;
  readonly group: string | undefined;
}

async function enterLine(line: Line, { kind, group }: Asking, signal: AbortSignal): Promise<Place> {
  const { clock, adaptive } = line;
  // Before the gate: who waits for a slow group must not keep others from going.
  const bucket = group === undefined ? undefined : line.groups.get(group);
  if (bucket !== undefined) await takeToken(bucket, clock, signal, line.options.onWait);
  const leaveGate = await line.gate.enter(kind, signal);
  try {
    await turn(line, signal);
  } catch (thrown) {
    leaveGate();
    throw thrown;
  }
  const startedAt = clock.now();
  line.active += 1;
  line.record.request(group ?? "");
  adaptive?.begin(startedAt);
  return {
    tell: (observed) => change(line, adaptive?.observe({ ...observed, startedAt }, clock.now())),
    leave() {
      line.active -= 1;
      adaptive?.end(clock.now());
      leaveGate();
    },
  };
}

async function turn(line: Line, signal: AbortSignal): Promise<void> {
  const { bucket, clock, options } = line;
  throwIfInterrupted(signal);
  if (bucket !== undefined) await takeToken(bucket, clock, signal, options.onWait);
  // A pause may be prolonged while it is waited out.
  for (let ms = line.pausedUntil - clock.now(); ms > 0; ms = line.pausedUntil - clock.now()) await waitOrInterrupt(clock, ms, signal);
}

function change(line: Line, changed: LevelChange | undefined): void {
  if (changed === undefined) return;
  line.record.change(changed);
  line.gate.resize(changed.to);
  line.options.onLevel?.(changed);
}

interface PaceRecord {
  change(changed: LevelChange): void;
  pause(ms: number): void;
  request(group: string): void;
  report(): PaceReport;
}

function createRecord(first: number): PaceRecord {
  const level = { last: first, lowest: first, highest: first };
  const slowed = new Map<string, number>();
  const requests = new Map<string, number>();
  let pausedMs = 0;
  return {
    change({ from, to, reason }) {
      level.last = to;
      level.lowest = Math.min(level.lowest, to);
      level.highest = Math.max(level.highest, to);
      if (to < from) slowed.set(reason, (slowed.get(reason) ?? 0) + 1);
    },
    pause: (ms) => void (pausedMs += ms),
    request: (group) => void requests.set(group, (requests.get(group) ?? 0) + 1),
    report: () => ({ level: { ...level }, slowed: new Map(slowed), pausedMs, requests: new Map(requests) }),
  };
}
