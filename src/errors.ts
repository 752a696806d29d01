// The one error type of mlferry and its catalogue of codes. Everything that can go wrong is thrown as a MigrationError;
// cli/main.ts alone turns it into text and an exit code. docs/errors.md is generated from CODES.

/** What a failed HTTP exchange looked like, with credentials already removed. */
export interface FailedRequest {
  readonly method: string;
  /** Without user, password or query values that could hold a signature. */
  readonly url: string;
  readonly status?: number;
  /** The server's own error code, such as `RESOURCE_DOES_NOT_EXIST`. */
  readonly serverCode?: string;
}

/**
 * Every error code with what it means. `exit` is the exit code the command line gives when the error ends a command
 * (docs/cli.md holds the table).
 */
export const CODES = {
  USAGE: { exit: 2, meaning: "the command line is not one that mlferry understands" },
  LOCATION_UNKNOWN: { exit: 2, meaning: "a source or target is written in a form that names no known place" },
  CONFIG_INVALID: { exit: 2, meaning: "mlferry.yaml or .databrickscfg is not valid, or the file or profile that was named is missing" },
  MAPPING_INVALID: { exit: 2, meaning: "the mapping file or a mapping flag is not valid" },
  FILTER_INVALID: { exit: 2, meaning: "a filter is not one that the source understands" },
  NOTHING_SELECTED: { exit: 2, meaning: "a pattern or a filter selects nothing at the source" },
  OUTPUT_EXISTS: { exit: 2, meaning: "the bundle to be written is there already" },
  MAPPING_COLLISION: { exit: 1, meaning: "two objects of the source would get one name at the target" },
  NAME_TAKEN: { exit: 1, meaning: "the target holds a different object under the name" },
  DELETED_AT_TARGET: { exit: 3, meaning: "an object that was moved before has been deleted at the target since" },
  NAME_ILLEGAL: { exit: 1, meaning: "the target does not allow the name" },
  VERSION_NUMBER_TAKEN: { exit: 1, meaning: "the target cannot give a version the number it has at the source" },
  LOSS_REFUSED: { exit: 3, meaning: "the target cannot hold a part of the object, and losses are refused" },
  NEEDS_FAILED: { exit: 3, meaning: "something that the object needs was not moved" },
  NOT_FOUND: { exit: 1, meaning: "an object is not there, or not visible to this principal" },
  SERVER_UNREACHABLE: { exit: 1, meaning: "no connection to the server could be made" },
  NOT_A_REGISTRY: { exit: 1, meaning: "something answers at the address, but it is no MLflow server" },
  NOT_AUTHORISED: { exit: 5, meaning: "the server refused the credentials, or none were given" },
  REQUEST_FAILED: { exit: 1, meaning: "the server answered a request with an error" },
  OUTCOME_UNKNOWN: { exit: 1, meaning: "a request was sent, no answer came, and it cannot be seen whether it took effect" },
  LEFT_OUT: { exit: 3, meaning: "files were left out because the flags ask for it (told in reports, never an error of its own)" },
  ARTIFACT_UNREADABLE: { exit: 3, meaning: "the bytes of a file cannot be read at the source" },
  ARTIFACT_CORRUPT: { exit: 3, meaning: "a file's bytes differ from its recorded size or digest" },
  BUNDLE_DAMAGED: { exit: 1, meaning: "a bundle is cut short or was altered" },
  BUNDLE_TOO_NEW: { exit: 1, meaning: "a bundle has a format version that this mlferry does not know" },
  OUTPUT_CLOSED: { exit: 1, meaning: "whoever reads the bundle from stdout has stopped before its end" },
  DISK: { exit: 1, meaning: "the local disk refused a read or a write" },
  NOT_SUPPORTED: { exit: 1, meaning: "the place does not offer what was asked" },
  STALE_PLAN: { exit: 6, meaning: "a saved plan no longer fits: tool, source or target have changed since it was made" },
  PLAN_INVALID: { exit: 6, meaning: "a file is no plan, or a plan that is cut short or was altered" },
  DECLINED: { exit: 1, meaning: "the question whether to go on was not answered with yes; nothing was written" },
  JOB_UNKNOWN: { exit: 2, meaning: "the state folder holds no such job, or more than one" },
  JOB_CHANGED: { exit: 1, meaning: "the command of a stored job would do another job now than it did then" },
  INTERRUPTED: { exit: 130, meaning: "the command was stopped before its end" },
  INTERNAL: { exit: 1, meaning: "a defect of mlferry itself" },
} as const;

export type ErrorCode = keyof typeof CODES;

export interface ErrorContext {
  /** What the reader can do next: one line, lower case, no full stop. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly side?: "source" | "target";
  /** The entity concerned, as an entity key. */
  readonly key?: string;
  readonly request?: FailedRequest;
}

/**
 * The only error that crosses a layer. `message` is one line: what failed and on what, lower case, no full stop; it
 * never holds a credential (see {@link redact}).
 */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly side?: "source" | "target";
  readonly key?: string;
  readonly request?: FailedRequest;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(redact(message), context.cause === undefined ? {} : { cause: context.cause });
    this.code = code;
    if (context.hint !== undefined) this.hint = redact(context.hint);
    if (context.side !== undefined) this.side = context.side;
    if (context.key !== undefined) this.key = context.key;
    if (context.request !== undefined) this.request = context.request;
  }
}

/** Gives any thrown value as a MigrationError, so that callers can rely on `code`. Aborts become INTERRUPTED. */
export function asMigrationError(thrown: unknown): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError") {
    return new MigrationError("INTERRUPTED", "interrupted", { cause: thrown });
  }
  const disk = diskError(thrown);
  if (disk !== undefined) return disk;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MigrationError("INTERNAL", `internal error: ${message}`, {
    cause: thrown,
    hint: "this is a defect of mlferry: please report it with the log file",
  });
}

/** Adds where an error happened (side, entity), once, when it crosses a layer; what is already known stays. */
export function withContext(thrown: unknown, context: Pick<ErrorContext, "side" | "key">): MigrationError {
  const error = asMigrationError(thrown);
  return new MigrationError(error.code, error.message, {
    ...context,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.side === undefined ? {} : { side: error.side }),
    ...(error.key === undefined ? {} : { key: error.key }),
    ...(error.request === undefined ? {} : { request: error.request }),
    cause: error.cause ?? error,
  });
}

/** Strips `user:password@` from URLs and bearer or basic credentials from a text that is to leave the process. */
export function redact(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi, "$1***@").replace(/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, "$1 ***");
}

const DISK_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file may not grow that large",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOENT: "no such file or folder",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  EMFILE: "too many open files",
  EIO: "input/output error",
};

const OUT_OF_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

function diskError(thrown: unknown): MigrationError | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown) || !("syscall" in thrown)) return undefined;
  const reason = DISK_REASONS[String(thrown.code)];
  if (reason === undefined) return undefined;
  const path = "path" in thrown ? ` ${String(thrown.path)}` : "";
  return new MigrationError("DISK", `cannot ${String(thrown.syscall)}${path}: ${reason}`, {
    cause: thrown,
    hint: OUT_OF_SPACE.has(String(thrown.code))
      ? "free some space and run the same command again: it continues"
      : "check the path and its permissions",
  });
}
