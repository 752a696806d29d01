// Errors as MLflow's clients know them: which status and error code a MigrationError is answered with.
import { MigrationError, asMigrationError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";

/** The JSON of a refused request. */
export interface WireError {
  readonly status: number;
  readonly body: { readonly error_code: string; readonly message: string };
}

/** Answered with 404 RESOURCE_DOES_NOT_EXIST. */
export function notFound(message: string): MigrationError {
  return new MigrationError("NOT_FOUND", message);
}

/** Answered with 400 INVALID_PARAMETER_VALUE. */
export function invalid(message: string): MigrationError {
  return new MigrationError("USAGE", message);
}

/** The answer to every write. */
export const READ_ONLY: WireError = {
  status: 403,
  body: { error_code: "PERMISSION_DENIED", message: "this registry is served read-only" },
};

const STATUSES: Readonly<Partial<Record<ErrorCode, readonly [number, string]>>> = {
  NOT_FOUND: [404, "RESOURCE_DOES_NOT_EXIST"],
  USAGE: [400, "INVALID_PARAMETER_VALUE"],
  FILTER_INVALID: [400, "INVALID_PARAMETER_VALUE"],
  NOTHING_SELECTED: [400, "INVALID_PARAMETER_VALUE"],
  NOT_SUPPORTED: [501, "NOT_IMPLEMENTED"],
  INTERRUPTED: [503, "TEMPORARILY_UNAVAILABLE"],
  SERVER_UNREACHABLE: [503, "TEMPORARILY_UNAVAILABLE"],
};

/** What is answered for anything thrown; what the client is not to blame for is a 500. */
export function wireError(thrown: unknown): WireError {
  const error = asMigrationError(thrown);
  const [status, code] = STATUSES[error.code] ?? [500, "INTERNAL_ERROR"];
  return { status, body: { error_code: code, message: error.message } };
}
