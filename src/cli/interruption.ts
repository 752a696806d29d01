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

/** Listens for SIGINT and SIGTERM. `tell` is given a line for people at the first signal. A third one ends the process as ever. */
export function listenForInterrupts(signals: Terminal["signals"], tell: (line: string) => void): Interruption {
  const drain = new AbortController();
  const abort = new AbortController();
  let writing = false;
  const reason = (): MigrationError =>
    new MigrationError("INTERRUPTED", "interrupted", { hint: "run the same command again: it continues" });
  const onSignal = (): void => {
    if (drain.signal.aborted || !writing) {
      drain.abort(reason());
      abort.abort(reason());
      dispose();
      return;
    }
    drain.abort(reason());
    tell("stopping: what has begun is being finished (press Ctrl-C again to stop at once)");
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
