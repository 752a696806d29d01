// What every command that reads a place sets up and takes down: log, progress, Ctrl-C, and the places themselves.
import { asMigrationError, MigrationError } from "../errors.ts";
import { commandLine } from "./command-line.ts";
import type { RootFlags } from "./file-flags.ts";
import type { OutputFlags, PaceFlags } from "./flags.ts";
import { listenForInterrupts } from "./interruption.ts";
import type { Interruption } from "./interruption.ts";
import type { Location } from "./location.ts";
import { NO_LOG, openLog } from "./log.ts";
import type { Log } from "./log.ts";
import { createPlaces } from "./places.ts";
import type { Places } from "./places.ts";
import { createProgressDisplay } from "./progress-display.ts";
import type { ProgressDisplay } from "./progress-display.ts";
import { hasColours, reportOutput, styleFor } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import type { LevelChange } from "../http/adaptive.ts";
import { shortId } from "../report/status.ts";
import type { Style } from "../report/style.ts";

export interface Session {
  readonly terminal: Terminal;
  readonly places: Places;
  readonly display: ProgressDisplay;
  readonly log: Log;
  readonly interruption: Interruption;
  /** How the report looks. */
  readonly style: Style;
}

export interface SessionOptions {
  readonly flags: OutputFlags & PaceFlags & RootFlags;
  readonly locations: readonly Location[];
  /** Shown until the work tells another. */
  readonly phase: string;
  /** Whether nothing of what was cut off is kept, as with a bundle that goes through a pipe. Default: false. */
  readonly begunAnew?: boolean;
}

/** Runs `work` in a session and takes everything down after it. An interruption is told with the command that continues. */
export async function inSession(terminal: Terminal, options: SessionOptions, work: (session: Session) => Promise<void>): Promise<void> {
  const session = openSession(terminal, options);
  const { display, log, interruption, places } = session;
  log.info("started", { command: commandLine(terminal.args), version: terminal.version });
  try {
    await work(session);
    log.info("ended", { exitCode: terminal.exitCode });
  } catch (thrown) {
    const error = withResumption(asMigrationError(thrown), terminal, options);
    log.error(error.message, { code: error.code, hint: error.hint, key: error.key, request: error.request, stack: stackOf(error) });
    throw error;
  } finally {
    interruption.dispose();
    display.end();
    await places.close().catch((thrown: unknown) => {
      // The work's own result counts; what could not be closed ends with the process.
      log.warn("a place could not be closed", { reason: asMigrationError(thrown).message });
    });
    log.close();
  }
}

function openSession(terminal: Terminal, { flags, locations, phase }: SessionOptions): Session {
  const { stderr, env, now } = terminal;
  const verbose = flags.verbose === true;
  const log = flags.logFile === undefined ? NO_LOG : openLog({ file: flags.logFile, verbose, scrub: terminal.secrets.scrub });
  const live = stderr.isTTY && env["TERM"] !== "dumb";
  const mode = flags.quiet === true ? "none" : live ? "live" : "plain";
  const display = createProgressDisplay({ output: stderr, mode, phase, now });
  return {
    terminal,
    display,
    log,
    interruption: listenForInterrupts({ signals: terminal.signals, now, tell: (line) => display.say(line) }),
    style: { ...styleFor(reportOutput(terminal), env, { verbose }), colour: hasColours(reportOutput(terminal), env) },
    places: createPlaces({
      terminal,
      pace: flags,
      roots: flags,
      locations,
      onNote(line) {
        display.say(line);
        log.info(line);
      },
      onRetry(event) {
        display.event({ type: "retry" });
        log.warn("request repeated", { ...event });
      },
      onLevel(host, change) {
        display.event({ type: "level", host, level: change.to });
        log.info("requests in flight changed", { host, ...change });
        if (verbose) display.say(levelLine(host, change));
      },
      onWait(reason, ms) {
        display.event({ type: "wait", reason, ms });
        log.warn("waiting", { reason, ms });
      },
    }),
  };
}

/** `localhost:5000: 6 -> 3 requests in flight: the server answered 429`. */
function levelLine(host: string, { from, to, reason }: LevelChange): string {
  return `${host}: ${String(from)} -> ${String(to)} requests in flight: ${reason}`;
}

function withResumption(error: MigrationError, terminal: Terminal, { locations, begunAnew = false }: SessionOptions): MigrationError {
  if (error.code !== "INTERRUPTED" && (error.code !== "DISK" || !begunAnew)) return error;
  const room = error.code === "DISK" ? "make room, also in the folder for temporary files (TMPDIR), and " : "";
  const again = begunAnew ? "a bundle in a pipe cannot be continued" : "it continues";
  const hint = locations.some(({ place }) => place === "pipe")
    ? `${room}run the whole pipeline again: ${again}`
    : `continue with: ${resumption(terminal)}`;
  return new MigrationError(error.code, error.message, { hint, cause: error });
}

function resumption({ args, resumes }: Terminal): string {
  return resumes === undefined ? commandLine(args) : `mlferry resume ${shortId(resumes)}`;
}

function stackOf(error: MigrationError): string | undefined {
  const { cause } = error;
  return error.code === "INTERNAL" ? (cause instanceof Error ? cause.stack : error.stack) : undefined;
}
