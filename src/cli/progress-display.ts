// Shows progress on stderr: a block that is redrawn on a terminal, a line now and then elsewhere, or nothing.
import { advance, liveLines, percentOf, plainLine, startProgress } from "./progress.ts";
import type { ProgressEvent, ProgressState } from "./progress.ts";
import type { Output } from "./terminal.ts";

export interface ProgressDisplay {
  event(event: ProgressEvent): void;
  /** A line that stays, above the block. Shown even where progress is not. */
  say(line: string): void;
  /** Removes the block and stops. Repeatable. */
  end(): void;
  readonly state: ProgressState;
}

export interface ProgressDisplayOptions {
  readonly output: Output;
  readonly mode: "live" | "plain" | "none";
  readonly phase: string;
  readonly now: () => number;
}

const REDRAW_MS = 125;
const LINE_EVERY_MS = 10_000;
const LINE_EVERY_PERCENT = 10;

/** Begins to show. The timer does not keep the process alive. */
export function createProgressDisplay(options: ProgressDisplayOptions): ProgressDisplay {
  const { output, mode, now } = options;
  let state = startProgress(options.phase, now());
  const shower = mode === "live" ? createBlock(output) : createLines(output, now());
  const tick = (): void => {
    if (mode !== "none") shower.show(state, now());
  };
  const timer = mode === "none" ? undefined : setInterval(tick, REDRAW_MS).unref();
  return {
    event(event) {
      state = advance(state, event, now());
    },
    say(line) {
      shower.clear();
      output.write(`${line}\n`);
    },
    end() {
      clearInterval(timer);
      shower.clear();
    },
    get state() {
      return state;
    },
  };
}

interface Shower {
  show(state: ProgressState, now: number): void;
  clear(): void;
}

/** Cursor up `n` lines and to the first column, then everything below is erased (ECMA-48). */
const upAndErase = (lines: number): string => `\u001b[${String(lines)}A\r\u001b[J`;

function createBlock(output: Output): Shower {
  let drawn = 0;
  let last = "";
  const clear = (): void => {
    if (drawn > 0) output.write(upAndErase(drawn));
    drawn = 0;
    last = "";
  };
  return {
    show(state, now) {
      // The last column is left free: some terminals begin a new line when it is written.
      const lines = liveLines(state, { now, columns: (output.columns ?? 80) - 1 });
      const text = lines.map((line) => `${line}\n`).join("");
      if (text === last) return;
      output.write(`${drawn > 0 ? upAndErase(drawn) : ""}${text}`);
      drawn = lines.length;
      last = text;
    },
    clear,
  };
}

function createLines(output: Output, startedAt: number): Shower {
  let told = { at: startedAt, tenth: 0 };
  return {
    show(state, now) {
      const tenth = Math.floor((percentOf(state) ?? 0) / LINE_EVERY_PERCENT);
      const due = now - told.at >= LINE_EVERY_MS || (tenth > told.tenth && now - told.at >= 1000);
      if (!due) return;
      told = { at: now, tenth };
      output.write(`${plainLine(state, now)}\n`);
    },
    clear: () => undefined,
  };
}
