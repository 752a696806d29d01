// What Ctrl-C does: first finish what has begun, then stop at once.
import { MigrationError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

export interface Interruption {
  /** Aborted by the first signal: nothing new is begun. */
  readonly drain: AbortSignal;
  /** Aborted by the second signal, or by the first while there is nothing to finish. */
  readonly signal: AbortSignal;
  /** From now on writes are under way that the first signal must let end. */
  beginWriting(): void;
  /** Throws INTERRUPTED once a signal has come, for work that just ends early when it is drained. */
  check(): void;
  /** Stops listening. */
  dispose(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** npm hands on the Ctrl-C that its child has had from the terminal already: what comes within this time is one press. */
const ONE_PRESS_MS = 400;

export interface InterruptOptions {
  readonly signals: Terminal["signals"];
  /** Epoch ms. */
  readonly now: () => number;
  /** Given a line for people at the first signal. */
  readonly tell: (line: string) => void;
}

/** Listens for SIGINT and SIGTERM. After the third, a fourth ends the process as ever. */
export function listenForInterrupts({ signals, now, tell }: InterruptOptions): Interruption {
  const drain = new AbortController();
  const abort = new AbortController();
  let writing = false;
  let pressedAt = -Infinity;
  const reason = (): MigrationError =>
    new MigrationError("INTERRUPTED", "interrupted", { hint: "run the same command again: it continues" });
  const onSignal = (): void => {
    if (now() - pressedAt < ONE_PRESS_MS) return;
    pressedAt = now();
    if (abort.signal.aborted) return dispose();
    const first = !drain.signal.aborted;
    drain.abort(reason());
    if (first && writing) tell("stopping: what has begun is being finished (press Ctrl-C again to stop at once)");
    else abort.abort(reason());
  };
  const dispose = (): void => {
    for (const name of SIGNALS) signals.off(name, onSignal);
  };
  for (const name of SIGNALS) signals.on(name, onSignal);
  return {
    drain: drain.signal,
    signal: abort.signal,
    beginWriting: () => void (writing = true),
    check() {
      if (drain.signal.aborted) throw reason();
    },
    dispose,
  };
}
